"""Whoever presses what was done already, or what is no longer there, is told how it stands; nothing is done twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest
from sqlalchemy import delete, update

from relay.conversation import ConversationState, Holder, Status
from relay.delivery.controls import CONTROLS, ClickContext
from relay.errors import Permanent
from relay.inbound.slack import NO_CHAT
from relay.messages import ConversationKey
from relay.sandbox.slack.interactions import click, submit, use_shortcut
from relay.sandbox.slack.values import BOT_USER_ID
from relay.slack.card import Card, render_card
from relay.store.db.tables import deliveries, send_parts
from relay.vocabulary import SendKind
from tests.harness import words
from tests.replies.desk import GROUP, Desk
from tests.replies.test_cards import ASSIGN, STATUS, card, kommunicate
from tests.replies.test_changes import edit, sent
from tests.store.shelf import rows

SEND = "/rest/ws/message/v2/send"
BY_COLLEAGUES = {
    # What was done before, what Alex presses and then Sam, on the same card, and what Sam is told.
    "resolve": ([], "resolve", "resolve", "Already resolved by alex."),
    "reopen": (["resolve"], "reopen", "reopen", "This chat is already open."),
    "release": (["take_over"], "release", "release", "Nobody has this chat."),
    "mute": ([], "mute", "mute", "This chat is already muted."),
    "unmute": (["mute"], "unmute", "unmute", "This chat is not muted."),
    "mute what is resolved": ([], "resolve", "mute", "Already resolved by alex."),
    "unmute what is resolved": (["mute"], "resolve", "unmute", "This chat is not muted."),
}


@pytest.mark.parametrize("case", BY_COLLEAGUES)
def test_who_presses_what_a_colleague_has_just_done_is_told(desk: Desk, case: str) -> None:
    """Alone; Kommunicate, the card and the thread hear of it once."""
    before, first, second, told = BY_COLLEAGUES[case]
    for action in before:
        desk.use(action)
        desk.carry()
        desk.run(5)
    calls, lines = asked_of_kommunicate(desk), len(desk.shown())
    desk.use(first)
    desk.use(second, user="U0SAM")
    desk.carry()
    desk.run(5)
    assert desk.whispers() == [("U0SAM", told)]
    assert asked_of_kommunicate(desk) - calls <= 1
    assert len(desk.shown()) - lines <= 1
    assert "sam" not in str(card(desk))


def asked_of_kommunicate(desk: Desk) -> int:
    return len([call for call in desk.sandbox.calls if call["method"] in (ASSIGN, STATUS)])


def conversations() -> Iterator[ConversationState]:
    """Everything that a card which was not drawn again may stand for."""
    for status, holder, who, since, muted in product(Status, Holder, ("alex", "kim"), (None, 1.0), (True, False)):
        if not (muted and status is Status.RESOLVED):  # resolving ends it
            yield ConversationState(status, holder, who, who, held_since=since, muted=muted)


def looks(now: ConversationState) -> Any:
    """What its card shows."""
    shown = render_card(Card(ConversationKey("", "1"), "Jane", "hello", 1.0, "", read_only=False, state=now))
    return shown.text, shown.blocks


@pytest.mark.parametrize("control", CONTROLS)
def test_each_control_changes_what_people_see_or_says_how_it_stands(control: str) -> None:
    """There is no state in which one does neither."""
    asked, click = CONTROLS[control], ClickContext(None, "1", "alex", "alex", 2.0, "alex", "alex")  # type: ignore[arg-type]
    for now in conversations():
        after = asked.step(now, click)
        begins = now.held_since is None and after.held_since is not None
        has_line = asked.topic is not None and (begins or after.card != now.card)
        assert has_line or looks(after) != looks(now) or asked.already(now, "alex")


def test_a_chat_that_somebody_has_is_not_given_to_them_again(desk: Desk) -> None:
    for user in ("U0ALEX", "U0SAM"):
        desk.press(desk.thread, "assign", user, value="U0KIM")
    desk.carry()
    desk.run(5)
    assert desk.whispers() == [("U0SAM", "kim already has this chat.")]
    assert sum("has this chat now" in shown for shown in desk.shown()) == 1


def test_take_it_anyway_pressed_twice_takes_it_once(desk: Desk) -> None:
    for user in ("U0ALEX", "U0SAM"):
        desk.use("take_over", user=user)
    desk.carry()
    desk.run(5)
    question = desk.asked()[-1]["ts"]
    for _ in range(2):
        desk.press(question, "take_anyway", "U0SAM")
    desk.carry()
    desk.run(5)
    assert desk.whispers()[-1] == ("U0SAM", "You already have this chat.")
    assert sum("took over this chat" in shown for shown in desk.shown()) == 2


def test_a_resolved_chat_that_is_muted_again_still_calls_when_its_customer_comes_back(desk: Desk) -> None:
    """A mute ends when the chat is resolved, and does not begin after that."""
    desk.use("resolve")
    desk.use("mute")
    desk.carry()
    desk.run(5)
    desk.customer("m2 it broke again")
    assert desk.roots_and_replies()[-1]["broadcast"]


@pytest.mark.parametrize("second", ["resolve", "take_over"])
def test_what_cannot_be_said_privately_is_said_in_the_thread(desk: Desk, second: str) -> None:
    """A statement, or that Slack did not show the question."""
    desk.use("resolve" if second == "resolve" else "take_over")
    desk.use(second, user="U0SAM")
    desk.fault("error", method="chat.postEphemeral", code="user_not_in_channel")
    desk.carry()
    desk.run(5)
    told = {"resolve": "Not done: Already resolved by alex.", "take_over": "Slack did not show the question."}
    assert told[second] in desk.shown()[-1]


LATER = "Resolve: this takes longer than usual. It will be done, or you will be told why not."


@pytest.mark.parametrize("trouble", ["it does not accept it", "it does not accept the key", "a reply is before it"])
def test_who_presses_what_takes_long_is_told_so_once(desk: Desk, trouble: str) -> None:
    fault = {"kind": "status", "status": 401} if "key" in trouble else {"kind": "error", "code": "BUSY"}
    desk.sandbox.faults.add(SEND if "reply" in trouble else STATUS, times=None, **fault)
    if "reply" in trouble:
        desk.says("one moment")
        desk.run(30)
    desk.use("resolve", user="U0SAM")
    desk.carry()
    for seconds, told in ((15, []), (15, [("U0SAM", LATER)]), (60, [("U0SAM", LATER)])):
        desk.run(seconds)
        desk.chores()
        assert desk.whispers() == told
    desk.sandbox.faults.clear()
    desk.run(400)
    assert (kommunicate(desk).status, len(desk.whispers())) == (2, 1)


def begin(make_desk: Callable[..., Desk]) -> Desk:
    desk = make_desk(channels={"99": "C0OPS"}, default_channel="C0SUPPORT")
    desk.customer("m1 hello")
    return desk


def ask_where_to(desk: Desk, *users: str) -> list[str]:
    """These people choose *Move* on the card; returns what each is asked with."""
    for user in users:
        click(desk.sandbox.slack, "C0SUPPORT", desk.thread, "menu", user=user, value="move")
    desk.carry()
    desk.run(5)
    return [one["ts"] for one in desk.asked()]


def test_a_question_about_a_chat_that_has_gone_elsewhere_is_answered(make_desk: Callable[..., Desk]) -> None:
    """It stands where the chat was."""
    desk = begin(make_desk)
    first, second = ask_where_to(desk, "U0ALEX", "U0SAM")
    for question, user in ((first, "U0ALEX"), (second, "U0SAM")):
        click(desk.sandbox.slack, "C0SUPPORT", question, "move_to", user=user, value="C0OPS")
        desk.carry()
        desk.run(10)
    assert desk.whispers()[-1] == ("U0SAM", "Move: not done, because it is there already.")
    assert sum("Moved here" in shown for shown in desk.shown()) == 1


def test_a_chat_that_is_on_its_way_is_not_moved_there_again(make_desk: Callable[..., Desk]) -> None:
    """Slack takes no posts for a while."""
    desk = begin(make_desk)
    first, second = ask_where_to(desk, "U0ALEX", "U0SAM")
    desk.fault("ratelimited", retry_after="30")
    desk.customer("m2")
    for question, user in ((first, "U0ALEX"), (second, "U0SAM")):
        click(desk.sandbox.slack, "C0SUPPORT", question, "move_to", user=user, value="C0OPS")
    desk.carry()
    desk.run(120)
    assert desk.whispers()[-1] == ("U0SAM", "Move: not done, because it is on its way there already.")
    assert sum(shown.count("Moved here") for shown in desk.shown()) == 1


@pytest.mark.parametrize("in_channel", [True, False])
def test_a_shortcut_outside_a_customers_thread_says_so(desk: Desk, in_channel: bool) -> None:
    """Also where the relay is no member, and cannot post."""
    message = desk.sandbox.slack.human_writes("C0GENERAL", "lunch?")
    if not in_channel:
        desk.sandbox.slack.channels["C0GENERAL"].members.discard(BOT_USER_ID)
    use_shortcut(desk.sandbox.slack, "C0GENERAL", message.ts, "send_to_customer", user="U0SAM")
    assert set(desk.carry()) == {200}
    assert desk.whispers() == [("U0SAM", NO_CHAT)]


def test_a_card_whose_post_was_not_answered_yet_can_be_used(desk: Desk) -> None:
    """It is there for people to see, while the relay does not know it."""
    desk.restart(channels={GROUP: "C0SUPPORT", "999": "C0VIP"})
    desk.fault("reset_after", channel="C0VIP")
    desk.write("m2 hello", group="999")
    desk.sandbox.kommunicate.open_conversation("999", "Joe")
    desk.run(0.1)
    root = next(one["ts"] for one in desk.roots() if one["channel"] == "C0VIP")
    click(desk.sandbox.slack, "C0VIP", root, "take_over")
    assert set(desk.carry()) == {200}
    desk.run(20)
    assert desk.sandbox.kommunicate.conversation("999").assignee == "alex@sandbox.test"
    assert "with alex" in next(one["text"] for one in desk.roots() if one["channel"] == "C0VIP")


def test_a_line_about_what_is_no_longer_stored_says_so(desk: Desk) -> None:
    desk.fault("error", SEND, code="INVALID_PARAMETER")
    desk.says("one")
    desk.run(30)
    line = desk.roots_and_replies()[-1]
    (reply,) = rows(desk.store, "deliveries", lane="replies")
    with desk.store.begin() as tx:
        tx.conn.execute(update(deliveries).where(deliveries.c.about == reply.id).values(about=None))
        tx.conn.execute(delete(send_parts).where(send_parts.c.delivery_id == reply.id))
        tx.conn.execute(delete(deliveries).where(deliveries.c.id == reply.id))
    desk.press(line["ts"], "send_again")
    desk.carry()
    desk.run(5)
    assert desk.whispers() == [("U0ALEX", "Send again: not done, because its content is no longer stored.")]


def unanswered(desk: Desk, text: str) -> str:
    """A reply of which nobody knows whether it arrived; returns its message's ts."""
    desk.sandbox.kommunicate.echo = "off"
    desk.fault("reset_before", SEND)
    message = desk.agent(text)
    desk.carry()
    desk.run(60)
    assert "May not have arrived" in desk.shown()[-1]
    return message.ts


