"""What meets a chat that moves to another channel: closed channels, what is under way, and what stands where it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update

from relay.sandbox.slack.interactions import click
from relay.store.conversations.cards import request_redraw
from relay.store.db.tables import conversations, received, sends
from tests.harness import words
from tests.replies.desk import GROUP, Desk
from tests.replies.test_showing import asks, bot, customer, posts, said

Make = Callable[..., Desk]
VIP = {"name": "vip", "when": {"metadata.plan": "gold"}, "channel": "C0VIP", "follow": True}


def begin(make_desk: Make, **vip: Any) -> Desk:
    desk = make_desk(channels={}, default_channel="C0SUPPORT", routes=[{**VIP, **vip}])
    customer(desk, "m1 hello")
    return desk


def place(desk: Desk) -> tuple[str, str, str | None, str | None]:
    with desk.store.read() as tx:
        row = tx.conn.execute(select(conversations)).one()
        return row.channel, row.rule, row.thread_ts, row.dead_ts


def test_a_chat_that_moved_waits_for_its_channel_and_does_not_go_back(make_desk: Make) -> None:
    """Its first message, by which a refused channel is decided again, knows nothing of what moved it."""
    desk = begin(make_desk)
    first = desk.thread
    desk.sandbox.slack.archive("C0VIP")
    customer(desk, "m2 I have bought it", plan="gold")
    for _ in range(3):
        desk.chores()
        assert place(desk) == ("C0VIP", "routes:vip", None, first)
        desk.run(60)
    desk.sandbox.slack.archive("C0VIP", archived=False)
    desk.run(400)
    assert [message["channel"] for message in posts(desk)] == ["C0SUPPORT", "C0VIP"]
    assert "Continued from" in words(desk.roots()[-1])


def test_a_chat_that_moved_goes_where_its_route_leads_by_now(make_desk: Make) -> None:
    desk = begin(make_desk)
    first = desk.thread
    desk.sandbox.slack.archive("C0VIP")
    customer(desk, "m2 I have bought it", plan="gold")
    desk.restart(channels={}, default_channel="C0SUPPORT", routes=[{**VIP, "channel": "C0OPS"}])
    desk.run(60)
    assert posts(desk)[-1]["channel"] == "C0OPS"
    assert f"/archives/C0SUPPORT/p{first.replace('.', '')}" in words(desk.roots()[-1])


def test_without_its_route_a_chat_goes_back_where_its_first_message_leads(make_desk: Make) -> None:
    desk = begin(make_desk)
    desk.sandbox.slack.archive("C0VIP")
    customer(desk, "m2 I have bought it", plan="gold")
    desk.restart(channels={}, default_channel="C0SUPPORT")
    desk.run(60)
    assert posts(desk)[-1]["thread_ts"] == desk.thread
    assert "Continued from" in words(desk.roots()[-1])


def test_the_earlier_card_leads_on_though_the_new_one_goes_first(make_desk: Make) -> None:
    """Whoever has the lane of the cards while the new thread begins draws it before they give the lane back."""
    desk = begin(make_desk)
    customer(desk, "m2 I have bought it", plan="gold")
    desk.run(60)
    with desk.store.begin() as tx:
        old = tx.conn.execute(select(conversations.c.id, conversations.c.dead_ts)).one()
        tx.conn.execute(update(sends).where(sends.c.ts == old.dead_ts).values(outdated=1))
        request_redraw(tx, old.id)
    desk.run(60)
    with desk.store.read() as tx:
        assert tx.conn.execute(select(sends.c.id).where(sends.c.outdated > 0)).all() == []


def test_details_stay_hidden_where_a_chat_was_when_its_new_channel_may_see_them(make_desk: Make) -> None:
    """The card that leads on, and what is drawn again because a neighbour was taken back."""
    desk = make_desk(
        channels={}, default_channel="C0SUPPORT", redact=["email"], routes=[{**VIP, "redact": []}], batch=0.0
    )
    desk.sandbox.kommunicate.customer_writes(GROUP, "m0 hello", name="jane@example.com")
    desk.carry()
    desk.run(30)
    desk.write("m1 I am eve@example.com", "m2 secret")
    desk.run(30)
    desk.sandbox.kommunicate.customer_writes(GROUP, "m3 bought", name="jane@example.com", metadata={"plan": "gold"})
    desk.carry()
    desk.run(60)
    desk.webhook("jane", key=f"{GROUP}-m2 secret", metadata={"AL_DELETE_GROUP_MESSAGE_FOR_ALL": "true"})
    desk.run(60)
    here = [words(one) for one in desk.roots_and_replies() if one["channel"] == "C0SUPPORT"]
    assert "continues in" in here[0]
    assert "m1 I am" in here[2]
    assert "secret" not in here[2]
    assert "example.com" not in " ".join(here)


def test_an_archived_channel_that_was_left_holds_up_nothing(make_desk: Make) -> None:
    desk = begin(make_desk)
    desk.sandbox.slack.archive("C0SUPPORT")
    customer(desk, "m2 I have bought it", plan="gold")
    customer(desk, "m3 and one more", plan="gold")
    click(desk.sandbox.slack, "C0VIP", desk.thread, "take_over", user="U0ALEX")
    desk.carry()
    desk.run(3600)
    assert [message["channel"] for message in posts(desk)][:3] == ["C0SUPPORT", "C0VIP", "C0VIP"]
    assert "· with" in words(desk.roots()[1])
    updates = [call for call in desk.sandbox.calls if call["method"] == "chat.update"]
    assert len(updates) < 20
    desk.sandbox.slack.archive("C0SUPPORT", archived=False)
    desk.run(3700)  # it is tried less and less, at least once an hour
    assert "continues in" in words(desk.roots()[0])


def test_a_thread_that_people_deleted_is_not_led_on_from(make_desk: Make) -> None:
    desk = make_desk()
    customer(desk, "m1 hello")
    for message in desk.roots_and_replies():
        desk.sandbox.slack.human_deletes("C0SUPPORT", message["ts"])
    desk.mail.clear()
    customer(desk, "m2 again")
    desk.run(600)
    assert len(desk.roots()) == 1
    assert [one["method"] for one in desk.sandbox.calls].count("chat.update") <= 2


def test_what_was_left_to_a_bot_comes_where_everything_is_shown(make_desk: Make) -> None:
    desk = make_desk(channels={}, default_channel="C0SUPPORT", show="handoff", routes=[{**VIP, "show": "everything"}])
    asks(desk, "m1 question")
    bot(desk, "b1 answer")
    customer(desk, "m2 I have bought it", plan="gold")
    assert said(desk) == ["m1", "b1", "m2"]
    assert [root["channel"] for root in desk.roots()] == ["C0VIP"]


def test_each_of_many_moves_leads_on(make_desk: Make) -> None:
    silver = {"name": "silver", "when": {"metadata.plan": "silver"}, "channel": "C0OPS", "follow": True}
    desk = make_desk(channels={}, default_channel="C0SUPPORT", routes=[VIP, silver])
    for number, plan in enumerate(("", "gold", "silver", "gold", "silver")):
        customer(desk, f"m{number} hello", plan=plan)
    *left, last = desk.roots()
    assert (len(left), "continues in" in words(last)) == (4, False)
    assert all("continues in" in words(root) for root in left)


def test_an_earlier_card_that_slack_does_not_let_us_change_stays(make_desk: Make) -> None:
    """It is deleted only where it may show what somebody took back."""
    desk = begin(make_desk)
    first = desk.thread
    desk.fault("error", "chat.update", channel="C0SUPPORT", code="edit_window_closed", times=None)
    customer(desk, "m2 I have bought it", plan="gold")
    desk.run(60)
    assert [root["ts"] == first for root in desk.roots()] == [True, False]
    desk.webhook("jane", key=first_key(desk), metadata={"AL_DELETE_GROUP_MESSAGE_FOR_ALL": "true"})
    desk.run(60)
    assert [root["ts"] == first for root in desk.roots()] == [False]


def first_key(desk: Desk) -> str:
    with desk.store.read() as tx:
        return str(tx.conn.execute(select(received.c.key).order_by(received.c.id)).scalars().first())


@pytest.mark.parametrize("archived", [False, True])
def test_a_bot_that_does_not_answer_after_a_move_is_given_up_in_time(make_desk: Make, archived: bool) -> None:
    """The earlier card is drawn, or refused, between two looks at what the bot does."""
    desk = begin(make_desk)
    desk.sandbox.kommunicate.notice(GROUP, "Assigned to Bot", {"KM_ASSIGN": "bot"})
    desk.carry()
    desk.run(5)
    bot(desk, "b1 look here", wait=60)
    desk.sandbox.slack.archive("C0SUPPORT", archived=archived)
    customer(desk, "m2 I have bought it", plan="gold")
    desk.run(60)
    assert "waiting since" in words(desk.roots()[-1])
