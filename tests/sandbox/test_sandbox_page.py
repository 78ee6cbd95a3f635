"""The page and the controls: what they serve, and that bad input is a 4xx with a sentence."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from relay.sandbox import Sandbox, SandboxServer
from relay.sandbox.slack.sharing import delete_file
from relay.sandbox.story import STEPS, STORY_CHANNELS, play


def test_it_serves_a_page_without_outside_resources(server: SandboxServer) -> None:
    """Held to it by its Content-Security-Policy; pictures may be the relay's, which is on this machine too."""
    answer = requests.get(server.url, timeout=5)
    policy = "default-src 'self'; img-src 'self' data: http://127.0.0.1:* http://localhost:*"
    assert answer.headers["Content-Security-Policy"] == policy
    assert "https://" not in answer.text
    assert 'data-testid="customer-input"' in answer.text


def test_it_draws_only_what_changed(server: SandboxServer, sandbox: Sandbox) -> None:
    """204 until something happens."""
    version = requests.get(f"{server.url}/sandbox/state", timeout=5).json()["version"]
    address = f"{server.url}/sandbox/state?since={version}"
    assert requests.get(address, timeout=5).status_code == 204
    sandbox.kommunicate.customer_writes("1", "hi")
    assert requests.get(address, timeout=5).json()["customers"][0]["messages"][0]["text"] == "hi"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/sandbox/customers/abc/messages", {"text": "x"}),
        ("/sandbox/customers/1/messages", {}),
        ("/sandbox/customers/1/messages", {"text": 7}),
        ("/sandbox/customers/1/messages", {"attachment": "none.png"}),
        ("/sandbox/customers/1/messages", {"attachment": "data:image/png;base64,%%"}),
        ("/sandbox/customers/1/messages", []),
        ("/sandbox/slack/messages", {"channel": "C0NOWHERE", "text": "x"}),
        ("/sandbox/slack/messages", {"channel": "C0OPS", "text": "x", "user": "U0NOBODY"}),
        ("/sandbox/slack/messages", {"channel": "C0OPS", "files": []}),
        ("/sandbox/slack/messages", {"channel": "C0OPS", "files": ["a.png"]}),
        ("/sandbox/slack/messages", {"channel": "C0OPS", "files": [{"name": "a.png", "data": "data:;base64,"}]}),
        ("/sandbox/slack/clicks", {"channel": "C0OPS", "ts": "1.2", "action_id": "x"}),
        ("/sandbox/faults", "x"),
    ],
)
def test_it_answers_bad_input_with_a_sentence(server: SandboxServer, path: str, body: object) -> None:
    """400, in JSON."""
    answer = requests.post(server.url + path, json=body, timeout=5)
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_request")
    assert answer.json()["message"]


def state(server: SandboxServer) -> dict[str, Any]:
    return requests.get(f"{server.url}/sandbox/state", timeout=5).json()


def test_it_draws_what_a_customer_attaches(server: SandboxServer) -> None:
    """A picture where Slack could fetch it, anything else where Kommunicate keeps files; the page has its bytes."""
    text = {"attachment": "data:text/plain;base64,aGVsbG8=", "attachment_name": "my notes.txt"}
    for body in (text, {"attachment": "data:image/png;base64,iVBORw0KGgo=", "attachment_name": "a.png"}):
        assert requests.post(f"{server.url}/sandbox/customers/1/messages", json=body, timeout=5).ok
    cards = [line["file"] for line in state(server)["customers"][0]["messages"]]
    assert [(card["name"], card["type"], card["picture"]) for card in cards] == [
        ("my notes.txt", "text/plain", False),
        ("a.png", "image/png", True),
    ]
    answer = requests.get(server.url + cards[0]["link"], timeout=5)
    assert (answer.content, answer.headers["Content-Disposition"]) == (b"hello", "attachment")


