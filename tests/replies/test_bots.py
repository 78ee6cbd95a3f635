"""A bot in the chat: the first reply takes it over, or waits and says so."""

from __future__ import annotations

from typing import Any

import pytest

from tests.replies.desk import GROUP, Desk

ASSIGN = "/rest/ws/group/assignee/change"


def bot_answers(desk: Desk) -> None:
    """A bot has the chat, and everybody can see that."""
    desk.sandbox.kommunicate.conversation(GROUP).bots.add("helper")
    desk.sandbox.kommunicate.staff_writes(GROUP, "Have you tried glue?", metadata={"KM_ANSWER_SOURCE": "faq"})
    desk.carry()
    desk.run(5)


def greeting(desk: Desk) -> None:
    """A bot was heard; whether it answers, nobody has said."""
    desk.sandbox.kommunicate.staff_writes(GROUP, "Hi, how can I help?")
    desk.carry()
    desk.run(5)


def assigned_to_a_bot(desk: Desk) -> None:
    """Kommunicate says so."""
    desk.sandbox.kommunicate.notice(GROUP, "Assigned to Bot", {"KM_ASSIGN": "bot"})
    desk.carry()
    desk.run(5)


def kommunicate(desk: Desk) -> Any:
    return desk.sandbox.kommunicate.conversation(GROUP)


def order(desk: Desk) -> list[str]:
    """What was asked of Kommunicate, in order."""
    paths = {ASSIGN: "assign", "/rest/ws/message/v2/send": "send"}
    return [paths[call["method"]] for call in desk.sandbox.calls if call["method"] in paths]


@pytest.mark.parametrize("before", [bot_answers, greeting, assigned_to_a_bot])
def test_the_first_reply_takes_the_chat_over_and_the_second_does_not(desk: Desk, before: Any) -> None:
    before(desk)
    desk.says("I am a person", "and I stay")
    desk.run(20)
    assert order(desk) == ["assign", "send", "send"]
    assert (kommunicate(desk).assignee, kommunicate(desk).bots) == ("alex@sandbox.test", set())
    assert desk.reached() == ["I am a person", "and I stay"]


def test_a_chat_without_a_bot_is_not_assigned_by_a_reply(desk: Desk) -> None:
    desk.says("hello")
    desk.run(20)
    assert order(desk) == ["send"]


def test_a_stranger_takes_it_over_as_the_relays_own_sender(desk: Desk) -> None:
    del desk.sandbox.kommunicate.people["kim@sandbox.test"]
    bot_answers(desk)
    desk.agent("I am a person", user="U0KIM")
    desk.carry()
    desk.run(20)
    assert (kommunicate(desk).assignee, kommunicate(desk).bots) == ("bot", set())
    assert desk.reached() == ["kim: I am a person"]


def test_the_reply_waits_while_the_chat_cannot_be_had(desk: Desk) -> None:
    bot_answers(desk)
    desk.sandbox.faults.add(ASSIGN, "error", times=None, code="BUSY")
    desk.says("one", "two")
    desk.run(120)
    assert (desk.reached(), desk.marks()) == ([], {"one": ["pending"], "two": []})
    desk.sandbox.faults.clear()
    desk.run(120)
    assert (desk.reached(), desk.marks()) == (["one", "two"], {"one": ["sent"], "two": ["sent"]})


def test_a_refusal_is_told_and_can_be_tried_again(desk: Desk) -> None:
    bot_answers(desk)
    desk.sandbox.kommunicate.engaged.add("alex@sandbox.test")
    desk.says("one")
    desk.run(20)
    assert (desk.reached(), desk.marks()) == ([], {"one": ["failed"]})
    assert "a bot has this chat, and it could not be taken over" in desk.shown()[-1]
    desk.sandbox.kommunicate.engaged.clear()
    desk.press(desk.roots_and_replies()[-1]["ts"], "send_again")
    desk.carry()
    desk.run(20)
    assert (desk.reached(), desk.marks()) == (["one"], {"one": ["sent"]})


def test_a_refusal_for_a_bot_that_only_greeted_holds_nothing_up(desk: Desk) -> None:
    greeting(desk)
    desk.sandbox.kommunicate.engaged.add("alex@sandbox.test")
    desk.says("one", "two")
    desk.run(20)
    assert (desk.reached(), order(desk)) == (["one", "two"], ["assign", "send", "send"])
