"""What the Kommunicate stand-in refuses, so that a client that is careless with a call is found out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from relay.sandbox import Sandbox
from relay.sandbox.kommunicate.values import Conversation

ASSIGN, STATUS, SEND = "/group/assignee/change", "/group/status/change", "/message/v2/send"
GOOD = {ASSIGN: {"groupId": "1", "assignee": "sam@sandbox.test"}, STATUS: {"groupId": "1", "status": "2"}}

Rest = Callable[..., dict[str, Any]]


@pytest.fixture
def chat(sandbox: Sandbox) -> Conversation:
    return sandbox.kommunicate.open_conversation("1", "Jane")


def is_refused(answer: dict[str, Any]) -> bool:
    return bool(answer["status"] == "error" and answer["errorResponse"][0]["errorCode"] == "INVALID_PARAMETER")


@pytest.mark.parametrize("path", GOOD)
@pytest.mark.parametrize("acting", ["", "nobody", "customer-1"])
def test_only_the_team_may_act(rest: Rest, chat: Conversation, path: str, acting: str) -> None:
    assert is_refused(rest("PATCH", path, params=GOOD[path], headers={"Of-User-Id": acting}))
    assert (chat.assignee, chat.status) == ("bot", 0)


@pytest.mark.parametrize("path", GOOD)
@pytest.mark.parametrize(
    "extra", [{"other": "1"}, {"groupId": ["1", "1"]}, {"sendNotifyMessage": "True"}, {"groupId": None}]
)
def test_a_query_is_what_is_documented_and_once(
    rest: Rest, chat: Conversation, path: str, extra: dict[str, Any]
) -> None:
    assert is_refused(rest("PATCH", path, params=GOOD[path] | extra))
    assert (chat.assignee, chat.status) == ("bot", 0)


@pytest.mark.parametrize("path", GOOD)
def test_a_change_has_no_body(rest: Rest, chat: Conversation, path: str) -> None:
    assert is_refused(rest("PATCH", path, params=GOOD[path], json={}))
    assert is_refused(rest("PATCH", path, json=GOOD[path]))


@pytest.mark.parametrize("status", ["1", "3", "open", ""])
def test_a_status_is_open_or_resolved(rest: Rest, chat: Conversation, status: str) -> None:
    assert is_refused(rest("PATCH", STATUS, params={"groupId": "1", "status": status}))


def test_an_engaged_agent_is_not_given_more_and_keeps_what_they_have(
    rest: Rest, sandbox: Sandbox, chat: Conversation
) -> None:
    """The envelope calls even that a success."""
    sandbox.kommunicate.engaged.add("sam@sandbox.test")
    answer = rest("PATCH", ASSIGN, params=GOOD[ASSIGN] | {"takeOverFromBot": "true"})
    assert (answer["status"], answer["response"]) == ("success", "AGENT_IS_ALREADY_ENGAGED")
    assert (chat.assignee, chat.bots) == ("bot", {"bot"})
    chat.assignee = "sam@sandbox.test"
    assert rest("PATCH", ASSIGN, params=GOOD[ASSIGN])["response"] == "already updated"


def test_the_bot_stays_until_it_is_taken_over(rest: Rest, chat: Conversation) -> None:
    members = []
    for take_over in ("false", "true"):
        rest("PATCH", ASSIGN, params=GOOD[ASSIGN] | {"takeOverFromBot": take_over})
        members.append(rest("GET", "/group/v2/info", params={"groupId": "1"})["response"]["membersId"])
    assert members == [["customer-1", "bot", "sam@sandbox.test"], ["customer-1", "sam@sandbox.test"]]


@pytest.mark.parametrize("sender", [None, 7, ["bot"], "nobody", "customer-1"])
def test_a_reply_is_the_teams(rest: Rest, chat: Conversation, sender: object) -> None:
    assert is_refused(rest("POST", SEND, json={"groupId": "1", "message": "x", "fromUserName": sender}))
    assert chat.lines == []
