"""The card says who has a chat and what can be done about it; a click on it is done once, and told where it fails."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from relay.delivery.attempt import Attempt, Taking, fetch, take
from relay.delivery.steps import LOCK, Need
from relay.store.queue import lanes
from relay.store.queue.lanes import Fenced
from tests.harness import words
from tests.replies.desk import GROUP, Desk

MOVE = "Move to another channel …"
ASSIGN, STATUS = "/rest/ws/group/assignee/change", "/rest/ws/group/status/change"


def card(desk: Desk) -> list[str]:
    """The card's lines, without its controls."""
    root = desk.roots()[-1]
    return [words({"blocks": [block]}) for block in root["blocks"] if block["type"] != "actions"]


def state(desk: Desk) -> str:
    """How the card says that the conversation stands, as a phone shows it, without dates."""
    said = desk.roots()[-1]["text"].partition(": ")[0]
    return re.sub(r" [0-9-]{10} [0-9:]{5} UTC", "", said)


def controls(desk: Desk) -> list[str]:
    """What can be pressed or chosen on the card, in order."""
    blocks = desk.roots()[-1]["blocks"]
    found = [one for block in blocks for one in (*block.get("elements", ()), block.get("accessory"))]
    entries = [option for one in found if one for option in one.get("options", ())]
    buttons = [one for one in found if one and one.get("type") == "button"]
    return [one["text"]["text"] for one in (*buttons, *entries)]


def press(desk: Desk, action: str, user: str = "U0ALEX") -> None:
    """A person uses a control of the card, and what it leads to happens."""
    desk.use(action, user=user)
    desk.carry()
    desk.run(5)


def taken_by(desk: Desk, owner: str) -> Attempt:
    """Another process's, which does nothing with it."""
    (attempt,) = take(desk.out, owner, Taking())
    return attempt


def kommunicate(desk: Desk) -> Any:
    return desk.sandbox.kommunicate.conversation(GROUP)


def test_a_chat_nobody_has_taken_offers_to_be_taken(desk: Desk) -> None:
    assert state(desk) == "Jane · waiting since"
    assert "m1 my mug is broken" in card(desk)[0]
    assert controls(desk) == ["Take over", "Resolve", "Mute: notify nobody", MOVE, "Open in Kommunicate"]


def test_taking_over_assigns_it_and_makes_the_agent_follow_the_thread(desk: Desk) -> None:
    kommunicate(desk).bots.add("helper")
    press(desk, "take_over")
    assert (kommunicate(desk).assignee, kommunicate(desk).bots) == ("alex@sandbox.test", set())
    assert state(desk) == "Jane · waiting since · with alex"
    assert controls(desk) == ["Resolve", "Take over", "Release", "Mute: notify nobody", MOVE, "Open in Kommunicate"]
    line = desk.roots_and_replies()[-1]
    assert line["blocks"][0]["elements"][0]["elements"][0] == {"type": "user", "user_id": "U0ALEX"}
    assert "took over this chat" in desk.shown()[-1]


def test_resolving_makes_it_one_line_and_the_next_message_reopens_it(desk: Desk) -> None:
    press(desk, "take_over")
    press(desk, "resolve")
    assert kommunicate(desk).status == 2
    assert card(desk) == ["Jane · resolved by alex\nReopen\nOpen in Kommunicate"]
    desk.customer("m2 it broke again")
    desk.run(5)
    assert "m2 it broke again" in card(desk)[0]
    assert state(desk) == "Jane · reopened · waiting since · with alex"
    assert desk.roots_and_replies()[-1]["broadcast"], "nobody may be looking any more"


def test_it_can_be_released_and_reopened(desk: Desk) -> None:
    press(desk, "take_over")
    press(desk, "release")
    assert (kommunicate(desk).assignee, controls(desk)[0]) == ("bot", "Take over")
    press(desk, "resolve")
    press(desk, "reopen")
    assert kommunicate(desk).status == 0
    assert state(desk) == "Jane · reopened · since"


def test_a_click_delivered_again_is_done_once(desk: Desk) -> None:
    desk.use("take_over")
    click = desk.mail[-1]
    for _ in range(3):
        assert desk.carry(click) == [200]
        desk.run(5)
    assert sum("took over this chat" in shown for shown in desk.shown()) == 1
    assert len([call for call in desk.sandbox.calls if call["method"] == ASSIGN]) == 1


