"""People are called for a chat once in a moment: by a reminder, a give-back, or a message that the channel sees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update

from relay.delivery.reminding import give_back_stale
from relay.store.db.tables import conversations
from tests.harness import words
from tests.replies.desk import GROUP, Desk
from tests.replies.test_reminders import a_desk, all_at_once, called, pass_time, reminders, three_workers

BACK = "Released because nobody answered"
BOTH = {"after": "30m", "stale": "30m", "mention": "here"}


def taken(make_desk: Callable[..., Desk], **remind: Any) -> Desk:
    """A chat that Alex took as soon as its customer wrote."""
    desk = a_desk(make_desk, remind=remind)
    desk.use("take_over")
    desk.carry()
    desk.run(5)
    return desk


def calls(desk: Desk) -> list[str]:
    """What has called people since, in order: a line that does, or a message that the channel sees as well."""
    posts = [one for one in desk.roots_and_replies() if one["thread_ts"]]
    return [words(one) for one in posts if one["broadcast"] or "has been waiting since" in one["text"]]


@pytest.mark.parametrize("minutes", [1, 7], ids=["one by one", "after a pause"])
def test_a_give_back_is_the_reminder_that_falls_on_its_moment(make_desk: Callable[..., Desk], minutes: int) -> None:
    """One line, which calls whom the settings name; the next reminder comes after twice the time."""
    desk = taken(make_desk, **BOTH)
    pass_time(desk, 29)
    desk.run(60 * minutes)
    pass_time(desk, 1)
    (line,) = reminders(desk)
    assert BACK in line["text"]
    assert called(line) == {"type": "broadcast", "range": "here"}
    pass_time(desk, 57)
    assert len(reminders(desk)) == 1
    pass_time(desk, 5)
    assert [BACK in one["text"] for one in reminders(desk)] == [True, False]


def test_a_give_back_that_slack_has_already_is_the_reminder_all_the_same(make_desk: Callable[..., Desk]) -> None:
    """It is posted between the two chores."""
    desk = taken(make_desk, **BOTH)
    desk.run(1800)
    give_back_stale(desk.out)
    desk.run(5)
    pass_time(desk, 30)
    assert [BACK in one["text"] for one in reminders(desk)] == [True]


def test_a_reminder_waits_for_a_give_back_that_comes_within_a_moment(make_desk: Callable[..., Desk]) -> None:
    """It is due half a minute before."""
    desk = taken(make_desk, **{**BOTH, "after": "29.5m"})
    pass_time(desk, 32)
    assert [BACK in one["text"] for one in reminders(desk)] == [True]


def test_a_give_back_long_after_a_reminder_is_a_line_of_its_own(make_desk: Callable[..., Desk]) -> None:
    desk = taken(make_desk, **{**BOTH, "after": "20m"})
    pass_time(desk, 33)
    assert [BACK in one["text"] for one in reminders(desk)] == [False, True]


def test_three_workers_and_a_jump_of_the_clock_give_back_and_remind_in_one_line(
    make_desk: Callable[..., Desk],
) -> None:
    """Each finds both due at the same moment; then time goes an hour back, and forward again."""
    desk = taken(make_desk, **BOTH)
    others = three_workers(desk)
    desk.clock.advance(1800)
    for _ in range(3):
        all_at_once(desk, others)
    assert [BACK in one["text"] for one in reminders(desk)] == [True]
    for jump in (-3600, 3600):
        desk.clock.advance(jump)
        for _ in range(3):
            all_at_once(desk, others)
    assert [BACK in one["text"] for one in reminders(desk)] == [True]


def test_reminders_that_slack_did_not_take_in_time_call_once(make_desk: Callable[..., Desk]) -> None:
    """Slack is away for an hour: of what has become due meanwhile, one line calls."""
    desk = taken(make_desk, after="10m", stale="25m", mention="here")
    desk.fault("ratelimited", retry_after="3600")
    desk.customer("m2 hello?")
    for _ in range(58):
        desk.clock.advance(60)
        desk.chores()
    desk.run(300)
    (post,) = calls(desk)
    assert (post.count("has been waiting since"), post.count(BACK)) == (1, 1)
    assert "m2 hello?" in str(desk.shown())


def test_a_message_beside_a_reminder_does_not_call_as_well(make_desk: Callable[..., Desk]) -> None:
    """The channel sees the reminder; the customer writes a moment after it, and again later."""
    desk = a_desk(make_desk)
    desk.run(10 * 60 + 1)
    desk.chores()
    desk.run(5)
    assert len(calls(desk)) == 1
    desk.customer("m2 hello?")
    assert len(calls(desk)) == 1
    desk.run(120)
    desk.customer("m3 anybody?")
    assert [("m3" in one) for one in calls(desk)] == [False, True]


def test_a_reopening_calls_the_channel_however_lately_somebody_was_called(make_desk: Callable[..., Desk]) -> None:
    """It is another matter than that of the reminder."""
    desk = a_desk(make_desk)
    desk.run(10 * 60 + 1)
    desk.chores()
    desk.run(5)
    desk.use("resolve")
    desk.carry()
    desk.run(5)
    desk.customer("m2 it broke again")
    assert [("m2" in one) for one in calls(desk)] == [False, True]


def test_a_reminder_waits_while_a_message_has_just_called(make_desk: Callable[..., Desk]) -> None:
    """The channel saw the message; the reminder comes when its moment is over."""
    desk = a_desk(make_desk, remind={"after": "11m", "mention": "U0KIM"})
    desk.run(10 * 60 + 30)
    desk.customer("m2 hello?")
    assert len(calls(desk)) == 1
    desk.run(30)
    desk.chores()
    desk.run(5)
    assert len(calls(desk)) == 1
    pass_time(desk, 2)
    assert [("m2" in one) for one in calls(desk)] == [True, False]


def test_whoever_has_just_taken_a_chat_is_not_reminded_in_the_same_moment(make_desk: Callable[..., Desk]) -> None:
    """They were mentioned; the reminder comes a minute later."""
    desk = a_desk(make_desk)
    desk.run(10 * 60 - 5)
    desk.use("take_over")
    desk.carry()
    desk.run(10)
    desk.chores()
    desk.run(5)
    assert reminders(desk) == []
    pass_time(desk, 2)
    assert [called(one)["user_id"] for one in reminders(desk)] == ["U0ALEX"]


def test_a_hand_over_and_a_reminder_call_once(make_desk: Callable[..., Desk]) -> None:
    """A bot gives a chat to a person at the moment at which its customer has waited for long."""
    desk = a_desk(make_desk)
    desk.run(10 * 60 - 5)
    desk.sandbox.kommunicate.notice(GROUP, "Assigned to Sam", {"KM_ASSIGN": "sam@sandbox.test"})
    desk.carry()
    desk.run(10)
    desk.chores()
    desk.run(5)
    assert reminders(desk) == []
    pass_time(desk, 2)
    assert [called(one)["user_id"] for one in reminders(desk)] == ["U0SAM"]


ROUTE = {"name": "vip", "when": {"group_id": GROUP}, "channel": "C0SUPPORT"}


def routed(make_desk: Callable[..., Desk], route: dict[str, Any], **remind: Any) -> Desk:
    """A chat whose channel a route names."""
    return a_desk(make_desk, channels={}, routes=[{**ROUTE, "remind": route}], remind=remind)


def test_a_route_says_when_and_whom_for_its_chats(make_desk: Callable[..., Desk]) -> None:
    """What it does not say is as for all."""
    desk = routed(make_desk, {"after": "3m"}, after="1h", mention="U0KIM")
    pass_time(desk, 4)
    assert [called(one)["user_id"] for one in reminders(desk)] == ["U0KIM"]


@pytest.mark.parametrize(("route", "for_all", "lines"), [("never", "5m", 0), ("5m", "never", 1)])
def test_a_route_may_be_quiet_where_others_are_not_and_the_other_way_round(
    make_desk: Callable[..., Desk], route: str, for_all: str, lines: int
) -> None:
    desk = routed(make_desk, {"after": route}, after=for_all)
    pass_time(desk, 7)
    assert len(reminders(desk)) == lines


def test_a_route_has_hours_of_its_own_and_calls_nobody_if_it_says_so(make_desk: Callable[..., Desk]) -> None:
    """The sandbox's clock says Friday evening; the channel sees the line."""
    hours = "Mon-Fri 09:00-18:00 Europe/Berlin"
    desk = routed(make_desk, {"hours": "always", "mention": "nobody"}, hours=hours, mention="here")
    pass_time(desk, 11)
    assert [one["broadcast"] for one in reminders(desk)] == [True]


