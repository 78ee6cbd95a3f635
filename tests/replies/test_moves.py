"""An agent moves a chat to another channel by the menu of its card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from relay.sandbox.slack.interactions import click
from relay.store.db.tables import conversations
from relay.store.queue.closing import close_for_operator
from relay.vocabulary import GateScope
from tests.harness import words
from tests.replies.desk import GROUP, Desk
from tests.replies.test_showing import posts

Make = Callable[..., Desk]
WHERE_TO = "Where should this chat go? New messages will appear in a new thread there."


def begin(make_desk: Make, **more: Any) -> Desk:
    """A chat in #support; the file names C0OPS for another one."""
    desk = make_desk(channels={"99": "C0OPS"}, default_channel="C0SUPPORT", **more)
    desk.customer("m1 hello")
    return desk


def move(desk: Desk, to: str, *, user: str = "U0ALEX", channel: str = "C0SUPPORT") -> None:
    """An agent chooses *Move to another channel* on the card, and then a channel."""
    click(desk.sandbox.slack, channel, desk.thread, "menu", user=user, value="move")
    desk.carry()
    desk.run(5)
    asked = desk.asked()[-1]
    assert (asked["user"], asked["text"]) == (user, WHERE_TO)
    click(desk.sandbox.slack, channel, asked["ts"], "move_to", user=user, value=to)
    desk.carry()
    desk.run(10)


def place(desk: Desk) -> tuple[str, str, str]:
    with desk.store.read() as tx:
        row = tx.conn.execute(select(conversations).where(conversations.c.group_id == GROUP)).one()
        return row.channel, row.rule, row.why


def test_a_chat_goes_on_in_another_channel_and_each_card_leads_to_the_other(make_desk: Make) -> None:
    desk = begin(make_desk)
    first = desk.thread
    move(desk, "C0OPS")
    desk.run(60)
    assert place(desk) == ("C0OPS", "default_channel", "moved by alex")
    old, new = desk.roots()
    assert (old["channel"], new["channel"]) == ("C0SUPPORT", "C0OPS")
    assert f"/archives/C0SUPPORT/p{first.replace('.', '')}" in words(new)
    assert "continues in" in words(old)
    assert "Moved here" in words(posts(desk)[-1])
    assert "(alex)" in words(posts(desk)[-1])
    assert desk.asked() == []
    desk.customer("m2 are you there?")
    assert [one["channel"] for one in posts(desk)] == ["C0SUPPORT", "C0OPS", "C0OPS"]


def test_an_agents_reply_from_there_reaches_the_customer(make_desk: Make) -> None:
    desk = begin(make_desk)
    move(desk, "C0OPS")
    desk.sandbox.slack.human_writes("C0OPS", "hello Jane", user="U0SAM", thread_ts=desk.thread)
    desk.carry()
    desk.run(30)
    assert desk.reached() == ["hello Jane"]


def offered(desk: Desk) -> list[str]:
    """The channels that the last question offers, as they are shown."""
    return [block["text"]["text"] for block in desk.asked()[-1]["blocks"] if block["type"] == "section"]


def ask(desk: Desk) -> None:
    click(desk.sandbox.slack, "C0SUPPORT", desk.thread, "menu", value="move")
    desk.carry()
    desk.run(5)


def test_only_channels_are_offered_to_which_the_chat_can_go(make_desk: Make) -> None:
    """Not the one where it is, none where nothing can be posted, and none that is not for chats."""
    routes = [{"name": str(each), "when": {"group_id": str(each)}, "channel": each} for each in ("C0VIP", "#by-name")]
    desk = begin(make_desk, routes=routes, alerts={"channel": "C0GENERAL"})
    ask(desk)
    assert offered(desk) == ["<#C0OPS>", "<#C0VIP>", "#by-name"]
    with desk.store.begin() as tx:
        close_for_operator(tx, GateScope.CHANNEL, "C0OPS", cause="is archived", code="is_archived")
    ask(desk)
    assert offered(desk) == ["<#C0VIP>", "#by-name"]


def test_where_no_channel_takes_posts_that_is_said_at_once(make_desk: Make) -> None:
    desk = begin(make_desk)
    with desk.store.begin() as tx:
        close_for_operator(tx, GateScope.CHANNEL, "C0OPS", cause="is archived", code="is_archived")
    ask(desk)
    assert "no other channel for customers' chats takes posts at the moment" in desk.whispers()[-1][1]


def test_with_one_channel_for_chats_the_menu_has_no_such_entry(make_desk: Make) -> None:
    """Where the alerts go is none for chats."""
    desk = make_desk(channels={}, default_channel="C0SUPPORT", alerts={"channel": "C0OPS"})
    desk.customer("m1 hello")
    assert "Move to another channel" not in str(desk.roots()[-1]["blocks"])


def test_a_card_from_before_an_edit_says_that_there_is_nowhere_to_go(make_desk: Make) -> None:
    desk = begin(make_desk)
    assert "Move to another channel" in str(desk.roots()[-1]["blocks"])
    desk.restart(channels={}, default_channel="C0SUPPORT")
    ask(desk)
    assert "not done, because no other channel is named" in desk.whispers()[-1][1]