def test_what_may_have_arrived_and_was_made_a_note_is_not_said_to_be_internal(desk: Desk) -> None:
    ts = unanswered(desk, "he is angry")
    edit(desk, ts, "note: he is angry")
    desk.run(5)
    assert "Made a note, but it may have reached the customer." in desk.shown()[-1]
    assert desk.marks() == {"note: he is angry": ["unsure"]}
    desk.sandbox.slack.human_deletes("C0SUPPORT", ts)
    desk.carry()
    desk.run(5)
    assert "Deleted, but it may have reached the customer." in desk.shown()[-1]


def test_it_goes_to_the_customer_when_somebody_says_so(desk: Desk) -> None:
    ts = unanswered(desk, "he is angry")
    edit(desk, ts, "note: I am sorry")
    use_shortcut(desk.sandbox.slack, "C0SUPPORT", ts, "send_to_customer", user="U0SAM")
    desk.carry()
    desk.run(10)
    assert desk.reached() == ["note: I am sorry"]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (
            ["note: at 5 pm"],
            "Made a note while it was on its way: if it arrived, the customer has the earlier version.",
        ),
        (["at 6 pm", "at 5 pm"], "Edited while it was on its way: if it arrived, the customer has these words."),
    ],
)
def test_a_change_to_what_nobody_has_confirmed_does_not_claim_that_it_arrived(
    desk: Desk, texts: list[str], said: str
) -> None:
    desk.sandbox.kommunicate.echo = "off"
    desk.fault("reset_before", SEND)
    message = desk.agent("at 5 pm")
    desk.carry()
    desk.run(10)
    edit(desk, message.ts, *texts)
    desk.run(60)
    assert said in "\n".join(desk.shown())
    assert "after it was sent" not in "\n".join(desk.shown())