def test_it_takes_files_from_agents(server: SandboxServer, sandbox: Sandbox) -> None:
    """Beside words or without any, several at once."""
    files = [{"name": name, "data": "data:text/plain;base64,aGVsbG8="} for name in ("a.txt", "b.txt")]
    body = {"channel": "C0OPS", "user": "U0SAM", "files": files}
    assert requests.post(f"{server.url}/sandbox/slack/messages", json=body, timeout=5).ok
    (message,) = next(each for each in state(server)["channels"] if each["id"] == "C0OPS")["messages"]
    assert [(card["name"], card["size"], card["picture"]) for card in message["files"]] == [
        ("a.txt", 5, False),
        ("b.txt", 5, False),
    ]
    assert sandbox.slack.messages[0].files[0]["user"] == "U0SAM"
    assert requests.get(server.url + message["files"][0]["link"], timeout=5).content == b"hello"


def test_it_links_only_what_can_be_read(server: SandboxServer, sandbox: Sandbox) -> None:
    """An external file is where it says; what is deleted or hidden has a note."""
    kinds = {"external": "https://drive.example.com/file/1", "hidden": None, "connect": "/files/slack/", "hosted": None}
    files = {kind: sandbox.slack.cabinet.put("a.txt", kind=kind) for kind in kinds}
    sandbox.slack.human_writes("C0OPS", "", files=list(files.values()))
    delete_file(sandbox.slack, files["hosted"])
    (message,) = next(each for each in state(server)["channels"] if each["id"] == "C0OPS")["messages"]
    for card, start in zip(message["files"], kinds.values(), strict=True):
        assert card["link"] is None if start is None else card["link"].startswith(start)
    assert [card["note"] for card in message["files"]] == [
        "kept outside of Slack",
        "hidden by the plan's limit",
        "",
        "deleted",
    ]


@pytest.mark.parametrize("name", ["none.png", "slack/F0NONE", "kommunicate/none.txt", "elsewhere/receipt.png"])
def test_it_has_no_files_but_those_that_were_sent(server: SandboxServer, name: str) -> None:
    """404, in JSON."""
    answer = requests.get(f"{server.url}/files/{name}", timeout=5)
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        ('[{"url": "http://127.0.0.1:9/a.png", "caption": "A mug"}]', [("http://127.0.0.1:9/a.png", "A mug")]),
        ('[{"url": "javascript:alert(1)"}, {"url": 7}, 8]', []),
        ("[", []),
        ("{}", []),
    ],
)
def test_it_draws_the_pictures_of_a_rich_message(server, sandbox: Sandbox, rest, payload: str, shown: list) -> None:
    """Template 9; addresses of the web only."""
    sandbox.kommunicate.open_conversation("1", "Jane")
    metadata = {"contentType": "300", "templateId": "9", "payload": payload}
    rest(
        "POST",
        "/message/v2/send",
        json={"groupId": "1", "message": "x", "fromUserName": "bot", "metadata": metadata},
    )
    found = state(server)["customers"][0]["messages"][0]["pictures"]
    assert [(each["url"], each["caption"]) for each in found] == shown


def test_it_takes_json_only(server: SandboxServer) -> None:
    """A form of another page cannot write here."""
    answer = requests.post(f"{server.url}/sandbox/customers/1/messages", data={"text": "x"}, timeout=5)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "path", ["/sandbox/faults", "/kommunicate/rest/ws/message/v2/send", "/slack/api/chat.postMessage"]
)
def test_it_survives_json_nested_without_end(server: SandboxServer, path: str) -> None:
    """Refused, never a 5xx."""
    headers = {"Content-Type": "application/json", "Api-Key": "sandbox-key"}
    assert requests.post(server.url + path, data=b"[" * 100_000, headers=headers, timeout=5).status_code < 500


def test_it_plays_its_story(sandbox: Sandbox, server: SandboxServer) -> None:
    """Three customers, each mapped to a channel that exists."""
    play(sandbox, pause=0.001).join(timeout=10)
    chats = sandbox.kommunicate.conversations
    assert set(chats) == set(STORY_CHANNELS)
    assert set(STORY_CHANNELS.values()) <= set(sandbox.slack.channels)
    assert sum(len(chat.lines) for chat in chats.values()) == len(STEPS)
