"""What was left to a bot, and what is gathered: never looked for in vain, never held by a clock."""

from __future__ import annotations

from collections.abc import Callable

from tests.harness import words
from tests.replies.desk import GROUP, Desk
from tests.replies.test_showing import asks, bot, posts, said

Make = Callable[..., Desk]


def test_an_agents_words_behind_more_than_one_look_at_them_bring_all_of_it_back(make_desk: Make) -> None:
    """The bot still has the chat; a hundred messages are looked at together."""
    desk = make_desk(show="handoff")
    for number in range(101, 156):
        asks(desk, f"m{number} question", wait=1)
        bot(desk, f"b{number} answer", wait=1)
    assert not desk.roots()
    desk.webhook("alex@sandbox.test", message="m900 hello from me")
    desk.run(60)
    assert said(desk) == [*(f"{who}{number}" for number in range(101, 156) for who in "mb"), "m900"]


def test_a_question_of_a_chat_that_was_resolved_calls_nobody(make_desk: Make) -> None:
    desk = make_desk(show="handoff")
    asks(desk, "m1 question")
    bot(desk, "b1 answer")
    asks(desk, "m2 question", wait=5)
    desk.sandbox.kommunicate.notice(GROUP, "Resolved", {"KM_STATUS": "Close"})
    desk.carry()
    desk.run(120)
    assert not desk.roots()
    asks(desk, "m3 question", wait=5)
    desk.run(60)
    assert said(desk) == ["m1", "b1", "m2", "m3"]


def test_a_chat_that_was_shown_goes_on_at_once_when_its_thread_is_gone(make_desk: Make) -> None:
    desk = make_desk(show="handoff")
    asks(desk, "m1 question", wait=30)
    assert said(desk) == ["m1"]
    for message in [*posts(desk), *desk.roots()]:
        desk.sandbox.slack.human_deletes("C0SUPPORT", message["ts"])
    asks(desk, "m2 question", wait=10)
    assert "m2" in said(desk)


def test_a_clock_that_jumped_back_holds_no_question(make_desk: Make) -> None:
    desk = make_desk(show="handoff")
    desk.clock.advance(86400.0)
    asks(desk, "m1 question", wait=1)
    desk.clock.advance(-86400.0)
    desk.run(60)
    assert said(desk) == ["m1"]


def test_a_clock_that_jumped_back_holds_no_bots_words(make_desk: Make) -> None:
    desk = make_desk(batch=5.0)
    asks(desk, "m1 hello")
    desk.clock.advance(86400.0)
    bot(desk, "b1 line", wait=0)
    desk.clock.advance(-86400.0)
    desk.run(60)
    assert said(desk) == ["m1", "b1"]


def test_one_new_thread_is_opened_though_slacks_clock_is_far_behind_ours(make_desk: Make) -> None:
    desk = make_desk(new_thread_after=7 * 86400.0)
    desk.sandbox.core.now = lambda: desk.clock.now() - 9 * 86400.0
    asks(desk, "m1 hello")
    desk.run(7 * 86400.0 + 60)
    asks(desk, "m2 back again", wait=30)
    assert len(desk.roots()) == 2
    assert said(desk) == ["m1", "m2"]


def test_thanks_to_a_bot_call_nobody(make_desk: Make) -> None:
    """A question that came with them does."""
    desk = make_desk(show="handoff")
    asks(desk, "m1 question")
    bot(desk, "b1 answer")
    asks(desk, "thanks, bye!", wait=120)
    assert not desk.roots()
    asks(desk, "m2 how?", wait=5)
    asks(desk, "thank you!", wait=60)
    assert said(desk) == ["m1", "b1", "m2"]


def test_thanks_to_a_bot_make_nobody_wait_where_everything_is_shown(make_desk: Make) -> None:
    desk = make_desk(remind={"after": 60.0})
    asks(desk, "m1 question")
    bot(desk, "b1 answer")
    asks(desk, "thanks, bye!", wait=120)
    desk.chores()
    desk.run(60)
    assert "waits" not in words(desk.roots()[0])


def test_what_was_left_to_a_bot_is_shown_where_an_edit_of_the_file_asks_for_everything(make_desk: Make) -> None:
    desk = make_desk(show="handoff")
    asks(desk, "m1 question")
    bot(desk, "b1 answer")
    desk.restart(show="everything")
    asks(desk, "m2 question")
    assert said(desk) == ["m1", "b1", "m2"]
