"""Socket Mode: the app connects to Slack, and receives everything on one of its connections.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

from __future__ import annotations

import json
import secrets
import threading
import time
import uuid
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request

from relay.sandbox.core import Core
from relay.sandbox.outbox import Outgoing
from relay.sandbox.slack.values import APP_ID

if TYPE_CHECKING:
    from relay.sandbox.sandbox import Sandbox
    from relay.sandbox.slack.args import Args
    from relay.sandbox.slack.socket import Socket
    from relay.sandbox.slack.workspace import SlackWorkspace

LOOK = 0.05  # seconds between checks whether the sandbox ends
ACKNOWLEDGE_WITHIN = 3.0  # seconds; then it is sent again, possibly over another connection


class Sockets:
    """The app's connections, and what waits to be acknowledged on them."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.enabled = False
        self.acknowledge_within = ACKNOWLEDGE_WITHIN
        self.open: list[Socket] = []
        self.opened = 0  # connections in total
        self.sent: list[dict[str, Any]] = []  # envelopes, one entry each time they were sent
        self.answers: list[dict[str, Any]] = []  # acknowledgements as they arrived
        self.losing = 0  # how many acknowledgements are lost on their way to Slack
        self._tickets: set[str] = set()
        self._waiting: dict[str, threading.Event] = {}

    def ticket(self) -> str:
        """A token that opens one connection."""
        made = secrets.token_hex(16)
        self._tickets.add(made)
        return made

    def spend(self, ticket: str) -> bool:
        """True once for a token that was issued."""
        with self.core.lock:
            known = ticket in self._tickets
            self._tickets.discard(ticket)
            return known

    def letter(self, kind: str, payload: dict[str, Any], key: str, lane: str) -> Outgoing:
        """A message for the app, to be put into the outbox."""
        body = json.dumps(payload).encode()
        return Outgoing(lane, "", body, {}, key, carry=partial(self._carry, kind, payload))

    def disconnect(self) -> None:
        """Asks the app to switch to new connections; the old ones stay open until it does."""
        for each in list(self.open):
            each.say({"type": "disconnect", "reason": "refresh_requested", "debug_info": {"host": "sandbox"}})

    def greeting(self) -> dict[str, Any]:
        """What Slack says first, or that Socket Mode is switched off."""
        if not self.enabled:
            return {"type": "disconnect", "reason": "link_disabled"}
        info = {"app_id": APP_ID}
        return {"type": "hello", "num_connections": len(self.open), "connection_info": info, "debug_info": {}}

    def hear(self, text: str) -> None:
        """Handles an acknowledgement from the app; Slack ignores anything else."""
        try:
            said = json.loads(text)
        except ValueError:
            return
        known = isinstance(said, dict) and self._waiting.get(str(said.get("envelope_id")))
        if known:
            if self.losing:
                self.losing -= 1
                return
            self.answers.append(said)
            known.set()

    def _carry(self, kind: str, payload: dict[str, Any], item: Outgoing) -> int:
        """200 once it is acknowledged in time, otherwise 0: over a random connection, under a new id each time."""
        there = list(self.open)
        if not there:
            return 0
        envelope: dict[str, Any] = {"envelope_id": str(uuid.uuid4()), "type": kind, "payload": payload}
        envelope["accepts_response_payload"] = kind != "events_api"
        if kind == "events_api":
            again = len(item.statuses)
            envelope |= {"retry_attempt": again, "retry_reason": "timeout" if again else ""}
        acknowledged = self._waiting.setdefault(envelope["envelope_id"], threading.Event())
        self.sent.append(envelope)
        secrets.choice(there).say(envelope)
        ends = time.monotonic() + self.acknowledge_within
        while not acknowledged.wait(LOOK) and time.monotonic() < ends and not self.core.closing.is_set():
            pass
        del self._waiting[envelope["envelope_id"]]
        return 200 if acknowledged.is_set() else 0


def connections_open(slack: SlackWorkspace, args: Args) -> dict[str, Any]:
    """apps.connections.open: an address that is valid for one connection."""
    address = slack.origin.replace("http", "ws", 1)
    return {"url": f"{address}/link?ticket={slack.sender.sockets.ticket()}&app_id={APP_ID}"}


def add_link(routes: Blueprint, sandbox: Sandbox) -> None:
    """The route that the app connects to."""

    @routes.route("/link", websocket=True)
    def link() -> Response:
        sockets = sandbox.slack.sender.sockets
        if not sockets.spend(request.args.get("ticket", "")):
            return Response("no such ticket", 401)
        return Response(_connected(sockets, request.environ["werkzeug.socket"], dict(request.headers)))


def _connected(sockets: Sockets, connection: Any, headers: dict[str, str]) -> Iterator[bytes]:
    """Runs as long as the app stays connected; no HTTP response can be sent afterwards."""
    from relay.sandbox.slack.socket import Socket  # here: it needs a package that the relay does not

    Socket(sockets, connection, headers).run()
    raise ConnectionResetError("the connection has ended")
    yield b""
