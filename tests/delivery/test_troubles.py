"""What else people are told of: dead letters, delay; several things in one post, and that each is over."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from relay.delivery.alerts import UNCONFIRMED, post_alerts
from relay.store.operations.replay import replay_all
from tests.delivery.rig import Rig
from tests.harness import timeline, words
from tests.store.shelf import rows

ALERTS = "C0OPS"
FOR_TWO = {"channels": {"123456": "C0SUPPORT", "7": "C0VIP"}, "alerts": {"channel": ALERTS}}


@pytest.fixture
def line(rig: Callable[..., Rig]) -> Rig:
    return rig(**FOR_TWO)


def told(line: Rig) -> list[str]:
    """The alerts, oldest first."""
    return [words(one) for one in timeline(line.server) if one["channel"] == ALERTS]


def tell(line: Rig) -> list[str]:
    """The alerts that are new after one more round of chores, a minute later."""
    before = len(told(line))
    line.clock.advance(60)
    post_alerts(line.out)
    return told(line)[before:]


def bury(line: Rig, text: str) -> None:
    """Slack refuses this message in every form."""
    line.fault("error", code="invalid_blocks")
    line.fault("error", code="msg_too_long")
    line.write(text)
    line.run(10)


def test_several_things_are_told_in_one_post(line: Rig) -> None:
    for channel, group in (("C0SUPPORT", "123456"), ("C0VIP", "7")):
        line.sandbox.slack.archive(channel)
        line.write("m1 waits", group=group)
    line.run(5)
    (said,) = tell(line)
    assert "cannot post to C0SUPPORT" in said
    assert "cannot post to C0VIP" in said
    assert tell(line) == []


def test_what_is_over_is_told_too_and_once(line: Rig) -> None:
    line.sandbox.slack.archive("C0SUPPORT")
    line.write("m1 waits")
    line.run(5)
    assert len(tell(line)) == 1
    line.sandbox.slack.archive("C0SUPPORT", archived=False)
    line.run(320)
    assert tell(line) == ["\u2705 The relay posts to C0SUPPORT again\n<#C0SUPPORT>"]
    assert (tell(line), rows(line.store, "alerts")) == ([], [])


def test_what_was_given_up_is_told_and_what_is_given_up_later(line: Rig) -> None:
    line.write("m1 opens the thread")
    line.run(5)
    bury(line, "m2")
    (first,) = tell(line)
    assert "1 message could not be delivered" in first
    assert "relay deliveries list --dead" in first
    assert tell(line) == []
    bury(line, "m3")
    bury(line, "m4")
    assert "2 more messages could not be delivered (3 in all)" in tell(line)[0]
    with line.store.begin() as tx:
        assert replay_all(tx) == 3
    line.run(30)
    assert "No undelivered messages are left" in tell(line)[0]
    assert tell(line) == []


def test_late_messages_are_told_and_that_they_are_in_time_again(line: Rig) -> None:
    line.fault("ratelimited", retry_after="900", times=None, channel="C0SUPPORT")
    line.write("m1 waits")
    line.run(10)
    for _ in range(4):
        assert tell(line) == []
    assert "the oldest has waited 5 minutes" in "".join(tell(line) or tell(line))
    assert tell(line) == []
    line.sandbox.faults.clear()
    line.run(900)
    assert "in time again" in tell(line)[0]


def test_a_channel_that_waits_for_a_person_is_not_late_besides(line: Rig) -> None:
    line.sandbox.slack.archive("C0SUPPORT")
    line.write("m1 waits")
    line.run(400)
    (said,) = tell(line)
    assert "reach Slack late" not in said


@pytest.mark.parametrize(("lag", "number"), [("never", 0), ("30s", 1)])
def test_how_late_is_late_is_set(rig: Callable[..., Rig], lag: str, number: int) -> None:
    line = rig(channels={"123456": "C0SUPPORT"}, alerts={"channel": ALERTS, "lag": lag})
    line.fault("ratelimited", retry_after="9000", times=None, channel="C0SUPPORT")
    line.write("m1 waits")
    line.run(10)
    line.clock.advance(600)
    assert len(tell(line)) == number


def test_of_very_many_the_first_are_named_and_the_others_counted(rig: Callable[..., Rig]) -> None:
    groups = [str(number) for number in range(1000, 1013)]
    line = rig(channels={group: f"#gone-{group}" for group in groups}, alerts={"channel": ALERTS})
    for group in groups:
        line.write("m1 waits", group=group)
    line.run(30)
    (said,) = tell(line)
    assert said.count("cannot post to #gone-") == 10
    assert "And 3 more like these" in said
    assert tell(line) == []


def test_a_post_that_was_never_made_is_made_once_it_is_certain(line: Rig) -> None:
    """Slack did not answer, and the post had not arrived."""
    line.sandbox.slack.archive("C0SUPPORT")
    line.write("m1 waits")
    line.run(5)
    line.fault("reset_before", channel=ALERTS)
    assert tell(line) == []
    line.clock.advance(UNCONFIRMED)
    assert len(tell(line)) == 1
    assert tell(line) == []


def test_where_nobody_can_look_people_are_not_told_twice(line: Rig) -> None:
    line.sandbox.slack.archive("C0SUPPORT")
    line.write("m1 waits")
    line.run(5)
    line.fault("reset_after", channel=ALERTS)
    line.fault("error", method="conversations.history", code="missing_scope", times=None)
    for _ in range(3):
        tell(line)
    assert len(told(line)) == 1