@pytest.mark.parametrize(("route", "for_all", "given_back"), [("never", "20m", False), ("20m", "never", True)])
def test_a_route_says_whether_a_claim_that_stands_still_goes_back(
    make_desk: Callable[..., Desk], route: str, for_all: str, given_back: bool
) -> None:
    desk = routed(make_desk, {"stale": route}, after="never", stale=for_all)
    desk.use("take_over")
    desk.carry()
    desk.run(5)
    pass_time(desk, 22)
    assert ("with alex" not in desk.roots()[-1]["text"]) is given_back


def test_more_stale_claims_than_are_read_at_a_time_all_go_back(
    make_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that are not due by their route's rule do not stand before those that are."""
    monkeypatch.setattr("relay.delivery.reminding.BATCH", 1)
    quiet = {**ROUTE, "remind": {"stale": "5h"}}
    desk = a_desk(make_desk, channels={"777": "C0SUPPORT"}, routes=[quiet], remind={"after": "never", "stale": "20m"})
    desk.sandbox.kommunicate.customer_writes("777", "m1 hello", name="Tom")
    desk.carry()
    desk.run(5)
    with desk.store.begin() as tx:
        tx.conn.execute(update(conversations).values(holder="agent", assignee="alex@sandbox.test"))
    pass_time(desk, 22)
    assert [one["text"].count("Tom") for one in reminders(desk)] == [1]
