"""What tests of several rooms share: sample bodies, a relay against a sandbox."""

from __future__ import annotations

import base64
import json
import socket
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from relay.delivery.context import DeliveryContext
from relay.delivery.worker import Worker
from relay.sandbox import SandboxServer, state
from relay.settings import Config, Settings
from relay.store.db.engine import Store
from relay.wiring import Relay, build_context

ROOT = Path(__file__).parent.parent
TOKEN = "sandbox-webhook-token"
NOON = 1_712_345_678.0
POSTGRES = "RELAY_TESTS_POSTGRES"  # the environment variable that names a test run's server, once it has one
PATIENCE = 60.0  # seconds to wait for what takes a moment on an idle machine: only a defect takes as long


FILES = "files.sandbox.test"  # from where the sandbox's Slack fetches pictures
CONFIG = f"channels:\n  123456: C0SUPPORT\ndefault_channel: C0GENERAL\nkommunicate: {{file_hosts: [{FILES}]}}\n"


class FakeClock:
    """A clock that moves only when told to."""

    def __init__(self, start: float = NOON) -> None:
        self.time = start

    def now(self) -> float:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += seconds


def body(key: str = "k1", group_id: object = 123456, text: str | None = "Hello", **fields: Any) -> dict[str, Any]:
    """A webhook body as Kommunicate documents it."""
    return {
        "key": key,
        "from": "customer-1",
        "groupId": group_id,
        "clientGroupId": str(group_id),
        "groupName": "Conversation",
        "message": text,
        "timeStamp": int(NOON * 1000),
        **fields,
    }


def raw(*args: Any, **fields: Any) -> bytes:
    """The same as bytes."""
    return json.dumps(body(*args, **fields)).encode()


def picture(name: str = "broken-mug.png") -> dict[str, Any]:
    """A file that the sandbox's Slack can fetch."""
    url = f"https://{FILES}/{name}"
    return {"name": name, "url": url, "contentType": "image/png", "size": 2800, "thumbnailUrl": url}


def auth(token: str = TOKEN) -> dict[str, str]:
    """Kommunicate's header."""
    return {"Authentication": "Basic " + base64.b64encode(token.encode()).decode()}


def settings(
    server: SandboxServer | None = None, *, database_url: str = "sqlite:///unused.db", **config: Any
) -> Settings:
    """Settings that point at a sandbox; `config` is what the YAML file would say."""
    kommunicate = {"file_hosts": [FILES], **config.pop("kommunicate", {})}
    return Settings(
        database_url=database_url,
        config=Config.model_validate({"default_channel": "C0GENERAL", "kommunicate": kommunicate, **config}),
        webhook_tokens=(TOKEN,),
        kommunicate_api_key="sandbox-key" if server else None,
        kommunicate_api_url=server.kommunicate_api_url if server else "https://services.kommunicate.io",
        slack_bot_token="xoxb-sandbox",
        slack_api_url=server.slack_api_url if server else "https://slack.com/api/",
        metrics_token="metrics-token",
    )


def relay_with(store: Store, server: SandboxServer | None = None, **config: Any) -> Relay:
    """A relay on an open store."""
    return Relay(settings(server, **config), store)


def context_with(store: Store, server: SandboxServer, **config: Any) -> DeliveryContext:
    """What delivery works with, against a sandbox."""
    return build_context(relay_with(store, server, **config))


def drain(
    worker: Worker,
    clock: FakeClock,
    *,
    seconds: float = 3600.0,
    tick: float = 0.25,
    until: Callable[[], bool] | None = None,
) -> float:
    """Work, letting time pass where nothing can be done, until `until()` or for `seconds`; returns the time taken."""
    begun = clock.now()
    while clock.now() - begun < seconds:
        if until is not None and until():
            break
        if not worker.run_once():
            clock.advance(tick)
    return clock.now() - begun


def timeline(server: SandboxServer) -> list[dict[str, Any]]:
    """Every message in the sandbox's Slack that is still there, in posting order."""
    return [message for message in state.timeline(server.sandbox) if not message["deleted"]]


def words(message: Mapping[str, Any]) -> str:
    """What a person reads in a message: the text of all its blocks, or its text where it has none."""
    blocks = message.get("blocks") or []
    return "\n".join(_texts(blocks)) if blocks else message["text"]


def _texts(node: Any) -> list[str]:
    if isinstance(node, list):
        return [text for item in node for text in _texts(item)]
    if not isinstance(node, dict):
        return []
    if node.get("type") == "rich_text_section":
        return ["".join(piece.get("text") or piece.get("url") or "" for piece in node["elements"])]
    here = [node["text"]] if isinstance(node.get("text"), str) else []
    return here + [text for value in node.values() for text in _texts(value)]


def threads(server: SandboxServer, channel: str | None = None) -> dict[str, list[dict[str, Any]]]:
    """Root ts -> the root and its replies, in order."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for message in timeline(server):
        if channel in (None, message["channel"]):
            found[message["thread_ts"] or message["ts"]].append(message)
    return dict(found)


_KEPT: dict[int, list[socket.socket]] = defaultdict(list)  # by thread


def free_port() -> int:
    """A port for a server to listen on, kept free for it until the test is over (`own_ports`).

    The socket stays bound: nobody else is given its port, and servers, which reuse addresses, may listen on it.
    """
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind(("127.0.0.1", 0))
    port = int(kept.getsockname()[1])
    if sys.platform == "linux":
        _KEPT[threading.get_ident()].append(kept)
    else:  # no second socket may listen there
        kept.close()
    return port


@contextmanager
def own_ports() -> Iterator[None]:
    """The ports this thread was given are anybody's afterwards; what is listened on stays as it is."""
    try:
        yield
    finally:
        for kept in _KEPT.pop(threading.get_ident(), []):
            kept.close()


def wait_for(condition: Callable[[], bool], timeout: float = PATIENCE, *, every: float = 0.02) -> bool:
    """True as soon as `condition()` holds, asked `every` so many seconds; False after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(every)
    return condition()


def environment(server: SandboxServer, database_url: str, **more: str) -> dict[str, str]:
    """The environment of a relay process against a sandbox."""
    return {
        "PORT": str(free_port()),
        "HOST": "127.0.0.1",
        "DATABASE_URL": database_url,
        "RELAY_CONFIG_YAML": CONFIG,
        "KOMMUNICATE_WEBHOOK_TOKEN": TOKEN,
        "KOMMUNICATE_API_KEY": "sandbox-key",
        "KOMMUNICATE_API_URL": server.kommunicate_api_url,
        "SLACK_BOT_TOKEN": "xoxb-sandbox",
        "SLACK_API_URL": server.slack_api_url,
        **more,
    }
