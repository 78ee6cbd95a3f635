"""Which of the agents' messages go to the customer: all, those that are marked, or none; for all chats or a route."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from relay.sandbox.slack.interactions import choose, submit, use_shortcut
from relay.sandbox.slack.values import SlackError
from tests.replies.desk import Desk

SEND = "send_to_customer"
OF_A_ROUTE = {
    "channels": {},
    "routes": [
        {
            "name": "vip",
            "when": {"group_id": "123456"},
            "channel": "C0SUPPORT",
            "replies": {"mode": "marked"},
        }
    ],
}


def a_desk(make_desk: Callable[..., Desk], **config: Any) -> Desk:
    desk = make_desk(**config)
    desk.customer("hello")
    return desk


def card(desk: Desk) -> str:
    return str(desk.roots()[-1]["blocks"])


@pytest.mark.parametrize("config", [{"replies": {"mode": "marked"}}, OF_A_ROUTE], ids=["all", "route"])
def test_only_what_is_marked_goes_out(make_desk: Callable[..., Desk], config: dict[str, Any]) -> None:
    """The rest is a note; the card says how it is."""
    desk = a_desk(make_desk, **config)
    desk.says("for us", ">> for you")
    desk.run(10)
    assert desk.reached() == ["for you"]
    assert desk.marks() == {"for us": ["note"], "&gt;&gt; for you": ["sent"]}
    assert "Only replies that begin with >> reach the customer" in card(desk)


def test_a_route_may_set_it_back(make_desk: Callable[..., Desk]) -> None:
    """What a route says of its chats counts more than what is said of all."""
    route = {**OF_A_ROUTE["routes"][0], "replies": {"mode": "all"}}
    desk = a_desk(make_desk, channels={}, routes=[route], replies={"mode": "none"})
    desk.says("for you")
    desk.run(10)
    assert desk.reached() == ["for you"]


def test_none_sends_nothing_and_the_buttons_still_work(make_desk: Callable[..., Desk]) -> None:
    """Not even what is marked, nor by the shortcut; and no message bears a mark."""
    desk = a_desk(make_desk, replies={"mode": "none"})
    desk.says(">> for you")
    use_shortcut(desk.sandbox.slack, "C0SUPPORT", desk.sandbox.slack.messages[-1].ts, SEND)
    desk.carry()
    desk.use("take_over")
    desk.carry()
    desk.run(10)
    assert (desk.reached(), desk.marks()) == ([], {"&gt;&gt; for you": []})
    assert "replies.mode" in desk.whispers()[-1][1]
    assert "Read only" in card(desk)
    assert "with alex" in desk.roots()[-1]["text"]


def test_the_shortcut_sends_a_message_that_is_not_marked(make_desk: Callable[..., Desk]) -> None:
    """Once, whoever uses it and how often; with the words that it has by now."""
    desk = a_desk(make_desk, replies={"mode": "marked"})
    message = desk.agent("at 5 pm")
    desk.carry()
    desk.run(5)
    desk.sandbox.slack.human_edits("C0SUPPORT", message.ts, "at 6 pm")
    desk.carry()
    for _ in range(2):
        use_shortcut(desk.sandbox.slack, "C0SUPPORT", message.ts, SEND, user="U0SAM")
        desk.carry()
        desk.run(5)
    assert (desk.reached(), desk.marks()) == (["at 6 pm"], {"at 6 pm": ["sent"]})
    assert "nothing is left to do: Sent" in desk.whispers()[-1][1]
    desk.sandbox.slack.human_edits("C0SUPPORT", message.ts, "at 7 pm")
    desk.carry()
    desk.run(5)
    assert "Edited after it was sent" in desk.shown()[-1]


def test_the_shortcut_on_a_customers_message_says_what_it_is_for(make_desk: Callable[..., Desk]) -> None:
    """Nothing that a customer wrote is sent back to them."""
    desk = a_desk(make_desk)
    post = next(one for one in desk.roots_and_replies() if one["thread_ts"])
    use_shortcut(desk.sandbox.slack, "C0SUPPORT", post["ts"], SEND)
    desk.carry()
    desk.run(5)
    assert desk.reached() == []
    assert "not an agent's" in desk.whispers()[-1][1]


def test_the_shortcut_elsewhere_is_ignored(make_desk: Callable[..., Desk]) -> None:
    """Whatever stands outside of the threads is none of ours."""
    desk = a_desk(make_desk)
    message = desk.sandbox.slack.human_writes("C0SUPPORT", "lunch?")
    desk.carry()
    use_shortcut(desk.sandbox.slack, "C0SUPPORT", message.ts, SEND)
    assert desk.carry() == [200]
    desk.run(5)
    assert desk.reached() == []


def test_nothing_of_a_deleted_note_is_sent(make_desk: Callable[..., Desk]) -> None:
    """Its line or an old view of it may still offer it."""
    desk = a_desk(make_desk)
    message = desk.agent("note: he is angry")
    desk.carry()
    desk.run(5)
    use_shortcut(desk.sandbox.slack, "C0SUPPORT", message.ts, SEND)
    shortcut = desk.mail.pop()
    desk.sandbox.slack.human_deletes("C0SUPPORT", message.ts)
    desk.carry()
    desk.run(5)
    desk.carry(shortcut)
    desk.run(5)
    assert desk.reached() == []
    with pytest.raises(SlackError):
        use_shortcut(desk.sandbox.slack, "C0SUPPORT", message.ts, SEND)


def test_what_was_changed_to_a_note_is_sent_as_it_reads_now(make_desk: Callable[..., Desk]) -> None:
    """In time, the mark was taken away; then somebody sends it all the same."""
    desk = a_desk(make_desk, replies={"mode": "marked"})
    message = desk.agent(">> We refund 50")
    desk.carry()
    desk.sandbox.slack.human_edits("C0SUPPORT", message.ts, "We refund 40")
    desk.carry()
    desk.run(10)
    assert desk.reached() == []
    use_shortcut(desk.sandbox.slack, "C0SUPPORT", message.ts, SEND)
    desk.carry()
    desk.run(10)
    assert desk.reached() == ["We refund 40"]


def test_none_lets_nothing_out_of_a_form_either(make_desk: Callable[..., Desk]) -> None:
    """Whoever tries reads why."""
    desk = a_desk(make_desk, replies={"mode": "none"}, saved_replies={"Refund": "Your money is on its way."})
    use_shortcut(desk.sandbox.slack, "C0SUPPORT", desk.thread, "saved_replies")
    desk.carry()
    view = desk.sandbox.slack.views[-1]["id"]
    choose(desk.sandbox.slack, view, "choose", "Refund")
    desk.carry()
    submit(desk.sandbox.slack, view, {})
    desk.carry()
    desk.run(10)
    assert desk.reached() == []
    assert "replies.mode" in desk.whispers()[-1][1]
