"""A running sandbox, a clock that only moves when told, and clients as the relay uses them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
import requests
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from relay.sandbox import Sandbox, SandboxServer


class SteppedClock:
    """A clock that stands still until `seconds` is changed."""

    def __init__(self) -> None:
        self.seconds = 1_712_345_678.0

    def now(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> SteppedClock:
    """Stands still until it is moved."""
    return SteppedClock()


@pytest.fixture
def sandbox(clock: SteppedClock) -> Sandbox:
    """A sandbox on the stepped clock, without pace."""
    return Sandbox(clock.now, pace=0)


@pytest.fixture
def server(sandbox: Sandbox) -> Iterator[SandboxServer]:
    """The sandbox on a real port."""
    with SandboxServer(sandbox) as running:
        yield running


@pytest.fixture
def slack(server: SandboxServer) -> WebClient:
    """slack_sdk without retries, pointed at the sandbox."""
    client = WebClient("xoxb-sandbox", base_url=server.slack_api_url, retry_handlers=[], timeout=5)
    client.proxy = None
    return client


@pytest.fixture
def refusal() -> Callable[..., dict[str, Any]]:
    """Calls and returns Slack's refusal; fails if it was accepted."""

    def call(method: Callable[..., Any], **arguments: Any) -> dict[str, Any]:
        with pytest.raises(SlackApiError) as caught:
            method(**arguments)
        response = caught.value.response
        return {**response.data, "status": response.status_code}

    return call


@pytest.fixture
def upload(slack: WebClient) -> Callable[..., Any]:
    """Uploads a file and completes it, as `share` says: channel_id, thread_ts, initial_comment. Returns its id."""

    def send(content: bytes = b"hello", name: str = "a.txt", **share: str) -> str:
        place = slack.files_getUploadURLExternal(filename=name, length=len(content))
        assert requests.post(place["upload_url"], data=content, timeout=5).ok
        slack.files_completeUploadExternal(files=[{"id": place["file_id"], "title": name}], **share)
        return str(place["file_id"])

    return send


class Receiver(ThreadingHTTPServer):
    """Takes what the sandbox sends; `statuses` are its next answers, 200 when they are used up."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.got: list[tuple[str, dict, bytes]] = []
        self.statuses: list[int] = []
        self.url = f"http://127.0.0.1:{self.server_port}"

    @property
    def bodies(self) -> list[dict]:
        return [json.loads(body) for _, _, body in self.got]


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, dict(self.headers), body))
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver(sandbox: Sandbox) -> Iterator[Receiver]:
    """A relay that only listens, connected."""
    receiver = Receiver()
    thread = Thread(target=receiver.serve_forever, args=(0.01,))
    thread.start()
    sandbox.connect(receiver.url)
    yield receiver
    sandbox.wait_idle()
    receiver.shutdown()
    thread.join()
    receiver.server_close()


@pytest.fixture
def rest(server: SandboxServer):
    """Calls the REST API with the right key, as alex."""

    def call(method: str, path: str, **rest) -> dict:
        headers = {"Api-Key": "sandbox-key", "Of-User-Id": "alex@sandbox.test", **rest.pop("headers", {})}
        address = f"{server.kommunicate_api_url}/rest/ws{path}"
        return requests.request(method, address, headers=headers, timeout=5, **rest).json()

    return call