def test_a_change_to_what_was_refused_meanwhile_does_not_claim_that_it_arrived(desk: Desk) -> None:
    """It was edited during the call."""
    message = desk.agent("at 5 pm")
    desk.carry()
    desk.run(4)
    desk.clock.advance(2)
    claim, send = desk.set_out()
    assert send.kind is SendKind.REPLY
    desk.sandbox.slack.human_edits("C0SUPPORT", message.ts, "at 6 pm")
    desk.carry()
    desk.fail(claim, send, Permanent("Kommunicate refused it", code="INVALID_PARAMETER"))
    desk.run(30)
    said = "\n".join(desk.shown())
    assert "Not sent to the customer" in said
    assert "still has the earlier version" not in said


def test_a_correction_pressed_twice_is_told_of_itself(desk: Desk) -> None:
    """Not of the reply that it corrects."""
    edit(desk, sent(desk, "at 5 pm"), "at 6 pm")
    line = desk.roots_and_replies()[-1]["ts"]
    for user in ("U0ALEX", "U0SAM"):
        desk.press(line, "send_correction", user)
    desk.carry()
    desk.run(1)
    ((who, told),) = desk.whispers()
    assert who == "U0SAM"
    assert told.startswith("Send correction: not done, because nothing is left to do: Correction: ")


