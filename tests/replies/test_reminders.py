"""A customer who waits too long is told of in the thread: once, again at growing intervals, in business hours alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from relay.delivery.housekeeping import Housekeeping
from relay.settings.hours import parse_hours
from relay.store.db.tables import conversations, deliveries
from relay.wiring import build_context, build_housekeeping
from tests.replies.desk import Desk
from tests.store.shelf import rows

HAS_WAITED = "has been waiting since"


def a_desk(make_desk: Callable[..., Desk], **config: Any) -> Desk:
    desk = make_desk(**config)
    desk.customer("m1 my mug is broken")
    return desk


def pass_time(desk: Desk, minutes: int) -> None:
    """A minute at a time, with each minute's chores."""
    for _ in range(minutes):
        desk.run(60)
        desk.chores()
        desk.run(1)


def reminders(desk: Desk) -> list[dict[str, Any]]:
    return [one for one in desk.roots_and_replies() if one["thread_ts"] and HAS_WAITED in one["text"]]


def called(post: dict[str, Any]) -> dict[str, Any]:
    first: dict[str, Any] = post["blocks"][0]["elements"][0]["elements"][0]
    return first


def three_workers(desk: Desk) -> list[Housekeeping]:
    return [build_housekeeping(desk.relay, build_context(desk.relay)) for _ in range(3)]


def all_at_once(desk: Desk, workers: list[Housekeeping]) -> None:
    """A minute's chores of all of them, at the same moment."""
    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(chore) for one in workers for chore in one.chores]:
            done.result()
    desk.run(5)


def test_whoever_has_the_chat_is_mentioned_at_growing_intervals(make_desk: Callable[..., Desk]) -> None:
    """After ten minutes, after twenty more, after forty more."""
    desk = a_desk(make_desk)
    desk.use("take_over")
    desk.carry()
    desk.run(5)
    pass_time(desk, 9)
    assert reminders(desk) == []
    pass_time(desk, 2)
    (first,) = reminders(desk)
    assert called(first) == {"type": "user", "user_id": "U0ALEX"}
    assert "Jane has been waiting since" in first["text"]
    assert not first["broadcast"]
    pass_time(desk, 18)
    assert len(reminders(desk)) == 1
    pass_time(desk, 4)
    assert len(reminders(desk)) == 2
    pass_time(desk, 34)
    assert len(reminders(desk)) == 2
    pass_time(desk, 8)
    assert len(reminders(desk)) == 3


@pytest.mark.parametrize(
    ("mention", "element"),
    [
        ("U0KIM", {"type": "user", "user_id": "U0KIM"}),
        ("S0TEAM", {"type": "usergroup", "usergroup_id": "S0TEAM"}),
        ("here", {"type": "broadcast", "range": "here"}),
    ],
)
def test_where_nobody_has_it_the_settings_say_whom_to_call(
    make_desk: Callable[..., Desk], mention: str, element: dict[str, str]
) -> None:
    """A person, a group, or all who are there."""
    desk = a_desk(make_desk, remind={"after": "5m", "mention": mention})
    pass_time(desk, 6)
    assert [called(one) for one in reminders(desk)] == [element]


def test_where_there_is_nobody_to_call_the_channel_sees_it(make_desk: Callable[..., Desk]) -> None:
    """Nobody follows the thread."""
    desk = a_desk(make_desk)
    pass_time(desk, 11)
    assert [one["broadcast"] for one in reminders(desk)] == [True]


@pytest.mark.parametrize("who", ["slack", "dashboard", "resolved"])
def test_any_answer_anywhere_ends_it(make_desk: Callable[..., Desk], who: str) -> None:
    """Until the customer writes again."""
    desk = a_desk(make_desk)
    pass_time(desk, 5)
    if who == "slack":
        desk.says("here I am")
    elif who == "dashboard":
        desk.sandbox.kommunicate.staff_writes("123456", "here I am", user_id="sam@sandbox.test")
    else:
        desk.use("resolve")
    desk.carry()
    pass_time(desk, 60)
    assert reminders(desk) == []
    desk.customer("m2 and now?")
    pass_time(desk, 11)
    assert len(reminders(desk)) == 1


def test_an_answer_that_comes_before_it_is_posted_spares_it(make_desk: Callable[..., Desk]) -> None:
    """It was decided while Slack took no posts, and is not shown."""
    desk = a_desk(make_desk)
    pass_time(desk, 9)
    desk.fault("ratelimited", retry_after="120")
    desk.customer("m2 hello?")
    desk.clock.advance(55)
    desk.chores()
    assert [row.topic for row in rows(desk.store, deliveries) if row.topic] == ["reminder"]
    desk.says("here I am")
    desk.run(200)
    assert (desk.reached(), reminders(desk)) == (["here I am"], [])
    assert "m2 hello?" in str(desk.shown())


