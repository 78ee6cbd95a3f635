"""Every look ends: it finds something, or nothing, or it fails a few times and the message goes out all the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from relay.delivery.confirm import FAILED_LOOKS
from tests.delivery.rig import QUICK, Rig
from tests.harness import timeline, words

REPLIES, HISTORY, DELETE = "conversations.replies", "conversations.history", "chat.delete"
FOR_LONG = 600.0  # seconds: much longer than all looks together
MARKED = "(may be repeated)"


@pytest.fixture
def line(rig: Callable[..., Rig]) -> Rig:
    """A thread with one message in it, in a rested channel."""
    line = rig()
    line.write("m0")
    line.run(60)
    return line


def looks(line: Rig) -> int:
    return len(line.times(REPLIES)) + len(line.times(HISTORY))


def marked(line: Rig) -> list[str]:
    """The messages that say of themselves that they may be repeated."""
    return [mark for said in line.shown() for mark in ("m1", "m2", "m3") if mark in said and MARKED in said]


@pytest.mark.parametrize("arrived", [True, False])
@pytest.mark.parametrize("failure", [{"kind": "error", "code": "internal_error"}, {"kind": "error", "code": "new"}])
def test_looks_that_fail_again_and_again_end_and_the_message_says_so(
    line: Rig, failure: dict[str, str], arrived: bool
) -> None:
    """Nobody will know whether it was there already; what comes behind it waited no longer than that."""
    line.fault(method=REPLIES, times=None, **failure)
    line.fault("reset_after" if arrived else "reset_before")
    line.write("m1")
    line.run(30)
    (state, cause), *_ = line.waiting()
    assert (state, cause.startswith("the look failed")) == ("unsure", True)
    line.write("m2")
    line.run(FOR_LONG)
    assert line.told() == ["m0", *["m1"] * arrived, "m1", "m2"]
    assert (marked(line), line.waiting(), line.dead()) == (["m1"], [], [])
    assert len(line.times(REPLIES)) == len(FAILED_LOOKS) + 1


def test_the_second_time_nobody_can_find_out_it_is_a_dead_letter(line: Rig) -> None:
    """It may have been shown twice already."""
    line.fault("error", method=REPLIES, times=None, code="internal_error")
    line.fault("reset_after", times=2)
    line.write("m1")
    line.run(FOR_LONG)
    line.write("m2")
    line.run(FOR_LONG)
    assert (line.told(), marked(line)) == (["m0", "m1", "m1", "m2"], ["m1"])
    assert line.dead() == ["Slack did not answer, and the relay could not look for it"]


def test_time_in_which_slack_answers_nobody_counts_no_look(line: Rig) -> None:
    """However long it is away: then it is found, and not repeated."""
    line.fault("reset_after")
    line.write("m1")
    line.run()
    line.fault("status", method="*", times=None)
    line.run(FOR_LONG)
    assert (line.told(), [state for state, _ in line.waiting()]) == (["m0", "m1"], ["unsure"])
    line.sandbox.faults.clear()
    line.run(60)
    assert (line.told(), line.waiting(), marked(line)) == (["m0", "m1"], [], [])


@pytest.mark.parametrize("error", ["channel_not_found", "not_in_channel"])
def test_an_unsure_post_in_a_channel_that_is_gone_goes_where_the_mapping_says_now(line: Rig, error: str) -> None:
    """It waits with a cause until somebody maps its chat to another channel."""
    line.fault("reset_after")
    line.write("m1")
    line.run()
    for method in ("chat.postMessage", "conversations.join", REPLIES, HISTORY):
        line.fault("error", method=method, channel="C0SUPPORT", times=None, code=error)
    line.run(FOR_LONG)
    assert error in line.waiting()[0][1]
    line.restart(channels={"123456": "C0VIP"})
    line.run(60)
    in_vip = [words(one) for one in timeline(line.server) if one["channel"] == "C0VIP" and one["thread_ts"]]
    assert [("m1" in said, MARKED in said) for said in in_vip] == [(True, True)]
    assert (line.waiting(), line.dead()) == ([], [])


@pytest.mark.parametrize("code", ["internal_error", "brand_new_code", "restricted_action", "cant_delete_message"])
@pytest.mark.parametrize("first", [{}, {"kind": "reset_after"}], ids=["seen at once", "seen by a look"])
def test_a_stray_that_slack_will_not_delete_holds_nobody_up(line: Rig, code: str, first: dict[str, str]) -> None:
    """Its words are shown in a new thread; the copy stays, which the log says."""
    for message in reversed(timeline(line.server)):
        line.sandbox.slack.human_deletes("C0SUPPORT", message["ts"])
    line.fault("error", method=DELETE, times=None, code=code)
    if first:
        line.fault(**first)
    line.write("m1")
    line.run(FOR_LONG)
    line.write("m2")
    line.run(60)
    assert (line.told(), line.waiting()) == (["m1", "m2"], [])


def test_the_first_post_into_a_channel_with_a_long_history_is_looked_for_in_time(rig: Callable[..., Rig]) -> None:
    """The relay knows no time of Slack's to begin at; what it has just posted is among the newest."""
    line = rig()
    with line.sandbox.core.lock:
        for number in range(3000):
            line.sandbox.slack.add("C0SUPPORT", "U0ALEX", f"old {number}", thread_ts=None)
    line.fault("reset_after")
    line.write("m1")
    line.run(30)
    assert (line.told(), line.waiting()) == (["m1"], [])
    assert len(line.times(HISTORY)) <= 5
    assert sum(one["user"] == "U0RELAY" and one["thread_ts"] is None for one in timeline(line.server)) == 1


