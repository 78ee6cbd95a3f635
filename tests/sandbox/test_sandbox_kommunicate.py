"""The Kommunicate stand-in: its webhook as documented, and its REST calls with their envelope."""

from __future__ import annotations

import pytest
import requests

from relay.sandbox import Sandbox, SandboxServer

BODY_A = {
    "from": "customer-123456",
    "groupId": 123456,
    "clientGroupId": "123456",
    "groupName": "Conversation",
    "message": "hello",
    "timeStamp": 1712345678000,
    "receiverConnected": True,
    "receiverLastSeenAtTime": 1712345678000,
}
PNG = "data:image/png;base64,iVBORw0KGgo="


def test_it_sends_body_a_with_the_unusual_header(sandbox: Sandbox, receiver) -> None:
    """`Authentication`, not `Authorization`, and no `user:` in front of the token."""
    key = sandbox.kommunicate.customer_writes("123456", "hello", name="Jane")
    assert sandbox.wait_idle()
    path, headers, _ = receiver.got[0]
    assert (path, headers["Authentication"]) == ("/kommunicate/webhook", "Basic c2FuZGJveC13ZWJob29rLXRva2Vu")
    assert receiver.bodies[0] == BODY_A | {"key": key}


def test_it_sends_body_b_for_a_picture(sandbox: Sandbox, receiver) -> None:
    """One file object; the receiver fields are absent."""
    sandbox.kommunicate.customer_writes("1", attachment="receipt.png", metadata={"plan": "enterprise"})
    assert sandbox.wait_idle()
    body = receiver.bodies[0]
    assert body["file"]["url"] == body["file"]["thumbnailUrl"] == "https://files.sandbox.test/receipt.png"
    assert (body["file"]["contentType"], body["message"]) == ("image/png", "")
    assert body["metadata"] == {"plan": "enterprise"}
    assert "receiverConnected" not in body


def test_it_retries_in_order(sandbox: Sandbox, receiver) -> None:
    """The second message waits until the first is through."""
    sandbox.kommunicate.outbox.retry = (0.0, 0.0)
    receiver.statuses = [503, 500]
    for word in ("a", "b"):
        sandbox.kommunicate.customer_writes("1", word)
    assert sandbox.wait_idle()
    assert [body["message"] for body in receiver.bodies] == ["a", "a", "a", "b"]
    assert [item.statuses for item in sandbox.kommunicate.answers] == [[503, 500, 200], [200]]


def test_it_lets_a_customer_type_over_http(server: SandboxServer, receiver, sandbox: Sandbox) -> None:
    """Words and an uploaded picture."""
    body = {"text": "hi", "name": "Jane", "attachment": PNG, "attachment_name": "my photo.png"}
    answer = requests.post(f"{server.url}/sandbox/customers/77/messages", json=body, timeout=5)
    assert sandbox.wait_idle()
    assert answer.json()["key"] == receiver.bodies[0]["key"]
    assert receiver.bodies[0]["file"]["name"] == "my-photo.png"


def test_it_takes_a_reply_and_echoes_it_under_the_paired_key(sandbox: Sandbox, receiver, rest) -> None:
    """The response says `5-`, the webhook `4-`, with our metadata."""
    sandbox.kommunicate.customer_writes("1", "hello")
    reply = {"groupId": "1", "message": "hi!", "fromUserName": "alex@sandbox.test", "metadata": {"relay_id": "7"}}
    answer = rest("POST", "/message/v2/send", json=reply)
    assert sandbox.wait_idle()
    echo = receiver.bodies[1]
    assert answer["status"] == "success"
    assert (echo["key"][2:], echo["metadata"]) == (answer["response"]["messageKey"][2:], {"relay_id": "7"})
    assert sandbox.kommunicate.conversations["1"].lines[1].text == "hi!"


