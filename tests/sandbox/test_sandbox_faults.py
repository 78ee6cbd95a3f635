"""Scripted faults: what is done is done, and the caller sees on its socket what the script says."""

from __future__ import annotations

import errno
import http.client
import threading
import time

import pytest
import requests
from slack_sdk import WebClient

from relay.sandbox import Sandbox, SandboxServer
from tests.harness import wait_for

POST = "chat.postMessage"


def script(server: SandboxServer, **rule: object) -> requests.Response:
    return requests.post(f"{server.url}/sandbox/faults", json={"method": POST, **rule}, timeout=5)


@pytest.mark.parametrize(("kind", "posted"), [("reset_before", 0), ("reset_after", 1)])
def test_it_resets_the_connection(server, sandbox: Sandbox, slack: WebClient, kind: str, posted: int) -> None:
    """A real TCP reset, with the message posted or not."""
    script(server, kind=kind)
    with pytest.raises(ConnectionResetError) as caught:
        slack.chat_postMessage(channel="C0OPS", text="x")
    assert caught.value.errno == errno.ECONNRESET  # a mere end of the connection has none
    assert len(sandbox.slack.messages) == posted


@pytest.mark.parametrize(("kind", "posted"), [("timeout_before", 0), ("timeout_after", 1)])
def test_it_falls_silent(server, sandbox: Sandbox, slack: WebClient, kind: str, posted: int) -> None:
    """The caller's patience ends first; others are not held up meanwhile."""
    script(server, kind=kind, seconds=60)
    slack.timeout = 0.5
    with pytest.raises(TimeoutError):
        slack.chat_postMessage(channel="C0OPS", text="x")
    # The call may come in, and be done, after its caller has given up.
    assert wait_for(lambda: not sandbox.faults.listing() and len(sandbox.slack.messages) == posted)
    slack.timeout = 30
    assert slack.auth_test()["ok"]
    assert len(sandbox.slack.messages) == posted


@pytest.mark.parametrize(
    ("rule", "status", "posted"),
    [
        ({"kind": "truncated"}, 200, 1),
        ({"kind": "html"}, 502, 0),
        ({"kind": "html", "done": True}, 502, 1),
        ({"kind": "status"}, 500, 0),
        ({"kind": "status", "done": True, "status": 503}, 503, 1),
        ({"kind": "error", "code": "fatal_error"}, 200, 0),
    ],
)
def test_it_answers_wrongly(server, sandbox: Sandbox, slack: WebClient, refusal, rule, status, posted) -> None:
    """With or without having posted."""
    script(server, **rule)
    assert refusal(slack.chat_postMessage, channel="C0OPS", text="x")["status"] == status
    assert len(sandbox.slack.messages) == posted


@pytest.mark.parametrize("header", ["1", "3600", "abc", "-5", "Wed, 21 Oct 2026 07:28:00 GMT", None])
def test_it_limits_with_any_retry_after(server: SandboxServer, header: str | None) -> None:
    """Also with junk in the header, or without it."""
    script(server, kind="ratelimited", retry_after=header)
    answer = requests.post(f"{server.slack_api_url}{POST}", timeout=5)
    assert (answer.status_code, answer.headers.get("Retry-After")) == (429, header)


def test_it_limits_in_the_body_of_a_200(server: SandboxServer) -> None:
    """Slack's other spelling: rate_limited."""
    script(server, kind="ratelimited", status=200, retry_after=None)
    answer = requests.post(f"{server.slack_api_url}{POST}", timeout=5)
    assert (answer.status_code, answer.json()["error"]) == (200, "rate_limited")


LATE = [
    {"kind": "slow", "seconds": 0.1},
    {"kind": "drip", "interval": 0.0005},
    {"kind": "drip_headers", "interval": 0.0005},
]


@pytest.mark.parametrize("rule", LATE)
def test_it_answers_late(server: SandboxServer, slack: WebClient, rule: dict) -> None:
    """The whole answer comes in the end."""
    script(server, **rule)
    started = time.monotonic()
    assert slack.chat_postMessage(channel="C0OPS", text="x")["ok"]
    assert time.monotonic() - started > 0.05


def test_it_drips_the_head_of_an_answer_too(server: SandboxServer) -> None:
    """Not even the status is there at once."""
    script(server, kind="drip_headers", interval=0.05)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=0.3)
    connection.request("POST", f"/slack/api/{POST}")
    connection.sock.settimeout(0.3)
    first = connection.sock.recv(100)
    connection.close()
    assert first.startswith(b"H")
    assert len(first) < len("HTTP/1.0 200 OK")


def test_it_puts_a_post_for_a_thread_at_the_channels_root(server: SandboxServer, slack: WebClient) -> None:
    """And says ok, as for a thread that is gone."""
    root = slack.chat_postMessage(channel="C0OPS", text="1")["ts"]
    script(server, kind="unthreaded")
    posted = slack.chat_postMessage(channel="C0OPS", text="2", thread_ts=root)
    assert (posted["ok"], "thread_ts" in posted["message"]) == (True, False)


def test_it_counts_times_and_after_per_channel(server, slack: WebClient, refusal) -> None:
    """The first is skipped, two go wrong, other channels never do."""
    script(server, kind="error", code="internal_error", channel="C0OPS", after=1, times=2)
    assert slack.chat_postMessage(channel="C0OPS", text="1")["ok"]
    for _ in range(2):
        assert refusal(slack.chat_postMessage, channel="#ops", text="2")["error"] == "internal_error"
        assert slack.chat_postMessage(channel="C0VIP", text="3")["ok"]
    assert slack.chat_postMessage(channel="C0OPS", text="4")["ok"]


def test_it_forgets_faults_on_delete(server: SandboxServer, slack: WebClient) -> None:
    """`*` is every Slack method."""
    script(server, method="*", kind="error", times=None)
    requests.delete(f"{server.url}/sandbox/faults", timeout=5)
    assert slack.auth_test()["ok"]


@pytest.mark.parametrize(
    "rule",
    [{}, {"kind": "meteor"}, {"kind": "slow", "seconds": "5"}, {"kind": "slow", "x": 1}, {"kind": "slow", "times": 0}],
)
def test_it_refuses_a_rule_it_cannot_follow(server: SandboxServer, rule: dict) -> None:
    """With a sentence, and without touching the others."""
    answer = script(server, **rule)
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_request")


def test_it_records_calls_without_tokens(server, slack: WebClient) -> None:
    """Method, channel, outcome; 0 where the caller got no answer."""
    slack.chat_postMessage(channel="#ops", text="x")
    script(server, kind="reset_after")
    with pytest.raises(ConnectionResetError):
        slack.chat_postMessage(channel="C0OPS", text="x")
    calls = requests.get(f"{server.url}/sandbox/calls", timeout=5)
    assert [(call["channel"], call["outcome"], call["status"]) for call in calls.json()] == [
        ("C0OPS", "ok", 200),
        ("C0OPS", "ok", 0),
    ]
    assert "xoxb" not in calls.text


def test_it_stops_at_once_although_a_call_hangs(sandbox: Sandbox) -> None:
    """And starts again on the same port."""
    server = SandboxServer(sandbox).start()
    port, fault = server.port, sandbox.faults.add(POST, "timeout_before", seconds=60)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", f"/slack/api/{POST}")
    assert wait_for(lambda: fault.times == 0)
    server.stop()
    with pytest.raises(ConnectionResetError):
        connection.getresponse()
    connection.close()
    with server:
        assert requests.get(f"http://127.0.0.1:{port}", timeout=5).status_code == 200
    assert [thread.name for thread in threading.enumerate() if "sandbox" in thread.name] == []