def test_a_question_from_before_an_edit_leads_nowhere_that_the_file_does_not_name(make_desk: Make) -> None:
    """Whoever wanted it learns why; the chat stays."""
    desk = begin(make_desk)
    ask(desk)
    question = desk.asked()[-1]
    desk.restart(channels={}, default_channel="C0SUPPORT")
    click(desk.sandbox.slack, "C0SUPPORT", question["ts"], "move_to", value="C0OPS")
    desk.carry()
    desk.run(10)
    assert place(desk)[0] == "C0SUPPORT"
    assert desk.whispers()[-1] == (
        "U0ALEX",
        "Move: not done, because that is not one of the channels for customers' chats; the relay's settings name them.",
    )


def test_of_very_many_channels_the_last_are_in_a_menu(make_desk: Make) -> None:
    desk = begin(
        make_desk, routes=[{"name": f"r{n}", "when": {"group_id": f"{n}"}, "channel": f"C{n:03}"} for n in range(60)]
    )
    ask(desk)
    assert len(offered(desk)) == 40
    click(desk.sandbox.slack, "C0SUPPORT", desk.asked()[-1]["ts"], "move_to", value="C0GENERAL")
    desk.carry()
    desk.run(10)
    assert "not one of the channels" in desk.whispers()[-1][1]


@pytest.mark.parametrize(("there", "goes_to"), [(True, "C0BYNAME"), (False, "C0SUPPORT")])
def test_a_channel_that_the_file_names_by_its_name_is_found(make_desk: Make, there: bool, goes_to: str) -> None:
    desk = begin(make_desk, routes=[{"name": "ops", "when": {"group_id": "5"}, "channel": "#by-name"}])
    if there:
        desk.sandbox.slack.add_channel("C0BYNAME", "by-name")
    move(desk, "#by-name")
    assert place(desk)[0] == goes_to
    assert ("no channel of that name" in str(desk.whispers())) is not there


def test_it_is_there_already(make_desk: Make) -> None:
    """The file names the same channel twice, once by its name."""
    desk = begin(make_desk, routes=[{"name": "ops", "when": {"group_id": "5"}, "channel": "#support"}])
    move(desk, "#support")
    assert len(desk.roots()) == 1
    assert desk.whispers()[-1][1] == "Move: not done, because it is there already."


def test_moved_twice_at_once_it_stands_where_it_was_moved_last(make_desk: Make) -> None:
    """Both choices wait for their turn while Slack is away."""
    desk = begin(make_desk, routes=[{"name": "vip", "when": {"group_id": "5"}, "channel": "C0VIP"}])
    for user in ("U0ALEX", "U0SAM"):
        click(desk.sandbox.slack, "C0SUPPORT", desk.thread, "menu", user=user, value="move")
    desk.carry()
    desk.run(5)
    desk.sandbox.faults.add("chat.postMessage", "status", status=503, times=3)
    for question, to in zip(desk.asked(), ("C0OPS", "C0VIP"), strict=True):
        click(desk.sandbox.slack, "C0SUPPORT", question["ts"], "move_to", user=question["user"], value=to)
    desk.carry()
    desk.run(300)
    assert place(desk)[0] == "C0VIP"
    assert [one["channel"] for one in desk.roots()][-1] == "C0VIP"


def test_a_channel_that_takes_no_posts_gets_no_chat(make_desk: Make) -> None:
    """It goes back where its rule leads, with all that was said meanwhile, and a line says why."""
    desk = begin(make_desk)
    desk.sandbox.slack.archive("C0OPS")
    move(desk, "C0OPS")
    desk.customer("m2 are you there?")
    for _ in range(4):
        desk.chores()
        desk.run(90)
    assert place(desk)[0] == "C0SUPPORT"
    assert {one["channel"] for one in desk.roots_and_replies()} == {"C0SUPPORT"}
    said = " ".join(desk.shown())
    assert "Not done: Slack takes no posts in C0OPS" in said
    assert said.count("m2 are you there?") == 1


def test_an_earlier_card_in_an_archived_channel_is_tried_less_and_less(make_desk: Make) -> None:
    """Every chat that went elsewhere has one; and as soon as something is said in the chat, it is tried again."""
    desk = begin(make_desk)
    desk.fault("error", "chat.update", channel="C0SUPPORT", code="is_archived", times=None)
    move(desk, "C0OPS")
    desk.run(8 * 3600)
    assert 5 <= len(desk.times("chat.update", "C0SUPPORT")) <= 15
    desk.sandbox.faults.clear()
    desk.customer("m2 are you there?")
    desk.run(60)
    assert "continues in" in words(desk.roots()[0])


def test_what_a_route_hides_stays_hidden_where_its_chat_is_moved(make_desk: Make) -> None:
    """The rule that brought it here goes on to say what may be seen."""
    route = {"name": "private", "when": {"group_id": GROUP}, "channel": "C0SUPPORT", "redact": ["email"]}
    desk = make_desk(channels={"99": "C0OPS"}, routes=[route])
    desk.customer("m1 hello")
    move(desk, "C0OPS")
    desk.customer("m2 I am eve@example.com")
    assert "example.com" not in words(posts(desk)[-1])
    assert posts(desk)[-1]["channel"] == "C0OPS"


def test_who_may_not_reply_may_not_move(make_desk: Make) -> None:
    desk = begin(make_desk)
    users = desk.sandbox.slack.users
    users["U0ALEX"] = replace(users["U0ALEX"], is_restricted=True)
    click(desk.sandbox.slack, "C0SUPPORT", desk.thread, "menu", user="U0ALEX", value="move")
    desk.carry()
    desk.run(5)
    assert desk.asked() == []
    assert "not done" in desk.whispers()[-1][1]
