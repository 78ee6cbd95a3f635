"""The page and the controls: what they serve, and that bad input is a 4xx with a sentence."""

from __future__ import annotations

import pytest
import requests

from relay.sandbox import Sandbox, SandboxServer
from relay.sandbox.story import STEPS, STORY_CHANNELS, play


def test_it_serves_a_page_without_outside_resources(server: SandboxServer) -> None:
    """Held to it by its Content-Security-Policy."""
    answer = requests.get(server.url, timeout=5)
    assert answer.headers["Content-Security-Policy"] == "default-src 'self'; img-src 'self' data:"
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
        ("/sandbox/slack/clicks", {"channel": "C0OPS", "ts": "1.2", "action_id": "x"}),
        ("/sandbox/faults", "x"),
    ],
)
def test_it_answers_bad_input_with_a_sentence(server: SandboxServer, path: str, body: object) -> None:
    """400, in JSON."""
    answer = requests.post(server.url + path, json=body, timeout=5)
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_request")
    assert answer.json()["message"]


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