def test_it_can_be_switched_off(make_desk: Callable[..., Desk]) -> None:
    """Then nobody is called however long it lasts."""
    desk = a_desk(make_desk, remind={"after": "never"})
    pass_time(desk, 120)
    assert reminders(desk) == []


def test_three_workers_and_a_jump_of_the_clock_post_one(make_desk: Callable[..., Desk]) -> None:
    """Each finds it due at the same moment; then time goes an hour back, and forward again."""
    desk = a_desk(make_desk)
    others = three_workers(desk)
    desk.run(300)
    all_at_once(desk, others)
    desk.run(300)
    for _ in range(3):
        all_at_once(desk, others)
    assert len(reminders(desk)) == 1
    desk.clock.advance(-3600)
    all_at_once(desk, others)
    assert len(reminders(desk)) == 1
    desk.clock.advance(3600)
    for _ in range(3):
        all_at_once(desk, others)
    assert len(reminders(desk)) == 1, "within a moment of the first"
    desk.run(60)
    for _ in range(3):
        all_at_once(desk, others)
    assert len(reminders(desk)) == 2


def test_a_claim_that_stands_still_goes_back(make_desk: Callable[..., Desk]) -> None:
    """With a line, once; one that is answered stays."""
    desk = a_desk(make_desk, remind={"after": "never", "stale": "30m"})
    desk.use("take_over")
    desk.carry()
    desk.run(5)
    pass_time(desk, 28)
    assert "with alex" in desk.roots()[-1]["text"]
    pass_time(desk, 4)
    assert "with alex" not in desk.roots()[-1]["text"]
    (line,) = reminders(desk)
    assert "Released because nobody answered" in line["text"]
    desk.use("take_over")
    desk.carry()
    desk.says("on it")
    pass_time(desk, 60)
    assert "with alex" in desk.roots()[-1]["text"]
    assert len(reminders(desk)) == 1


BERLIN = "Mon-Fri 09:00-18:00 Europe/Berlin"


@pytest.mark.parametrize(
    ("hours", "moment", "minutes", "later"),
    [
        (BERLIN, "2026-11-27 10:00", 10, "2026-11-27 10:10"),
        (BERLIN, "2026-11-27 17:55", 10, "2026-11-30 09:05"),
        (BERLIN, "2026-11-28 12:00", 10, "2026-11-30 09:10"),
        (BERLIN, "2026-11-27 07:00", 10, "2026-11-27 09:10"),
        (BERLIN, "2026-11-26 17:00", 600 + 60, "2026-11-30 10:00"),
        ("Sat-Sun 10:00-12:00 Europe/Berlin", "2026-11-27 10:00", 150, "2026-11-29 10:30"),
        ("Mon, Wed 9:00-10:00 Europe/Berlin", "2026-11-24 10:00", 30, "2026-11-25 09:30"),
        ("Fri-Mon 09:00-10:00 Europe/Berlin", "2026-11-27 09:30", 120, "2026-11-29 09:30"),
        ("Mon-Sun 00:00-23:59 Europe/Berlin", "2026-10-25 01:30", 120, "2026-10-25 02:30"),  # an hour comes twice
    ],
)
def test_only_business_hours_count(hours: str, moment: str, minutes: int, later: str) -> None:
    """Over nights, weekends and the change of the clocks."""
    zone = ZoneInfo("Europe/Berlin")
    begin = datetime.fromisoformat(moment).replace(tzinfo=zone).timestamp()
    end = datetime.fromtimestamp(parse_hours(hours).later(begin, minutes * 60.0), zone)
    assert end.strftime("%Y-%m-%d %H:%M") == later


def test_outside_of_business_hours_nobody_is_called(make_desk: Callable[..., Desk]) -> None:
    """The sandbox's clock says Friday evening in Berlin; on Monday morning somebody is."""
    desk = a_desk(make_desk, remind={"hours": BERLIN})
    pass_time(desk, 60)
    assert reminders(desk) == []
    (chat,) = rows(desk.store, conversations)
    due = datetime.fromtimestamp(chat.remind_at, ZoneInfo("Europe/Berlin"))
    assert re.match(r"Mon .* 09:10", due.strftime("%a %d %H:%M"))
