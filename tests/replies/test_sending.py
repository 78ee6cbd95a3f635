"""What an agent writes in a thread reaches the customer once, in order, and the agent sees it on their own message."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import pytest

from relay.sandbox import SandboxServer
from relay.store.db.engine import Store
from relay.store.operations.replay import replay_all
from tests.harness import FakeClock, words
from tests.replies.desk import Desk

REFUSED = "Kommunicate refused it: scripted by the sandbox"
SEND = "/rest/ws/message/v2/send"


def test_a_reply_reaches_the_customer_and_is_marked(desk: Desk) -> None:
    desk.says("We send you a new one.")
    desk.run(20)
    desk.carry()
    desk.run(20)
    assert desk.reached() == ["We send you a new one."]
    assert desk.marks() == {"We send you a new one.": ["sent"]}
    assert desk.told() == ["m1"]
    assert len(desk.shown()) == 2  # the customer's words and the agent's own, which is not repeated


def test_it_waits_for_the_time_in_which_it_can_be_undone(desk: Desk) -> None:
    desk.says("now")
    desk.run(4)
    assert desk.reached() == []
    desk.run(2)
    assert desk.reached() == ["now"]


def test_replies_go_out_in_the_order_of_slacks_times_not_of_arrival(desk: Desk) -> None:
    for text in ("one", "two", "three"):
        desk.agent(text)
    desk.carry(*reversed(desk.mail))
    desk.run(20)
    assert desk.reached() == ["one", "two", "three"]


def test_a_known_agent_speaks_under_their_own_name_a_stranger_is_named_in_front(desk: Desk) -> None:
    del desk.sandbox.kommunicate.people["kim@sandbox.test"]
    desk.says("I am known")
    desk.agent("I am not", user="U0KIM")
    desk.carry()
    desk.run(20)
    lines = [line for line in desk.sandbox.kommunicate.conversation("123456").lines if line.source == 4]
    assert [(line.sender.user_id, line.text) for line in lines] == [
        ("alex@sandbox.test", "I am known"),
        ("bot", "kim: I am not"),
    ]


def test_strangers_can_be_kept_from_replying(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(replies={"agents": "known_only"})
    desk.customer("m1")
    del desk.sandbox.kommunicate.people["kim@sandbox.test"]
    desk.agent("I am not known", user="U0KIM")
    desk.says("I am")
    desk.run(30)
    assert desk.reached() == ["I am"]
    assert desk.marks()["I am not known"] == ["failed"]
    [(user, sentence)] = desk.whispers()
    assert user == "U0KIM"
    assert "Not sent to the customer: Kommunicate knows no agent with your e-mail address" in sentence


class Keyless(Desk):
    """A relay that hears agents and may not speak to Kommunicate."""

    changes: ClassVar = {"kommunicate_api_key": None}


def test_without_a_key_the_agent_is_told_that_nothing_reaches_the_customer(
    store: Store, server: SandboxServer, clock: FakeClock
) -> None:
    desk = Keyless(store, server, clock)
    desk.customer("m1")
    assert "Read only" in words(desk.roots()[-1])
    desk.says("hi")
    desk.run(30)
    assert desk.reached() == []
    assert desk.marks() == {"hi": ["failed"]}
    assert [(who, "KOMMUNICATE_API_KEY" in text) for who, text in desk.whispers()] == [("U0ALEX", True)]


def test_what_stays_here_is_told_before_the_mark_is_seen(desk: Desk) -> None:
    """Slack takes no posts for a while, but marks."""
    desk.fault("ratelimited", retry_after="30")
    desk.agent("see this", files=(desk.sandbox.slack.cabinet.put("plan", kind="canvas"),))
    desk.carry()
    desk.run(20)
    assert (desk.reached(), desk.marks()) == (["see this\n(a file follows)"], {"see this": []})
    desk.run(30)
    assert "Only part of it was sent" in desk.shown()[-1]
    assert desk.marks() == {"see this": ["partly"]}


def test_who_is_mentioned_in_what_is_sent_all_the_same_has_a_name(desk: Desk) -> None:
    desk.agent("&gt;&gt; <@U0SAM> or #vip will call you, see <#C0VIP|vip>", raw=True)
    desk.carry()
    desk.run(20)
    assert desk.reached() == ["@sam or #vip will call you, see #vip"]


def test_one_message_delivered_many_times_under_many_event_ids_is_one_reply(desk: Desk) -> None:
    desk.agent("once")
    event = desk.mail.pop()
    for number in range(4):
        event.body = event.body.replace(b'"event_id": "Ev', b'"event_id": "E%dv' % number)
        desk.sandbox.slack.sender.sign(event)
        assert desk.carry(event) == [200]
        desk.run(10)
    assert desk.reached() == ["once"]


def test_kommunicate_refusing_for_ten_minutes_costs_time_and_nothing_else(desk: Desk) -> None:
    desk.sandbox.faults.add(SEND, "error", times=None, code="BUSY")
    desk.says("one", "two")
    desk.run(600)
    assert desk.reached() == []
    assert desk.marks() == {"one": ["pending"], "two": []}
    desk.sandbox.faults.clear()
    desk.run(120)
    assert desk.reached() == ["one", "two"]
    assert desk.marks() == {"one": ["sent"], "two": ["sent"]}


def test_what_is_refused_for_good_is_told_and_can_be_tried_again(desk: Desk) -> None:
    desk.sandbox.faults.add(SEND, "error", code="INVALID_PARAMETER")
    desk.says("one", "two")
    desk.run(30)
    assert desk.reached() == ["two"]
    assert desk.marks() == {"one": ["failed"], "two": ["sent"]}
    told = desk.roots_and_replies()[-1]
    assert "Not sent to the customer" in desk.shown()[-1]
    for user in ("U0ALEX", "U0SAM"):  # at the same moment
        desk.press(told["ts"], "send_again", user=user)
    assert desk.carry() != []
    desk.run(30)
    assert desk.reached() == ["two", "one"]
    assert desk.marks() == {"one": ["sent"], "two": ["sent"]}
    assert desk.whispers()[-1][0] == "U0SAM"
    assert "nothing is left to do" in desk.whispers()[-1][1]


def test_the_line_says_what_became_of_it_and_loses_its_button(desk: Desk) -> None:
    """With its words, when it was sent, and who pressed; it is the same line all the while."""
    desk.sandbox.faults.add(SEND, "error", code="INVALID_PARAMETER", times=2)
    desk.says("one")
    desk.run(30)
    line = desk.roots_and_replies()[-1]
    assert words(line) == f"\u2022 Not sent to the customer: {REFUSED}. \u201cone\u201d\nRetry"
    desk.press(line["ts"], "send_again", user="U0SAM")
    desk.carry()
    desk.run(30)
    assert desk.roots_and_replies()[-1]["ts"] == line["ts"]
    assert "Not sent to the customer" in desk.shown()[-1]
    desk.press(line["ts"], "send_again", user="U0SAM")
    desk.carry()
    desk.run(30)
    assert desk.roots_and_replies()[-1]["ts"] == line["ts"]
    assert desk.shown()[-1].startswith("\u2022 Sent")
    assert desk.shown()[-1].endswith("(sam) \u201cone\u201d")
    assert [one["type"] for one in desk.roots_and_replies()[-1]["blocks"]] == ["context"]


def test_what_takes_long_is_said_and_then_that_it_was_sent(desk: Desk) -> None:
    """Not for a hiccup: a line that nobody needs is none."""
    desk.sandbox.faults.add(SEND, "error", code="BUSY", times=2)
    desk.says("a hiccup")
    desk.run(60)
    assert "Not sent" not in str(desk.shown())
    desk.sandbox.faults.add(SEND, "error", code="BUSY", times=6)
    desk.says("one")
    desk.run(60)
    said = "Not sent yet: Kommunicate does not accept it right now: scripted by the sandbox. Trying again until"
    assert said in desk.shown()[-1]
    assert desk.marks()["one"] == ["pending"]
    desk.run(300)
    assert desk.shown()[-1].startswith("\u2022 Sent")
    assert desk.marks()["one"] == ["sent"]


@pytest.mark.parametrize("kind", ["reset_after", "timeout_after", "truncated", "html", "status"])
def test_silence_is_never_answered_with_a_second_call(make_desk: Callable[..., Desk], kind: str) -> None:
    desk = make_desk(delivery={"call_deadline": 0.4, "lease": 1.5})
    desk.customer("m1")
    desk.sandbox.kommunicate.echo = "off"
    desk.sandbox.faults.add(SEND, kind, done=True)
    desk.says("one", "two")
    desk.run(120)
    assert desk.reached() == ["one", "two"]
    assert desk.marks() == {"one": ["unsure"], "two": ["sent"]}
    assert "May not have arrived" in desk.shown()[-1]
    with desk.store.begin() as tx:
        replay_all(tx)
    desk.run(60)
    assert desk.reached() == ["one", "two"]


@pytest.mark.parametrize("metadata", [True, False])
def test_an_echo_settles_what_was_not_answered(make_desk: Callable[..., Desk], metadata: bool) -> None:
    desk = make_desk(delivery={"call_deadline": 0.4, "lease": 1.5})
    desk.customer("m1")
    desk.sandbox.kommunicate.echo = "after" if metadata else "without_metadata"
    desk.sandbox.faults.add(SEND, "reset_after")
    desk.says("one", "two")
    desk.run(8)
    desk.carry()
    desk.run(10)
    desk.carry()
    desk.run(10)
    assert desk.reached() == ["one", "two"]
    assert desk.marks() == {"one": ["sent"], "two": ["sent"]}
    assert desk.told() == ["m1"]


def test_an_echo_after_it_was_given_up_settles_it_too(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(delivery={"call_deadline": 0.4, "lease": 1.5})
    desk.customer("m1")
    desk.sandbox.faults.add(SEND, "reset_after")
    desk.says("one")
    desk.run(60)
    assert desk.marks() == {"one": ["unsure"]}
    desk.carry()
    desk.run(10)
    assert desk.marks() == {"one": ["sent"]}
    assert desk.told() == ["m1"]


def test_what_an_agent_types_in_kommunicate_is_shown_once(desk: Desk) -> None:
    desk.says("from Slack")
    desk.run(20)
    desk.sandbox.kommunicate.staff_writes("123456", "m2 from the dashboard", user_id="alex@sandbox.test")
    desk.carry()
    desk.run(20)
    assert desk.told() == ["m1", "m2"]


def test_an_archived_channel_holds_up_words_and_not_replies(desk: Desk) -> None:
    desk.says("on its way")
    desk.sandbox.slack.archive("C0SUPPORT")
    desk.sandbox.kommunicate.customer_writes("123456", "m2", name="Jane")
    desk.carry()
    desk.run(20)
    assert desk.reached() == ["on its way"]
    assert desk.told() == ["m1"]


def test_kommunicate_being_down_holds_up_replies_and_not_words(desk: Desk) -> None:
    desk.sandbox.faults.add(SEND, "error", times=None, code="BUSY")
    desk.says("later")
    desk.sandbox.kommunicate.customer_writes("123456", "m2", name="Jane")
    desk.carry()
    desk.run(20)
    assert desk.told() == ["m1", "m2"]
    assert desk.reached() == []


def test_a_refusal_after_a_try_that_was_not_answered_does_not_say_that_nothing_arrived(
    make_desk: Callable[..., Desk],
) -> None:
    """Nor does the line when its author deletes the message then."""
    desk = make_desk(delivery={"call_deadline": 0.4, "lease": 1.5})
    desk.customer("m1")
    desk.sandbox.kommunicate.echo = "off"
    desk.sandbox.faults.add(SEND, "reset_after", done=True)
    desk.says("one")
    desk.run(60)
    desk.sandbox.faults.add(SEND, "error", code="INVALID_PARAMETER")
    desk.press(desk.roots_and_replies()[-1]["ts"], "send_again")
    desk.carry()
    desk.run(30)
    assert desk.marks() == {"one": ["unsure"]}
    said = f"• May not have arrived: {REFUSED}; an earlier try was not answered. “one”\nSend again"
    assert desk.shown()[-1] == said
    written = next(one for one in desk.sandbox.slack.messages if one.bot_id is None)
    desk.sandbox.slack.human_deletes("C0SUPPORT", written.ts)
    desk.carry()
    desk.run(10)
    assert desk.shown()[-1] == "• Deleted, but it may have reached the customer. “one”"