@pytest.mark.parametrize(("echo", "seen"), [("before", 1), ("off", 0), ("without_metadata", 0)])
def test_it_echoes_when_told(sandbox: Sandbox, receiver, rest, echo, seen: int) -> None:
    """`before` has reached the webhook by the time the response is there."""
    sandbox.kommunicate.open_conversation("1", "Jane")
    sandbox.kommunicate.echo = echo
    rest("POST", "/message/v2/send", json={"groupId": 1, "message": "x", "fromUserName": "bot", "metadata": {"a": "b"}})
    assert len(receiver.got) == seen
    assert sandbox.wait_idle()
    assert all("metadata" not in body for body in receiver.bodies if echo == "without_metadata")


@pytest.mark.parametrize(
    "change", [{"groupId": "9"}, {"message": ""}, {"fromUserName": "customer-1"}, {"metadata": {"a": 1}}]
)
def test_it_says_no_with_a_200(sandbox: Sandbox, rest, change: dict) -> None:
    """The envelope, not the status, tells."""
    sandbox.kommunicate.open_conversation("1", "Jane")
    reply = {"groupId": "1", "message": "x", "fromUserName": "bot"} | change
    assert rest("POST", "/message/v2/send", json=reply)["status"] == "error"


def test_it_answers_401_to_a_wrong_key(server: SandboxServer) -> None:
    """And to none."""
    address = f"{server.kommunicate_api_url}/rest/ws/user/v2/detail"
    for headers in ({}, {"Api-Key": "other"}):
        assert requests.post(address, json={"userIdList": []}, headers=headers, timeout=5).status_code == 401


def test_it_knows_who_is_who(sandbox: Sandbox, rest) -> None:
    """roleType 3 customer, 8 agent, 1 bot; unknown ids are left out."""
    sandbox.kommunicate.open_conversation("1", "Jane")
    ids = ["customer-1", "alex@sandbox.test", "bot", "nobody"]
    people = rest("POST", "/user/v2/detail", json={"userIdList": ids})["response"]
    assert [(person["displayName"], person["roleType"]) for person in people] == [
        ("Jane", 3),
        ("Alex Rivera", 8),
        ("Bot", 1),
    ]


def test_it_assigns_and_resolves_with_a_notice(sandbox: Sandbox, receiver, rest) -> None:
    """By query parameters, on behalf of a user; notices come as contentType 10."""
    sandbox.kommunicate.open_conversation("1", "Jane")
    query = {"groupId": "1", "assignee": "sam@sandbox.test"}
    assert rest("PATCH", "/group/assignee/change", params=query)["response"] == "updated"
    assert rest("PATCH", "/group/assignee/change", params=query)["response"] == "already updated"
    assert rest("PATCH", "/group/status/change", params={"groupId": "1", "status": "2"})["response"] == "updated"
    assert sandbox.wait_idle()
    assert [(body["contentType"], body["metadata"]["KM_ASSIGN"]) for body in receiver.bodies] == [
        (10, "sam@sandbox.test")
    ]
    assert rest("GET", "/group/v2/info", params={"groupId": "1"})["response"]["metadata"]["CONVERSATION_STATUS"] == "2"


def test_it_lists_messages_newest_first(sandbox: Sandbox, rest) -> None:
    """In its own shape: no envelope, and `to` holds the sender of what was received."""
    for word in ("a", "b", "c"):
        sandbox.kommunicate.customer_writes("1", word)
    found = rest("GET", "/message/v2/list", params={"groupId": "1", "pageSize": "2"})["message"]
    assert [(each["message"], each["to"], each["type"]) for each in found] == [
        ("c", "customer-1", 4),
        ("b", "customer-1", 4),
    ]


def test_it_suffers_faults_by_path(server: SandboxServer, sandbox: Sandbox, rest) -> None:
    """Silence after doing, as for Slack."""
    sandbox.kommunicate.open_conversation("1", "Jane")
    sandbox.faults.add("/rest/ws/message/v2/send", "reset_after")
    with pytest.raises(requests.ConnectionError):
        rest("POST", "/message/v2/send", json={"groupId": "1", "message": "x", "fromUserName": "bot"})
    assert len(sandbox.kommunicate.conversations["1"].lines) == 1
