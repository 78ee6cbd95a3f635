"""Kommunicate limits, refuses and goes away: what waits, for how long, and who is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from relay.vocabulary import GateScope
from tests.harness import timeline, words
from tests.replies.desk import GROUP, Desk
from tests.store.shelf import rows

SEND = "/rest/ws/message/v2/send"
HOUR = 3600.0


def gate(desk: Desk, scope: GateScope) -> tuple[str, str]:
    """The name and cause of the only gate of this kind that something has closed."""
    (found,) = [one for one in rows(desk.store, "gates", scope=scope.value) if one.cause]
    return found.name, found.cause


def test_a_limit_names_kommunicate_and_not_slack(desk: Desk) -> None:
    desk.sandbox.faults.add(SEND, "ratelimited", retry_after="2")
    desk.says("hi")
    desk.run(5.5)
    assert gate(desk, GateScope.ACCOUNT) == ("default", "rate limited: Kommunicate asked for 2 s")
    desk.run(5)
    assert desk.reached() == ["hi"]


@pytest.mark.parametrize("asked", ["1000000000000", "1e12", "inf", "nan", "-5", "soon"])
def test_nobody_is_believed_who_asks_for_more_than_an_hour(desk: Desk, asked: str) -> None:
    """10^12 s: no reply would ever have gone out again."""
    desk.sandbox.faults.add(SEND, "ratelimited", retry_after=asked)
    desk.says("hi")
    desk.run(HOUR + 60)
    assert (desk.reached(), desk.marks()) == (["hi"], {"hi": ["sent"]})


def test_a_limit_long_ago_is_forgotten(desk: Desk) -> None:
    """Two limits that say nothing of how long, an hour apart, cost a second each."""
    for text in ("one", "two"):
        desk.sandbox.faults.add(SEND, "ratelimited", retry_after=None)
        desk.says(text)
        desk.run(10)
        desk.clock.advance(HOUR)
    (found,) = rows(desk.store, "gates", scope="account", name="default")
    assert (desk.reached(), found.strikes) == (["one", "two"], 0)


def test_a_refused_key_is_told_in_the_alerts_channel(make_desk: Callable[..., Desk]) -> None:
    """Once; and replies wait, with that cause."""
    desk = make_desk(alerts={"channel": "C0OPS"})
    desk.customer("m1")
    desk.sandbox.faults.add(SEND, "status", status=401, times=None)
    desk.says("hi")
    desk.run(60)
    for _ in range(3):
        desk.chores()
    told = [words(one) for one in timeline(desk.server) if one["channel"] == "C0OPS"]
    assert len(told) == 1
    assert "cannot use Kommunicate: the API key for Kommunicate is wrong" in told[0]
    assert "KOMMUNICATE_API_KEY" in desk.waiting()[0][1]


def test_an_agent_who_is_refused_holds_up_no_other(desk: Desk) -> None:
    """Kommunicate lets nothing be done for Alex; Kim, in another conversation, is heard at once."""
    desk.restart(channels={GROUP: "C0SUPPORT", "7": "C0VIP"})
    desk.sandbox.kommunicate.customer_writes("7", "m7", name="Joe")
    desk.carry()
    desk.run(5)
    desk.sandbox.faults.add(SEND, "status", status=403, channel=GROUP, times=None)
    threads = {one["channel"]: one["ts"] for one in desk.roots()}
    for channel, text, user in (("C0SUPPORT", "from Alex", "U0ALEX"), ("C0VIP", "from Kim", "U0KIM")):
        desk.sandbox.slack.human_writes(channel, text, user=user, thread_ts=threads[channel])
    desk.carry()
    desk.run(60)
    lines = desk.sandbox.kommunicate.conversation("7").lines
    assert [line.text for line in lines if line.source == 4] == ["from Kim"]
    assert (desk.reached(), gate(desk, GateScope.AGENT)[0]) == ([], "alex@sandbox.test")
    desk.sandbox.faults.clear()
    desk.run(600)
    assert desk.reached() == ["from Alex"]


def test_a_reply_whose_key_is_gone_waits_with_a_cause(desk: Desk) -> None:
    """It had been made ready; the relay was started again without the key, and in the end with it."""
    desk.sandbox.faults.add(SEND, "error", code="BUSY", times=None)
    desk.says("hi")
    desk.run(30)
    desk.sandbox.faults.clear()
    desk.changes = {"kommunicate_api_key": None}
    desk.restart()
    desk.run(60)
    assert (desk.reached(), "KOMMUNICATE_API_KEY is not set" in desk.waiting()[0][1]) == ([], True)
    desk.changes = {}
    desk.restart()
    desk.run(600)
    assert desk.reached() == ["hi"]


def test_a_clock_that_jumps_back_an_hour_keeps_no_reply_waiting_for_one(desk: Desk) -> None:
    """A reply waits for the seconds in which it may be undone, whatever time it is."""
    desk.says("hi")
    desk.sandbox.core.now = lambda: desk.clock.now() + HOUR  # the vendors' clocks do not jump
    desk.clock.advance(-HOUR)
    desk.run(60)
    assert desk.reached() == ["hi"]
