"""One table: what to do after a failed call."""

from __future__ import annotations

import pytest

from relay.delivery.policy import (
    ECHO_AFTER,
    STATE_RECHECK,
    STATE_RECHECK_OF_CHANNEL,
    CloseChannel,
    Confirm,
    Degrade,
    Dissolve,
    Forget,
    GiveUp,
    NewThread,
    Retry,
    Schedule,
    Situation,
    Verdict,
    WaitAtGate,
    decide,
    next_look,
)
from relay.errors import (
    DeliveryFailed,
    OperatorNeeded,
    Permanent,
    RateLimited,
    ThreadGone,
    Transient,
    Unreachable,
    Unsure,
)
from relay.messages import Form
from relay.vocabulary import GateScope, SendKind

SCHEDULE = Schedule(retry=(1.0, 5.0, 15.0), give_up_after=100.0, confirm_after=(2.0, 10.0))
FORMS = {"full": Form.FULL, "bare": Form.WITHOUT_PICTURES, "plain": Form.PLAIN}


def at(what: SendKind = SendKind.POST, form: str = "full", n: int = 1, **rest: float) -> Situation:
    """What was sent: what, in a form, with `n` deliveries."""
    values = {"attempts": 0, "spent": 0.0, "resent": 0, "elapsed": 0.0, **rest}
    return Situation(what, n, FORMS[form], **values)  # type: ignore[arg-type]


ROOT, REPLY, CLICK, CARD, MARK = SendKind.ROOT, SendKind.REPLY, SendKind.CLICK, SendKind.CARD, SendKind.MARK


REFUSED, PICTURE = Permanent(code="invalid_blocks"), Permanent(code="invalid_blocks", picture=True)
UNKNOWN = Unsure(code="new", unknown_code=True)

TABLE: list[tuple[DeliveryFailed, Situation, Verdict]] = [
    (Transient(), at(), Retry(1.0)),
    (Transient(), at(attempts=1), Retry(5.0)),
    (Transient(), at(attempts=9), Retry(15.0)),
    (Transient(), at(attempts=9, spent=85.0), Retry(15.0)),
    (Transient(), at(attempts=9, spent=86.0), Retry(14.0)),  # one more try, at the very limit
    (Transient(), at(attempts=9, spent=100.0), GiveUp()),
    (Transient(), at(ROOT, attempts=9, spent=1e9), Retry(15.0)),
    (RateLimited(30.0, method="chat.postMessage"), at(spent=1e9), WaitAtGate()),
    (RateLimited(None, method="chat.postMessage"), at(ROOT), WaitAtGate()),
    (OperatorNeeded(GateScope.WORKSPACE), at(spent=1e9), WaitAtGate()),
    (OperatorNeeded(GateScope.CHANNEL), at(ROOT), WaitAtGate()),
    (Unsure(), at(), Confirm(2.0)),
    (Unsure(), at(elapsed=1.5), Confirm(0.5)),
    (Unsure(), at(elapsed=8.0), Confirm(0.0)),
    (Unsure(), at(resent=99), Confirm(2.0)),
    (UNKNOWN, at(resent=1), Confirm(2.0)),
    (UNKNOWN, at(resent=2), Degrade(Form.PLAIN)),
    (UNKNOWN, at(resent=2, form="plain"), GiveUp()),
    (UNKNOWN, at(ROOT, resent=2, form="plain"), CloseChannel()),
    (ThreadGone(), at(), NewThread()),
    (ThreadGone(), at(ROOT), Degrade(Form.PLAIN)),
    (REFUSED, at(n=2), Dissolve()),
    (REFUSED, at(), Degrade(Form.PLAIN)),
    (REFUSED, at(form="bare"), Degrade(Form.PLAIN)),
    (REFUSED, at(form="plain"), GiveUp()),
    (PICTURE, at(n=3), Dissolve()),
    (PICTURE, at(), Degrade(Form.WITHOUT_PICTURES)),
    (PICTURE, at(form="bare"), Degrade(Form.PLAIN)),
    (REFUSED, at(ROOT), Degrade(Form.PLAIN)),
    (REFUSED, at(ROOT, "plain"), CloseChannel()),
    (DeliveryFailed(), at(), Retry(1.0)),
    (Unreachable(), at(spent=1e9), WaitAtGate()),  # Slack is away: no message's fault
    # A reply is never sent twice by itself, a click may be.
    (Transient(), at(REPLY, attempts=1), Retry(5.0)),
    (Transient(), at(REPLY, spent=100.0), GiveUp()),
    (Unreachable(), at(REPLY, spent=100.0), GiveUp()),  # an agent hears of it in time
    (RateLimited(30.0, method="send"), at(REPLY, spent=1e9), WaitAtGate()),
    (OperatorNeeded(GateScope.ACCOUNT), at(REPLY, spent=1e9), WaitAtGate()),
    (OperatorNeeded(GateScope.AGENT), at(SendKind.TAKEOVER), WaitAtGate()),
    (Unsure(), at(REPLY, elapsed=8.0), Confirm(ECHO_AFTER)),
    (Unsure(), at(CLICK), Retry(1.0)),
    (Unsure(), at(SendKind.TAKEOVER, spent=100.0), GiveUp()),
    (REFUSED, at(REPLY), GiveUp()),
    (REFUSED, at(CLICK), GiveUp()),
    # An emoji and a card are states: tried for ever, but not where nobody would see another try.
    (Transient(), at(CARD, attempts=1, spent=1e9), Retry(5.0)),
    (Unsure(), at(MARK), Retry(1.0)),
    (Unreachable(), at(MARK), WaitAtGate()),
    (RateLimited(None, method="reactions.add"), at(MARK), WaitAtGate()),
    (OperatorNeeded(GateScope.WORKSPACE), at(MARK), Retry(STATE_RECHECK)),
    (OperatorNeeded(GateScope.WORKSPACE), at(MARK, attempts=9), Retry(STATE_RECHECK)),
    (OperatorNeeded(GateScope.CHANNEL), at(CARD), Retry(STATE_RECHECK)),
    (OperatorNeeded(GateScope.CHANNEL), at(CARD, attempts=2), Retry(4 * STATE_RECHECK)),
    (OperatorNeeded(GateScope.CHANNEL), at(CARD, attempts=999), Retry(STATE_RECHECK_OF_CHANNEL)),
    (REFUSED, at(CARD), Forget()),
    (ThreadGone(), at(CARD), Forget()),
]


@pytest.mark.parametrize(
    ("error", "situation", "verdict"), TABLE, ids=lambda one: getattr(one, "kind", type(one).__name__)
)
def test_it_decides(error: DeliveryFailed, situation: Situation, verdict: Verdict) -> None:
    assert decide(error, situation, SCHEDULE) == verdict


@pytest.mark.parametrize(
    ("elapsed", "wait"), [(0.0, 2.0), (1.5, 0.5), (2.0, 8.0), (9.0, 1.0), (10.0, None), (3600.0, None)]
)
def test_the_last_look_is_not_before_its_time(elapsed: float, wait: float | None) -> None:
    assert next_look(elapsed, (2.0, 10.0)) == wait