def test_a_second_click_changes_nothing_and_tells_nothing_twice(desk: Desk) -> None:
    press(desk, "take_over")
    press(desk, "take_over")
    assert sum("took over this chat" in shown for shown in desk.shown()) == 1


def test_a_colleague_may_take_it_from_the_first(desk: Desk) -> None:
    press(desk, "take_over")
    desk.run(60)
    press(desk, "take_over", user="U0SAM")
    assert (kommunicate(desk).assignee, state(desk)) == ("sam@sandbox.test", "Jane · waiting since · with sam")


def test_what_a_colleague_took_a_moment_ago_is_asked_about(desk: Desk) -> None:
    """Alone, and with a button that takes it all the same; on the card, where the press was made."""
    press(desk, "take_over")
    press(desk, "take_over", user="U0SAM")
    assert kommunicate(desk).assignee == "alex@sandbox.test"
    who, text = desk.whispers()[-1]
    assert (who, re.sub(r"\d+ s", "5 s", text)) == ("U0SAM", "alex took this chat 5 s ago. Take it anyway?")
    desk.answer("take_anyway", user="U0SAM")
    desk.run(5)
    assert (kommunicate(desk).assignee, state(desk)) == ("sam@sandbox.test", "Jane · waiting since · with sam")
    assert desk.asked() == []


def test_ones_own_chat_is_not_taken_twice(desk: Desk) -> None:
    """Kommunicate is not asked, and the thread has one line."""
    press(desk, "take_over")
    before = len([call for call in desk.sandbox.calls if call["method"] == ASSIGN])
    press(desk, "take_over")
    assert desk.whispers()[-1] == ("U0ALEX", "You already have this chat.")
    assert len([call for call in desk.sandbox.calls if call["method"] == ASSIGN]) == before
    assert sum("took over this chat" in shown for shown in desk.shown()) == 1


def test_a_chat_is_given_to_a_colleague(desk: Desk) -> None:
    """The line mentions them, so that Slack shows them the thread, and says who gave it."""
    desk.press(desk.thread, "assign", value="U0KIM")
    desk.carry()
    desk.run(5)
    assert (kommunicate(desk).assignee, state(desk)) == ("kim@sandbox.test", "Jane · waiting since · with kim")
    line = desk.roots_and_replies()[-1]
    assert line["blocks"][0]["elements"][0]["elements"][0] == {"type": "user", "user_id": "U0KIM"}
    assert "has this chat now (alex)" in desk.shown()[-1]


def test_it_is_given_to_nobody_whom_kommunicate_does_not_know(desk: Desk) -> None:
    """And whoever tried learns why."""
    kim = desk.sandbox.slack.users["U0KIM"]
    desk.sandbox.slack.users["U0KIM"] = replace(kim, email="kim@elsewhere.test")
    desk.press(desk.thread, "assign", value="U0KIM")
    desk.carry()
    desk.run(5)
    assert kommunicate(desk).assignee != "kim@sandbox.test"
    assert "Kommunicate knows no agent with their e-mail address" in desk.whispers()[-1][1]


@pytest.mark.parametrize(("action", "line"), [("resolve", "Resolved"), ("release", "Released")])
def test_what_ends_a_claim_leaves_a_small_line(desk: Desk, action: str, line: str) -> None:
    """With who and when."""
    press(desk, "take_over")
    press(desk, action, user="U0SAM")
    assert desk.shown()[-1].startswith(f"\u2022 {line}\n<!date^")
    assert desk.shown()[-1].endswith("(sam)")


def test_the_card_tells_what_was_said_last_and_for_how_long_it_waits(desk: Desk) -> None:
    """Words come a little later than what is urgent; the first ones stay in sight."""
    desk.customer("m2 are you there?")
    desk.customer("m3 hello??")
    assert "m2" not in card(desk)[0]
    desk.run(31)
    assert desk.roots()[-1]["text"].endswith(", 3 messages: m3 hello??")
    assert card(desk)[-1] == "Began with: \u201cm1 my mug is broken\u201d"
    edits = [call for call in desk.sandbox.calls if call["method"] == "chat.update"]
    assert len(edits) == 1
    desk.says("I am here")
    desk.run(10)
    assert state(desk) == "Jane · answered · with alex"
    desk.customer("m4 good")
    desk.run(5)
    assert state(desk) == "Jane · waiting since · with alex"


