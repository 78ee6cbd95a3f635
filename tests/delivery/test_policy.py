"""One table: what to do after a failed call."""

from __future__ import annotations

import pytest

from relay.delivery.policy import (
    Bury,
    CloseChannel,
    Confirm,
    Degrade,
    Dissolve,
    NewThread,
    Retry,
    Schedule,
    Situation,
    Verdict,
    WaitForOperator,
    WaitForSlot,
    decide,
    next_look,
)
from relay.errors import DeliveryFailed, OperatorNeeded, Permanent, RateLimited, ThreadGone, Transient, Unsure
from relay.messages import Form

SCHEDULE = Schedule(retry=(1.0, 5.0, 15.0), give_up_after=100.0, confirm_after=(2.0, 10.0))
FORMS = {"full": Form.FULL, "bare": Form.WITHOUT_PICTURES, "plain": Form.PLAIN}


def at(what: str = "post", form: str = "full", n: int = 1, **rest: float) -> Situation:
    """What was sent: root or post, in a form, with `n` deliveries."""
    values = {"attempts": 0, "spent": 0.0, "resent": 0, "elapsed": 0.0, **rest}
    return Situation(what == "root", n, FORMS[form], **values)  # type: ignore[arg-type]


REFUSED, PICTURE = Permanent(code="invalid_blocks"), Permanent(code="invalid_blocks", picture=True)
UNKNOWN = Unsure(code="new", unknown_code=True)

TABLE: list[tuple[DeliveryFailed, Situation, Verdict]] = [
    (Transient(), at(), Retry(1.0)),
    (Transient(), at(attempts=1), Retry(5.0)),
    (Transient(), at(attempts=9), Retry(15.0)),
    (Transient(), at(attempts=9, spent=85.0), Retry(15.0)),
    (Transient(), at(attempts=9, spent=86.0), Bury()),
    (Transient(), at("root", attempts=9, spent=1e9), Retry(15.0)),
    (RateLimited(30.0, method="chat.postMessage"), at(spent=1e9), WaitForSlot(30.0)),
    (RateLimited(None, method="chat.postMessage"), at("root"), WaitForSlot(None)),
    (OperatorNeeded("workspace"), at(spent=1e9), WaitForOperator("workspace")),
    (OperatorNeeded("channel"), at("root"), WaitForOperator("channel")),
    (Unsure(), at(), Confirm(2.0)),
    (Unsure(), at(elapsed=1.5), Confirm(0.5)),
    (Unsure(), at(elapsed=8.0), Confirm(0.0)),
    (Unsure(), at(resent=99), Confirm(2.0)),
    (UNKNOWN, at(resent=1), Confirm(2.0)),
    (UNKNOWN, at(resent=2), Degrade(Form.PLAIN)),
    (UNKNOWN, at(resent=2, form="plain"), Bury()),
    (UNKNOWN, at("root", resent=2, form="plain"), CloseChannel()),
    (ThreadGone(), at(), NewThread()),
    (ThreadGone(), at("root"), Degrade(Form.PLAIN)),
    (REFUSED, at(n=2), Dissolve()),
    (REFUSED, at(), Degrade(Form.PLAIN)),
    (REFUSED, at(form="bare"), Degrade(Form.PLAIN)),
    (REFUSED, at(form="plain"), Bury()),
    (PICTURE, at(n=3), Dissolve()),
    (PICTURE, at(), Degrade(Form.WITHOUT_PICTURES)),
    (PICTURE, at(form="bare"), Degrade(Form.PLAIN)),
    (REFUSED, at("root"), Degrade(Form.PLAIN)),
    (REFUSED, at("root", "plain"), CloseChannel()),
    (DeliveryFailed(), at(), Retry(1.0)),
]


@pytest.mark.parametrize(("error", "situation", "verdict"), TABLE, ids=lambda one: type(one).__name__)
def test_it_decides(error: DeliveryFailed, situation: Situation, verdict: Verdict) -> None:
    assert decide(error, situation, SCHEDULE) == verdict


@pytest.mark.parametrize(
    ("elapsed", "wait"), [(0.0, 2.0), (1.5, 0.5), (2.0, 8.0), (9.0, 1.0), (10.0, None), (3600.0, None)]
)
def test_the_last_look_is_not_before_its_time(elapsed: float, wait: float | None) -> None:
    assert next_look(elapsed, (2.0, 10.0)) == wait
