"""A wrong secret makes replies, or chats, vanish: people are told, and that it is right again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from relay.store.operations.alerts import IN_A_ROW, LATELY
from relay.store.operations.refused import note_refused, refused
from relay.vocabulary import Refusal
from relay.wiring import refusing
from tests.harness import timeline, wait_for, words
from tests.replies.desk import SECRET, Desk

ALERTS = "C0OPS"


@pytest.fixture
def desk(make_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(refusing, "EVERY", 0.0)
    desk = make_desk(alerts={"channel": ALERTS})
    desk.customer("m1 my mug is broken")
    return desk


def told(desk: Desk) -> list[str]:
    desk.clock.advance(60)
    desk.chores()
    return [words(one) for one in timeline(desk.server) if one["channel"] == ALERTS]


def refusals(desk: Desk) -> int:
    with desk.store.read() as tx:
        return sum(one.count for one in refused(tx))


def write(desk: Desk, text: str, times: int) -> set[int]:
    """An agent writes so many times in the customer's thread; the statuses of what Slack sends for it."""
    (thread,) = (one["ts"] for one in desk.roots() if one["channel"] == "C0SUPPORT")
    desk.mail.clear()  # what Slack tells of the relay's own posts
    for _ in range(times):
        desk.sandbox.slack.human_writes("C0SUPPORT", text, user="U0ALEX", thread_ts=thread)
    return set(desk.carry())


def test_a_wrong_secret_is_told_and_that_it_is_right_after_a_restart(desk: Desk) -> None:
    desk.rotate(("not-the-secret",))
    assert write(desk, "lost", IN_A_ROW) == {401}
    assert wait_for(lambda: refusals(desk) == IN_A_ROW)
    (said,) = told(desk)
    assert "refuses Slack's requests: they are signed with a secret other than the relay's" in said
    assert "SLACK_SIGNING_SECRET" in said
    desk.rotate((SECRET,))
    assert write(desk, "heard", 1) == {200}
    assert "accepts Slack's requests again" in told(desk)[-1]
    desk.clock.advance(2 * LATELY)
    assert len(told(desk)) == 2


def test_a_few_refusals_are_a_strangers(desk: Desk) -> None:
    desk.rotate(("not-the-secret",))
    write(desk, "forged", IN_A_ROW - 1)
    assert wait_for(lambda: refusals(desk) == IN_A_ROW - 1)
    assert told(desk) == []


def test_a_wrong_token_is_told_too(desk: Desk) -> None:
    with desk.store.begin() as tx:
        note_refused(tx, Refusal.TOKEN, IN_A_ROW)
    assert "KOMMUNICATE_WEBHOOK_TOKEN" in told(desk)[0]
    desk.customer("m2 still there?")
    assert "accepts webhooks from Kommunicate again" in told(desk)[-1]
