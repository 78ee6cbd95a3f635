"""The way back against the sandbox: a reply, a hand-over and a status, and every way in which they go wrong."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from relay.errors import DeliveryFailed, OperatorNeeded, Permanent, RateLimited, Transient, Unsure
from relay.kommunicate import payloads as replies
from relay.kommunicate.client import KommunicateClient
from relay.kommunicate.parse import parse_webhook
from relay.kommunicate.payloads import Assigned
from relay.messages import ChatMessage
from relay.sandbox import Sandbox, SandboxServer
from relay.sandbox.kommunicate.values import ChatLine, Conversation
from relay.sandbox.kommunicate.webhook import webhook_body
from tests.harness import PATIENCE, wait_for
from tests.net.wire import ALEX, CALLS, GROUP, PATHS, SAM


@pytest.fixture
def kommunicate(server: SandboxServer) -> KommunicateClient:
    return KommunicateClient("sandbox-key", server.kommunicate_api_url)


@pytest.fixture
def chat(sandbox: Sandbox) -> Conversation:
    return sandbox.kommunicate.open_conversation(GROUP, "Jane")


def reply(kommunicate: KommunicateClient, text: str = "hello", **changes: Any) -> str:
    arguments: dict[str, Any] = {"sender": ALEX, "relay_id": "r1", "deadline": PATIENCE} | changes
    return kommunicate.send(GROUP, text, **arguments)


def hand_over(kommunicate: KommunicateClient, assignee: str = SAM, **changes: Any) -> Assigned:
    arguments: dict[str, Any] = {"acting": ALEX, "take_over_from_bot": False, "notify": False} | changes
    return kommunicate.assign(GROUP, assignee, **arguments, deadline=PATIENCE)


def resolve(kommunicate: KommunicateClient, status: replies.Status = "resolved", **changes: Any) -> None:
    arguments: dict[str, Any] = {"acting": ALEX, "notify": False} | changes
    kommunicate.set_status(GROUP, status, **arguments, deadline=PATIENCE)


def notices(chat: Conversation) -> list[ChatLine]:
    return [line for line in chat.lines if line.content_type == 10]


@pytest.mark.parametrize(
    "text", ["hello", "  two\nlines & <b>, \u2603 \U0001f600 \x07", '"}, "groupId": "9', "x" * 100_000]
)
def test_a_reply_reaches_the_customer_as_it_was_written(
    kommunicate: KommunicateClient, chat: Conversation, text: str
) -> None:
    reply(kommunicate, text)
    assert [(line.text, line.sender.user_id) for line in chat.lines] == [(text, ALEX)]
    assert chat.lines[0].metadata == {"relay_origin": "slack", "relay_id": "r1"}


def test_its_key_is_the_one_its_echo_has(kommunicate: KommunicateClient, chat: Conversation) -> None:
    key = reply(kommunicate)
    echo = parse_webhook(json.dumps(webhook_body(chat, chat.lines[0])).encode())
    assert isinstance(echo, ChatMessage)
    assert (echo.key, echo.metadata["relay_id"]) == (key, "r1")


@pytest.mark.parametrize("changes", [{"sender": "nobody"}, {"sender": f"customer-{GROUP}"}, {"text": ""}])
def test_a_reply_that_cannot_be_taken_is_permanent(
    kommunicate: KommunicateClient, chat: Conversation, changes: dict[str, str]
) -> None:
    with pytest.raises(Permanent):
        reply(kommunicate, **changes)
    assert chat.lines == []


def test_a_wrong_key_is_an_operators_matter(server: SandboxServer, chat: Conversation) -> None:
    for call in CALLS.values():
        with pytest.raises(OperatorNeeded):
            call(KommunicateClient("other-key", server.kommunicate_api_url), PATIENCE)
    assert chat.lines == []


# The fault, what it means, and whether the call was done all the same.
FAULTS: dict[str, tuple[dict[str, Any], type[DeliveryFailed], bool]] = {
    "reset before": ({"kind": "reset_before"}, Unsure, False),
    "reset after": ({"kind": "reset_after"}, Unsure, True),
    "silence before": ({"kind": "timeout_before", "seconds": PATIENCE}, Unsure, False),
    "silence after": ({"kind": "timeout_after", "seconds": PATIENCE}, Unsure, True),
    "dripping": ({"kind": "drip", "interval": 1.0}, Unsure, True),
    "half of it": ({"kind": "truncated"}, Unsure, True),
    "a page": ({"kind": "html"}, Unsure, False),
    "a page after": ({"kind": "html", "done": True}, Unsure, True),
    "a page with 200": ({"kind": "html", "status": 200, "done": True}, Unsure, True),
    "a bare 500": ({"kind": "status"}, Unsure, False),
    "a bare 500 after": ({"kind": "status", "done": True}, Unsure, True),
    "a bare 504 after": ({"kind": "status", "status": 504, "done": True}, Unsure, True),
    "refused": ({"kind": "error"}, Transient, False),
    "refused with 500": ({"kind": "error", "status": 500}, Transient, False),
    "refused for ever": ({"kind": "error", "code": "INVALID_PARAMETER"}, Permanent, False),
    "a bare 404": ({"kind": "status", "status": 404}, Permanent, False),
    "wrong key": ({"kind": "status", "status": 401}, OperatorNeeded, False),
    "limited": ({"kind": "ratelimited", "retry_after": "7"}, RateLimited, False),
}
WRITES: dict[str, Callable[[Conversation], bool]] = {
    "send": lambda chat: [line.text for line in chat.lines] == ["hello"],
    "assign": lambda chat: chat.assignee == SAM,
    "status": lambda chat: chat.status == 2,
}


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize(("fault", "error", "done"), FAULTS.values(), ids=FAULTS)
def test_each_fault_lands_in_its_class_and_nothing_is_tried_twice(
    sandbox: Sandbox, kommunicate: KommunicateClient, chat: Conversation, name: str, fault: dict[str, Any],
    error: type[DeliveryFailed], done: bool,
) -> None:  # fmt: skip
    sandbox.faults.add(PATHS[name][1], **fault)
    hurry = fault["kind"] in ("timeout_before", "timeout_after", "drip")
    with pytest.raises(DeliveryFailed) as caught:
        CALLS[name](kommunicate, 1.0 if hurry else PATIENCE)
    assert type(caught.value) is error
    assert WRITES[name](chat) is done or (done and wait_for(lambda: WRITES[name](chat)))
    assert hurry or len(sandbox.calls) == 1


@pytest.mark.parametrize("name", ["assign", "status"])
def test_a_change_of_which_nobody_knows_may_be_repeated(
    sandbox: Sandbox, kommunicate: KommunicateClient, chat: Conversation, name: str
) -> None:
    sandbox.faults.add(PATHS[name][1], "reset_after")
    with pytest.raises(Unsure):
        CALLS[name](kommunicate, PATIENCE)
    assert CALLS[name](kommunicate, PATIENCE) == (Assigned.ALREADY if name == "assign" else None)
    assert WRITES[name](chat)
    assert len(notices(chat)) == 1


def test_a_rate_limit_says_for_how_long(sandbox: Sandbox, kommunicate: KommunicateClient, chat: Conversation) -> None:
    sandbox.faults.add(PATHS["send"][1], "ratelimited", retry_after="7")
    with pytest.raises(RateLimited) as caught:
        reply(kommunicate)
    assert caught.value.retry_after == 7


def test_a_conversation_is_handed_over_once(kommunicate: KommunicateClient, chat: Conversation) -> None:
    assert hand_over(kommunicate) is Assigned.UPDATED
    assert hand_over(kommunicate) is Assigned.ALREADY
    assert chat.assignee == SAM


@pytest.mark.parametrize("take_over", [True, False])
def test_the_bot_leaves_only_when_told(kommunicate: KommunicateClient, chat: Conversation, take_over: bool) -> None:
    hand_over(kommunicate, take_over_from_bot=take_over)
    assert chat.bots == (set() if take_over else {"bot"})


@pytest.mark.parametrize("notify", [True, False])
def test_the_customer_is_told_only_when_wanted(
    kommunicate: KommunicateClient, chat: Conversation, notify: bool
) -> None:
    hand_over(kommunicate, notify=notify)
    resolve(kommunicate, notify=notify)
    assert len(notices(chat)) == (2 if notify else 0)


def test_an_agent_who_takes_no_more_is_named_as_the_reason(
    sandbox: Sandbox, kommunicate: KommunicateClient, chat: Conversation
) -> None:
    sandbox.kommunicate.engaged.add(SAM)
    with pytest.raises(Permanent, match="limit of chats") as caught:
        hand_over(kommunicate)
    assert (caught.value.code, chat.assignee) == ("agent_is_already_engaged", "bot")


@pytest.mark.parametrize("changes", [{"assignee": "nobody"}, {"acting": "nobody"}, {"acting": f"customer-{GROUP}"}])
def test_only_the_team_hands_over_and_takes(
    kommunicate: KommunicateClient, chat: Conversation, changes: dict[str, str]
) -> None:
    with pytest.raises(Permanent):
        hand_over(kommunicate, **changes)
    assert chat.assignee == "bot"


def test_a_conversation_is_resolved_and_opened_again(kommunicate: KommunicateClient, chat: Conversation) -> None:
    resolve(kommunicate)
    resolve(kommunicate)
    assert chat.status == 2
    resolve(kommunicate, "open")
    assert chat.status == 0


SECRET = "key-CANARY"


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize(
    "kind", ["reset_after", "html", "error", "status", "ratelimited", "truncated", "timeout_after"]
)
def test_neither_errors_nor_logs_tell_the_key_or_the_words(
    server: SandboxServer, chat: Conversation, caplog: pytest.LogCaptureFixture, name: str, kind: str
) -> None:
    server.sandbox.kommunicate.api_key = SECRET
    server.sandbox.faults.add(PATHS[name][1], kind)
    caplog.set_level(logging.DEBUG)
    kommunicate = KommunicateClient(SECRET, server.kommunicate_api_url)
    with pytest.raises(DeliveryFailed) as caught:
        CALLS[name](kommunicate, 1.0)
    told = f"{caught.value!r} {caught.value.code} {caught.value.__cause__!r} {caught.value.__context__!r} {caplog.text}"
    assert "CANARY" not in told
    assert "hello" not in told