@pytest.mark.parametrize("speaker", ["bot", "agent"])
def test_a_question_that_is_open_looks_open_whoever_spoke_before(desk: Desk, speaker: str) -> None:
    """A bot that has the chat and does not answer has not answered."""
    metadata = {"KM_ANSWER_SOURCE": "faq"} if speaker == "bot" else {}
    staff = {} if speaker == "bot" else {"user_id": "sam@sandbox.test"}
    desk.sandbox.kommunicate.staff_writes(GROUP, "Here is an answer.", metadata=metadata, **staff)
    desk.carry()
    desk.run(5)
    assert "waits" not in state(desk)
    desk.customer("m2 that is not what I asked")
    desk.run(35)
    assert "waiting since" in state(desk)
    assert "m2 that is not what I asked" in card(desk)[0]
    assert ("a bot has this chat" in state(desk)) == (speaker == "bot")


def test_a_question_that_came_just_before_the_card_was_drawn_is_not_forgotten(desk: Desk) -> None:
    """The bot answered the one before it, and never this one."""
    answer = {"KM_ANSWER_SOURCE": "faq"}
    desk.sandbox.kommunicate.staff_writes(GROUP, "Hello, I am a bot.", metadata=answer)
    desk.carry()
    desk.run(60)
    desk.customer("q1")
    desk.sandbox.kommunicate.staff_writes(GROUP, "a1", metadata=answer)
    desk.carry()
    desk.run(17)
    desk.customer("q2")
    desk.run(60)
    assert "waiting since" in state(desk)


def test_a_bot_that_answers_soon_costs_no_edits(desk: Desk) -> None:
    """The card looks the same all the while."""
    answer = {"KM_ANSWER_SOURCE": "faq"}
    desk.sandbox.kommunicate.staff_writes(GROUP, "Hello, I am a bot.", metadata=answer)
    desk.carry()
    desk.run(60)
    before = desk.roots()[-1]["edited"]
    for number in range(3):
        desk.customer(f"q{number}")
        desk.sandbox.kommunicate.staff_writes(GROUP, f"a{number}", metadata=answer)
        desk.carry()
        desk.run(60)
    assert state(desk) == "Jane · a bot answers"
    assert desk.roots()[-1]["edited"] == before


@pytest.mark.parametrize(("words", "wakes"), [("Thanks, bye!", False), ("Thanks, but it broke again", True)])
def test_thanks_after_the_end_wake_nobody_and_a_question_does(desk: Desk, words: str, wakes: bool) -> None:
    """The card says that it is open again, all the same."""
    press(desk, "take_over")
    press(desk, "resolve")
    desk.customer(words)
    desk.run(35)
    assert state(desk) == f"Jane · reopened · {'waiting since' if wakes else 'answered'} · with alex"
    assert bool(desk.roots_and_replies()[-1]["broadcast"]) == wakes


def test_thanks_while_it_is_open_are_no_question(desk: Desk) -> None:
    """Nor do they answer the one that is open."""
    desk.customer("thanks!")
    desk.run(35)
    assert state(desk).startswith("Jane · waiting since")
    desk.says("You are welcome.")
    desk.run(10)
    desk.customer("thanks!")
    desk.run(35)
    assert state(desk) == "Jane · answered · with alex"


def test_an_agent_with_too_many_chats_is_told_and_nothing_changes(desk: Desk) -> None:
    desk.sandbox.kommunicate.engaged.add("alex@sandbox.test")
    press(desk, "take_over")
    [(user, sentence)] = desk.whispers()
    assert (user, controls(desk)[0]) == ("U0ALEX", "Take over")
    assert sentence == "Take over: not done, because this agent has reached Kommunicate's limit of chats."


def test_who_is_no_agent_cannot_take_over_but_may_resolve(desk: Desk) -> None:
    del desk.sandbox.kommunicate.people["kim@sandbox.test"]
    press(desk, "take_over", user="U0KIM")
    assert "Kommunicate knows no agent with your e-mail address" in desk.whispers()[-1][1]
    press(desk, "resolve", user="U0KIM")
    assert (kommunicate(desk).status, len(desk.whispers())) == (2, 1)


