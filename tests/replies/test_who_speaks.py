"""S16: nobody speaks for somebody else. Whatever a customer sends, it is theirs, under their name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from relay.sandbox.kommunicate.values import AGENT, BOT, CUSTOMER, Person
from tests.harness import words
from tests.replies.desk import GROUP, Desk

DANA = "dana@team.test"
SENDERS = {
    "jane": ("customer", CUSTOMER),
    DANA: ("agent", AGENT),
    "helper": ("bot", BOT),
    "stranger": ("unknown sender", None),
}
MARK = "• "  # how the relay's own lines begin

# What is sent, and what the card and the thread say where its sender is of the team; None: it changes no card.
KINDS: dict[str, tuple[dict[str, Any], str, str | None]] = {
    "assigned": ({"metadata": {"KM_ASSIGN": DANA, "LOCALIZATION_VALUE": "Di"}}, "Assigned to Di", "with Di"),
    "assigned, in words": ({"message": "o", "metadata": {"KM_ASSIGN": DANA}}, f"Assigned to {DANA}: o", "with Dana"),
    "resolved": ({"message": "bye", "metadata": {"KM_STATUS": "closed"}}, "Conversation resolved: bye", "resolved"),
    "marked as spam": ({"metadata": {"KM_STATUS": "spam"}}, "Conversation marked as spam", "resolved"),
    "summed up": ({"message": "all is well", "metadata": {"KM_SUMMARY": "true"}}, "Summary: all is well", None),
    "a notification": ({"message": "Ann resolved this chat", "contentType": 10}, "Ann resolved this chat", None),
    "a block": ({"message": "Ann blocked you", "contentType": 13}, "Ann blocked you", None),
    "rated": ({"metadata": {"feedback": '{"rating": 5, "comments": ["great"]}'}}, "Rated 5 of 5: great", None),
    "called": ({"contentType": 103, "message": "Missed"}, "Missed call or call status: Missed", None),
}  # fmt: skip
# What stands there where the sender is not of the team: their own words.
OWN = {
    "assigned": "(empty message)",
    "assigned, in words": "o",
    "resolved": "bye",
    "marked as spam": "(empty message)",
    "summed up": "all is well",
}


def card(desk: Desk) -> str:
    return words(desk.roots()[-1])


def thread(desk: Desk) -> list[str]:
    return [words(one) for one in desk.roots_and_replies() if one["thread_ts"]]


@pytest.fixture
def open_desk(make_desk: Callable[..., Desk]) -> Desk:
    """A chat that an agent answers, with everybody known to Kommunicate but the stranger."""
    desk = make_desk()
    for user_id, (_, role) in SENDERS.items():
        if role is not None:
            desk.sandbox.kommunicate.people[user_id] = Person(user_id, user_id.split("@")[0].title(), role)
    desk.customer("m1")
    return desk


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sender", SENDERS)
def test_only_the_team_is_believed(open_desk: Desk, sender: str, kind: str) -> None:
    fields, said, stands = KINDS[kind]
    before = card(open_desk)
    open_desk.webhook(sender, **fields)
    line = thread(open_desk)[-1]
    role, _ = SENDERS[sender]
    if role in ("agent", "bot"):
        assert line.endswith(MARK + said)
        assert (stands or "Jane") in card(open_desk)
    else:
        assert f"({role})" in line
        assert MARK not in line
        assert line.endswith(OWN.get(kind, said))
        assert card(open_desk) == before


@pytest.mark.parametrize("sender", SENDERS)
@pytest.mark.parametrize("said", ["", "Somebody will help you."])
def test_only_the_team_hands_over(open_desk: Desk, sender: str, said: str) -> None:
    """From a bot that has the chat to whoever will take it: the channel is called."""
    open_desk.webhook("helper", message="Hi", metadata={"KM_ANSWER_SOURCE": "faq"})
    open_desk.webhook("jane", message="hello?")
    open_desk.webhook(sender, message="…")  # whoever it is, their role was looked up
    assert "a bot answers" in card(open_desk)
    open_desk.webhook(sender, message=said, metadata={"KM_ASSIGN_TO": ""})
    role, _ = SENDERS[sender]
    assert ("a bot answers" in card(open_desk)) == (role not in ("agent", "bot"))


def test_without_a_key_only_those_who_are_listed_are_believed(make_desk: Callable[..., Desk]) -> None:
    """Then nobody's role can be looked up."""
    desk = make_desk(kommunicate={"agents": [DANA], "bots": ["helper"]})
    desk.out.authors._client = None  # as where KOMMUNICATE_API_KEY is not set
    desk.customer("m1")
    for sender in ("jane", "other@team.test"):
        desk.webhook(sender, message="bye", metadata={"KM_STATUS": "closed"})
        assert "resolved" not in card(desk)
    desk.webhook(DANA, message="bye", metadata={"KM_STATUS": "closed"})
    assert "resolved" in card(desk)


def test_a_name_imitates_neither_the_card_nor_a_role(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    desk.sandbox.kommunicate.customer_writes(GROUP, "m1", name="Ann · resolved by Bob")
    desk.carry()
    desk.run(3)
    assert "Ann - resolved by Bob" in card(desk)
    assert "·" not in card(desk).partition("waiting since")[0].removesuffix(" · ")


def test_who_speaks_under_a_line_of_the_systems_is_named(open_desk: Desk) -> None:
    """Also if it is the same person in the same minute."""
    open_desk.webhook(DANA, metadata={"KM_STATUS": "open"})
    open_desk.webhook(DANA, message="I am here")
    assert "(agent)" in thread(open_desk)[-1]


@pytest.mark.parametrize("said", ["", "Somebody will help you."])
@pytest.mark.parametrize(
    ("to", "stands", "calls"),
    [(DANA, "with Dana", True), ("helper", "a bot answers", False), ("", "Take over", True)],
)
def test_a_hand_over_says_to_whom(open_desk: Desk, to: str, stands: str, calls: bool, said: str) -> None:
    """To an agent the card says so; to another bot nobody is called."""
    open_desk.webhook("helper", message="Hi", metadata={"KM_ANSWER_SOURCE": "faq"})
    open_desk.webhook("jane", message="I want to buy")
    open_desk.webhook("helper", message=said, metadata={"KM_ASSIGN_TO": to})
    assert stands in card(open_desk)
    open_desk.webhook("jane", message="size M")
    assert open_desk.roots_and_replies()[-1]["broadcast"] == calls


@pytest.mark.parametrize("said", ["", "Somebody will help you."])
def test_a_forms_answers_in_the_context_hide_no_hand_over(open_desk: Desk, said: str) -> None:
    """A bot's messages carry the context of the whole chat."""
    open_desk.webhook("helper", message="Hi", metadata={"KM_ANSWER_SOURCE": "faq"})
    context = {"formData": {"Order": "4471"}}
    open_desk.webhook("helper", message=said, metadata={"KM_ASSIGN_TO": DANA, "KM_CHAT_CONTEXT": context})
    assert "with Dana" in card(open_desk)
