"""The stand-in's Socket Mode is as strict as Slack's: tokens, tickets, and three seconds to acknowledge."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import requests
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web import WebClient

from relay.sandbox import Sandbox, SandboxServer
from relay.sandbox.core import APP_LOGIN
from tests.harness import wait_for


class App:
    """An app that is connected by slack_sdk's own client, and acknowledges unless told otherwise."""

    def __init__(self, server: SandboxServer) -> None:
        self.acknowledges = True
        self.heard: list[str] = []
        self.client = SocketModeClient(APP_LOGIN, web_client=WebClient(base_url=server.slack_api_url))
        self.client.web_client.proxy = None
        self.client.socket_mode_request_listeners.append(self._hear)
        self.client.connect()

    def _hear(self, client: SocketModeClient, request) -> None:
        self.heard.append(request.type)
        if self.acknowledges:
            client.send_socket_mode_response(SocketModeResponse(request.envelope_id))


@pytest.fixture
def app(server: SandboxServer, sandbox: Sandbox) -> Iterator[App]:
    """An app in Socket Mode."""
    sandbox.slack.sender.sockets.enabled = True
    app = App(server)
    assert wait_for(lambda: bool(sandbox.slack.sender.sockets.open))
    yield app
    closing = threading.Thread(target=app.client.close)
    closing.start()
    server.stop()
    closing.join()


def test_what_is_acknowledged_is_sent_once(app: App, sandbox: Sandbox) -> None:
    sandbox.slack.human_writes("C0OPS", "hi")
    assert sandbox.wait_idle()
    assert (app.heard, [one.statuses for one in sandbox.slack.sender.outbox.sent]) == (["events_api"], [[200]])


def test_what_is_not_acknowledged_in_time_is_sent_again_under_another_id(app: App, sandbox: Sandbox) -> None:
    app.acknowledges, sockets = False, sandbox.slack.sender.sockets
    sockets.acknowledge_within = 0.1
    sandbox.slack.human_writes("C0OPS", "hi")
    assert sandbox.wait_idle()
    assert [one.statuses for one in sandbox.slack.sender.outbox.sent] == [[0, 0, 0, 0]]
    assert len({one["envelope_id"] for one in sockets.sent}) == 4
    assert [one["retry_attempt"] for one in sockets.sent] == [0, 1, 2, 3]


def test_an_acknowledgement_of_something_else_is_none(app: App, sandbox: Sandbox) -> None:
    for text in ("", "[]", "null", '{"envelope_id": "other"}', "\x00"):
        sandbox.slack.sender.sockets.hear(text)
    assert sandbox.slack.sender.sockets.answers == []


def test_a_ticket_opens_one_connection(server: SandboxServer, sandbox: Sandbox) -> None:
    head = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "x"}
    sockets = sandbox.slack.sender.sockets
    ticket = sockets.ticket()
    assert sockets.spend(ticket)
    for one in (ticket, "", "made-up"):
        assert requests.get(f"{server.url}/slack/link?ticket={one}", headers=head, timeout=5).status_code == 401


@pytest.mark.parametrize(
    ("token", "method", "code"),
    [
        ("xoxb-sandbox", "apps.connections.open", "not_allowed_token_type"),
        ("xapp-other", "apps.connections.open", "invalid_auth"),
        (APP_LOGIN, "auth.test", "not_allowed_token_type"),
    ],
)
def test_each_token_opens_its_own(server: SandboxServer, token: str, method: str, code: str) -> None:
    client = WebClient(token, base_url=server.slack_api_url)
    client.proxy = None
    with pytest.raises(SlackApiError) as refused:
        client.api_call(method)
    assert refused.value.response["error"] == code
