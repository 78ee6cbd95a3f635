"""An agent to whom a chat is given in Kommunicate is mentioned in its thread, once: so Slack shows it to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from relay.sandbox.kommunicate.values import BOT, Person
from tests.replies.desk import Desk

ALEX, SAM = "alex@sandbox.test", "sam@sandbox.test"


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    """A desk where a customer has written, and an agent whom Slack knows by her address."""
    desk = make_desk(replies={"undo_seconds": 0}, kommunicate={"agents": ["admin@sandbox.test", ALEX, SAM, "ops"]})
    users = desk.sandbox.slack.users
    users["U0ALEX"] = replace(users["U0ALEX"], email=ALEX)
    users["U0SAM"] = replace(users["U0ALEX"], id="U0SAM", name="sam", email=SAM)
    desk.customer("m1 hello")
    return desk


def assign(desk: Desk, to: str, sender: str = "admin@sandbox.test") -> None:
    desk.webhook(sender, contentType=10, metadata={"KM_ASSIGN": to, "LOCALIZATION_VALUE": "Alex"})


def mentions(desk: Desk) -> list[list[str]]:
    """The users mentioned in each post of the thread."""

    def found(node: Any) -> list[str]:
        if isinstance(node, list):
            return [one for each in node for one in found(each)]
        if isinstance(node, dict):
            return [node["user_id"]] if node.get("type") == "user" else found(list(node.values()))
        return []

    return [one for one in (found(post["blocks"]) for post in desk.roots_and_replies() if post["thread_ts"]) if one]


def test_an_assignment_mentions_the_assignee(desk: Desk) -> None:
    assign(desk, ALEX)
    assert mentions(desk) == [["U0ALEX"]]
    (line,) = desk.roots_and_replies()[-1]["blocks"]
    (section,) = line["elements"]
    assert [one.get("text") for one in section["elements"]] == ["• Assigned to Alex (", None, ")"]


def test_once_until_it_is_somebody_elses(desk: Desk) -> None:
    for agent in (ALEX, ALEX, SAM, ALEX):
        assign(desk, agent)
    assert mentions(desk) == [["U0ALEX"], ["U0SAM"], ["U0ALEX"]]


def test_several_in_one_post(desk: Desk) -> None:
    for number, agent in enumerate((ALEX, ALEX, SAM)):
        notice = {"contentType": 10, "metadata": {"KM_ASSIGN": agent, "LOCALIZATION_VALUE": "Somebody"}}
        body = {"key": f"5-a{number}", "from": "admin@sandbox.test", "groupId": 123456, "timeStamp": 1795690000000}
        token = {"Authentication": desk.sandbox.kommunicate.webhook.authentication()}
        desk.client.post("/kommunicate/webhook", json={**body, "message": "", **notice}, headers=token)
    desk.run(5)
    assert mentions(desk) == [["U0ALEX", "U0SAM"]]


def test_who_has_taken_it_over_in_slack_is_not_mentioned_again(desk: Desk) -> None:
    """Kommunicate tells of that assignment too."""
    desk.use("take_over")
    desk.carry()
    desk.run(10)
    assign(desk, ALEX)
    assert mentions(desk) == [["U0ALEX"]]


def test_a_bots_hand_over_with_words_mentions_whom_it_names(desk: Desk) -> None:
    desk.sandbox.kommunicate.people["helper"] = Person("helper", "Helper", BOT)
    desk.webhook("helper", message="Alex will help you.", metadata={"KM_ASSIGN_TO": ALEX})
    assert mentions(desk) == [["U0ALEX"]]
    words, mention = desk.roots_and_replies()[-1]["blocks"][-2:]
    assert "Alex will help you." in str(words)
    assert mention["elements"][0]["elements"][0]["text"] == "• This chat is for "


@pytest.mark.parametrize("to", ["nobody@sandbox.test", "ops", "", "x" * 300 + "@sandbox.test"])
def test_whom_slack_does_not_know_is_named_alone(desk: Desk, to: str) -> None:
    assign(desk, to)
    assert mentions(desk) == []


@pytest.mark.parametrize("change", [{"deleted": True}, {"is_bot": True}], ids=str)
def test_who_has_left_is_not_mentioned(desk: Desk, change: dict[str, Any]) -> None:
    desk.sandbox.slack.users["U0ALEX"] = replace(desk.sandbox.slack.users["U0ALEX"], **change)
    assign(desk, ALEX)
    assert mentions(desk) == []


def test_a_customer_mentions_nobody(desk: Desk) -> None:
    assign(desk, ALEX, sender="jane")
    assert mentions(desk) == []


def test_a_bot_is_not_called(desk: Desk) -> None:
    """Even where somebody in Slack has the same address."""
    users = desk.sandbox.slack.users
    users["U0BOTS"] = replace(users["U0ALEX"], id="U0BOTS", email="helper@sandbox.test")
    desk.sandbox.kommunicate.people["helper@sandbox.test"] = Person("helper@sandbox.test", "Helper", BOT)
    assign(desk, "helper@sandbox.test")
    assert "Assigned to Alex" in desk.shown()[-1]
    assert mentions(desk) == []


def test_by_the_configured_map_nobody_is_looked_up(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(replies={"map": {"U0ALEX": "ops"}}, kommunicate={"agents": ["admin@sandbox.test", "ops"]})
    desk.customer("m1 hello")
    assign(desk, "ops")
    assert mentions(desk) == [["U0ALEX"]]
    assert "users.lookupByEmail" not in [call["method"] for call in desk.sandbox.calls]


@pytest.mark.parametrize("trouble", ["missing_scope", "ratelimited", "internal_error"])
def test_a_slack_that_does_not_tell_holds_up_nothing(desk: Desk, trouble: str) -> None:
    desk.fault("error", method="users.lookupByEmail", times=None, code=trouble)
    assign(desk, ALEX)
    assert mentions(desk) == []
    assert "Assigned to Alex" in desk.shown()[-1]


def test_a_new_thread_mentions_anew(desk: Desk) -> None:
    assign(desk, ALEX)
    for message in reversed(desk.roots_and_replies()):
        desk.sandbox.slack.human_deletes("C0SUPPORT", message["ts"])
    desk.customer("m2 still there?")
    desk.run(30)
    assign(desk, ALEX)
    assert mentions(desk)[-1] == ["U0ALEX"]