def test_an_edit_that_was_undone_is_not_sent_by_a_line_from_before(desk: Desk) -> None:
    ts = sent(desk, "at 5 pm")
    edit(desk, ts, "at 6 pm")
    line = desk.roots_and_replies()[-1]["ts"]
    desk.press(line, "send_correction", "U0SAM")
    desk.sandbox.slack.human_edits("C0SUPPORT", ts, "at 5 pm")
    desk.carry(*reversed(desk.mail))
    desk.run(10)
    assert desk.reached() == ["at 5 pm"]
    assert "the customer has these words" in desk.whispers()[-1][1]


@pytest.mark.parametrize(("arrived", "reached"), [(True, 0), (False, 1)])
def test_the_shortcut_on_what_was_not_sent(desk: Desk, arrived: bool, reached: int) -> None:
    """What certainly failed is sent; what may have arrived is not, and its line is named."""
    if arrived:
        ts = unanswered(desk, "hello")
    else:
        desk.fault("error", SEND, code="INVALID_PARAMETER")
        ts = desk.agent("hello").ts
        desk.carry()
        desk.run(30)
    use_shortcut(desk.sandbox.slack, "C0SUPPORT", ts, "send_to_customer")
    desk.carry()
    desk.run(10)
    assert len(desk.reached()) == reached
    told = "not done, because the line about it has another button: May not have arrived"
    assert (told in str(desk.whispers())) == arrived


def test_the_form_claims_nothing_about_what_the_customer_has(desk: Desk) -> None:
    """It is opened for what was deleted, and for what was made a note; and perhaps neither has arrived."""
    ts = sent(desk, "at 5 pm")
    edit(desk, ts, "note: at 5 pm")
    desk.press(desk.roots_and_replies()[-1]["ts"], "tell_customer")
    desk.carry()
    (view,) = desk.sandbox.slack.views
    assert "deleted" not in words(view)
    submit(desk.sandbox.slack, view["id"], {"words": "Please forget it."})
    desk.carry()
    desk.run(10)
    assert desk.reached() == ["at 5 pm", "Please forget it."]