def test_where_only_known_agents_may_a_stranger_may_do_nothing(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(replies={"agents": "known_only"})
    desk.customer("m1")
    del desk.sandbox.kommunicate.people["kim@sandbox.test"]
    press(desk, "resolve", user="U0KIM")
    assert kommunicate(desk).status == 0
    assert "known agents only" in desk.whispers()[-1][1]


def test_where_the_clicker_cannot_be_told_the_thread_is(desk: Desk) -> None:
    desk.sandbox.kommunicate.engaged.add("alex@sandbox.test")
    desk.fault("error", method="chat.postEphemeral", code="user_not_in_channel")
    press(desk, "take_over")
    assert (
        "Not done: Take over: not done, because this agent has reached Kommunicate's limit of chats" in desk.shown()[-1]
    )


@pytest.mark.parametrize("kind", ["error", "reset_before", "reset_after", "html", "status", "ratelimited"])
def test_what_kommunicate_does_not_do_now_is_done_later(desk: Desk, kind: str) -> None:
    desk.sandbox.faults.add(STATUS, kind, times=3, code="BUSY")
    desk.use("resolve")
    desk.carry()
    desk.run(120)
    assert (kommunicate(desk).status, desk.whispers()) == (2, [])
    assert card(desk) == ["Jane · resolved by alex\nReopen\nOpen in Kommunicate"]


def test_what_kommunicate_refuses_for_long_enough_is_told(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(replies={"give_up_after": "30s"})
    desk.customer("m1")
    desk.sandbox.faults.add(STATUS, "error", times=None, code="BUSY")
    press(desk, "resolve")
    desk.run(60)
    assert "Resolve: not done, because Kommunicate does not accept it right now" in desk.whispers()[-1][1]
    assert controls(desk)[0] == "Take over"


def test_clicks_and_replies_happen_in_the_order_of_the_agents_doing(desk: Desk) -> None:
    """A last word and then resolved: the customer gets the word first, though it waits to be undone."""
    desk.says("Goodbye!")
    desk.use("resolve")
    desk.carry()
    desk.run(1)
    assert (desk.reached(), kommunicate(desk).status) == ([], 0)
    desk.run(10)
    assert (desk.reached(), kommunicate(desk).status) == (["Goodbye!"], 2)


def test_what_happens_in_kommunicate_shows_on_the_same_card(desk: Desk) -> None:
    for text, metadata, line in (
        (
            "Assigned to Sam",
            {"KM_ASSIGN": "sam@sandbox.test", "LOCALIZATION_VALUE": "Sam Okafor"},
            "Jane · waiting since · with Sam Okafor",
        ),
        ("Resolved", {"KM_STATUS": "closed"}, "Jane · resolved"),
        ("Opened", {"KM_STATUS": "Open"}, "Jane · reopened · answered · with Sam Okafor"),
        ("Assigned to Bot", {"KM_ASSIGN": "bot"}, "Jane · reopened · a bot answers"),
    ):
        desk.sandbox.kommunicate.notice(GROUP, text, metadata)
        desk.carry()
        desk.run(5)
        assert state(desk) == line
    assert len(desk.roots()) == 1


def test_a_bot_that_answers_makes_it_one_line_until_it_asks_for_a_person(desk: Desk) -> None:
    answer = {"KM_ANSWER_SOURCE": "faq"}
    desk.sandbox.kommunicate.staff_writes(GROUP, "Have you tried glue?", metadata=answer)
    desk.carry()
    desk.run(5)
    assert card(desk) == ["Jane · a bot answers\nTake over\nResolve\nMove to another channel …\nOpen in Kommunicate"]
    desk.sandbox.kommunicate.staff_writes(GROUP, "", metadata={"KM_ASSIGN_TO": ""})
    desk.carry()
    desk.run(5)
    assert controls(desk) == ["Take over", "Resolve", "Mute: notify nobody", MOVE, "Open in Kommunicate"]
    desk.customer("m2 are you there?")
    assert desk.roots_and_replies()[-1]["broadcast"], "a hand-over calls the channel"


def test_a_greeting_of_the_system_is_no_bot_that_answers(desk: Desk) -> None:
    desk.sandbox.kommunicate.staff_writes(GROUP, "We are offline now.")
    desk.carry()
    desk.run(5)
    assert controls(desk)[0] == "Take over"
    assert not desk.roots()[-1]["edited"], "the card is changed on changes of state only"


def test_a_card_begun_by_a_greeting_becomes_the_customers(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    desk.sandbox.kommunicate.open_conversation(GROUP, "Jane")
    desk.sandbox.kommunicate.staff_writes(GROUP, "Hi, how can I help?")
    desk.carry()
    desk.run(5)
    desk.customer("m1 my mug is broken")
    desk.run(5)
    assert state(desk) == "Jane · waiting since"
    assert "m1 my mug is broken" in card(desk)[0]


def test_a_worker_that_was_overtaken_hears_nothing_any_more(desk: Desk) -> None:
    """Whoever took its lane may have heard it, and things may stand differently since."""
    press(desk, "resolve")
    desk.sandbox.kommunicate.customer_writes(GROUP, "m2 once more", name="Jane")
    desk.carry()
    overtaken = taken_by(desk, "host|1|1|one")
    assert overtaken.step == Need(LOCK), "a chat that was resolved is reopened by these words"
    desk.clock.advance(desk.out.lease + 1)
    taken_by(desk, "host|2|2|two")
    with pytest.raises(Fenced):
        fetch(desk.out, overtaken, Need(LOCK))
    with desk.store.read() as tx:
        assert lanes.conversation(tx, overtaken.claim.conversation.id).state.is_resolved
    desk.run(desk.out.lease + 5)
    assert "reopened" in str(card(desk))
    assert desk.told() == ["m1", "m2"]


def test_a_card_begun_by_a_file_alone_quotes_its_name(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    desk.sandbox.kommunicate.customer_writes(GROUP, name="Jane", attachment="broken-mug.png")
    desk.carry()
    desk.run(5)
    assert "broken-mug.png" in card(desk)[0]


def test_nobody_for_ten_minutes_calls_the_channel_once(desk: Desk) -> None:
    desk.run(590)
    desk.customer("m2")
    desk.run(20)
    for text in ("m3", "m4"):
        desk.customer(text)
    called = [words(one) for one in desk.roots_and_replies() if one["broadcast"]]
    assert [next(mark for mark in ("m2", "m3", "m4") if mark in one) for one in called] == ["m3"]
    assert desk.told() == ["m1", "m2", "m3", "m4"]


def test_a_chat_that_was_taken_or_answered_calls_nobody(desk: Desk) -> None:
    desk.says("one moment")
    desk.run(700)
    desk.customer("m2")
    assert not any(one["broadcast"] for one in desk.roots_and_replies())
    assert state(desk) == "Jane · waiting since · with alex"


def test_an_answer_given_while_words_are_made_ready_is_not_forgotten(desk: Desk) -> None:
    desk.sandbox.kommunicate.customer_writes(GROUP, "m2", name="Jane")
    desk.carry()
    taken_by(desk, "host|1|1|elsewhere")
    desk.says("hi")
    desk.run(10)
    desk.run(700)
    desk.customer("m3")
    assert desk.told() == ["m1", "m2", "m3"]
    assert not any(one["broadcast"] for one in desk.roots_and_replies())


def test_broadcasts_can_be_switched_off(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(broadcast="never")
    desk.customer("m1")
    desk.run(700)
    desk.customer("m2")
    assert not any(one["broadcast"] for one in desk.roots_and_replies())


@pytest.mark.parametrize("kind", ["reset_after", "reset_before", "html", "status", "truncated", "ratelimited", "error"])
def test_a_card_is_brought_up_to_date_whatever_becomes_of_the_call(desk: Desk, kind: str) -> None:
    desk.fault(kind, method="chat.update", times=2, code="internal_error", done=True)
    press(desk, "resolve")
    desk.run(60)
    assert card(desk) == ["Jane · resolved by alex\nReopen\nOpen in Kommunicate"]


def test_a_limit_on_cards_holds_up_no_words(desk: Desk) -> None:
    desk.fault("ratelimited", method="chat.update", retry_after="60")
    press(desk, "resolve")
    desk.customer("m2")
    assert desk.told() == ["m1", "m2"]
    desk.run(70)
    assert state(desk) == "Jane · reopened · waiting since"


def test_an_archived_channels_card_waits_and_is_right_in_the_end(desk: Desk) -> None:
    desk.use("resolve")
    desk.sandbox.slack.archive("C0SUPPORT")
    desk.carry()
    desk.run(30)
    assert kommunicate(desk).status == 2
    desk.sandbox.slack.archive("C0SUPPORT", archived=False)
    desk.run(310)
    assert card(desk) == ["Jane · resolved by alex\nReopen\nOpen in Kommunicate"]


def test_a_new_root_shows_how_things_stand(desk: Desk) -> None:
    press(desk, "take_over")
    for message in reversed(desk.roots_and_replies()):
        desk.sandbox.slack.human_deletes("C0SUPPORT", message["ts"])
    desk.mail.clear()
    desk.customer("m2")
    desk.run(10)
    assert state(desk) == "Jane · waiting since, 2 messages · with alex"
    press(desk, "resolve")
    assert card(desk)[0].startswith("Jane · resolved by alex")
