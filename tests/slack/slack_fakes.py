"""A scripted Slack on 127.0.0.1: real sockets, so that it can misbehave as networks do."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

import pytest

from relay.errors import DeliveryFailed

PAYLOAD = {"text": "the customer's words", "blocks": [{"type": "divider"}], "parse": "none", "mrkdwn": False}
OK = {"ok": True, "channel": "C1", "ts": "2.0", "message": {"ts": "2.0", "thread_ts": "1.0"}}
AUTH = {"ok": True, "team_id": "T1", "user_id": "U1", "bot_id": "B1"}


class ScriptedSlack(ThreadingHTTPServer):
    """Plays its answers per method in order, the last one again and again."""

    daemon_threads = True
    request_queue_size = 64  # a connection that finds the queue full tries again a second later

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/api/"
        self.script = defaultdict(list, {"auth.test": [AUTH]})
        self.calls = []
        self.over = threading.Event()

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address):
        """A client that hangs up is what some tests are about."""

    def answer(self, method, *answers):
        self.script[method] += answers

    def asked(self, method):
        return [arguments for called, arguments in self.calls if called == method]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.calls.append(("GET", {}))

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        method = self.path.removeprefix("/api/")
        is_json = self.headers["Content-Type"].startswith("application/json") and body
        self.server.calls.append((method, json.loads(body) if is_json else dict(parse_qsl(body))))
        answers = self.server.script[method]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        (answer if callable(answer) else http(200, answer))(self)

    def log_message(self, *_):
        """Says nothing."""


def post(client, thread_ts="1.0"):
    return client.post("C1", PAYLOAD, thread_ts=thread_ts, send_id="s1")


def fails(error, call, *arguments):
    """The failure, which must be of exactly this class."""
    with pytest.raises(DeliveryFailed) as caught:
        call(*arguments)
    assert type(caught.value) is error
    return caught.value


def http(status, body, **headers):
    """An answer with this status and body."""

    def send(handler):
        text = body if isinstance(body, str | bytes) else json.dumps(body)
        raw = text.encode() if isinstance(text, str) else text
        handler.send_response(status)
        for name, value in {"Content-Length": len(raw), **headers}.items():
            handler.send_header(name.replace("_", "-"), str(value))
        handler.end_headers()
        handler.wfile.write(raw)

    return send


def reset(handler):
    """Drops the connection without a goodbye, after the request was read."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def hang_up(handler):
    """Closes without an answer."""


def silence(handler):
    """Says nothing until the test is over."""
    handler.server.over.wait()


def drip(handler):
    """Sends a byte now and then, always within the timeout for one read."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    while not handler.server.over.wait(0.05):
        handler.wfile.write(b" ")
        handler.wfile.flush()


def truncated(handler):
    """Ends before all was sent that had been announced."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"ok": true, "ts": "1')