def test_a_look_enters_a_public_channel_first(rig: Callable[..., Rig]) -> None:
    """Somebody has removed the bot right after its post."""
    line = rig()
    line.fault("reset_after")
    line.write("m1")
    line.run()
    line.sandbox.slack.kick("C0SUPPORT")
    line.run(30)
    assert (line.told(), len(line.roots()), line.waiting()) == (["m1"], 1, [])
    assert len(line.times("conversations.join")) == 1


def test_a_look_takes_no_longer_than_one_call(rig: Callable[..., Rig]) -> None:
    """Page after page that comes slowly: it ends with the call's deadline, and its lane stays with its worker."""
    line = rig(delivery=QUICK)
    line.write("m0")
    line.run(60)
    with line.sandbox.core.lock:
        for number in range(8000):
            line.sandbox.slack.add("C0SUPPORT", "U0ALEX", f"x {number}", thread_ts=None)
    line.fault("slow", method=HISTORY, times=None, seconds=0.4)
    line.fault("reset_after")
    line.write("m1")
    line.run(FOR_LONG)
    assert len(line.times(HISTORY)) <= 5 * (len(FAILED_LOOKS) + 1)
    assert (line.told(), line.waiting()) == (["m0", "m1", "m1"], [])
    assert marked(line) == ["m1"]


@pytest.mark.parametrize("failure", [{"code": "is_archived"}, {"code": "internal_error"}])
def test_the_look_for_a_second_copy_ends_too(line: Rig, failure: dict[str, str]) -> None:
    """At once where only a person could help; after an hour at the latest."""
    line.fault("reset_before")
    line.write("m1")
    line.run(30)
    assert line.told() == ["m0", "m1"]
    line.fault("error", method=REPLIES, times=None, **failure)
    for _ in range(70):
        line.run(60)
    before = looks(line)
    line.run(1800)
    assert looks(line) == before
    assert before < 80


@pytest.mark.parametrize("failure", [{"code": "invalid_cursor"}, {"code": "invalid_arguments"}])
def test_a_name_that_cannot_be_looked_up_stops_its_own_channel_alone(
    rig: Callable[..., Rig], failure: dict[str, str]
) -> None:
    """Whatever the code; it goes on when it can be."""
    line = rig(channels={"123456": "#support"}, default_channel="C0GENERAL")
    line.fault("error", method="conversations.list", times=None, **failure)
    line.write("m1")
    line.run(30)
    line.write("m2", group="7")
    line.run(5)
    assert line.told() == ["m2"]
    ((state, cause),) = line.waiting()
    assert (state, failure["code"] in cause) == ("waiting", True)
    line.sandbox.faults.clear()
    line.run(FOR_LONG)
    assert (line.told(), line.waiting()) == (["m2", "m1"], [])
