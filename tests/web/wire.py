"""Requests as bytes on a socket, for what no well-behaved client would send."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import suppress

from tests.harness import PATIENCE, TOKEN, auth, body, free_port
from tests.processes import RelayProcess

TOKEN_HEADER = "Authentication: " + auth()["Authentication"]
JSON_HEADER = "Content-Type: application/json"
GOOD = (TOKEN_HEADER, JSON_HEADER)


def lone_environment(database_url: str, **more: str) -> dict[str, str]:
    """The environment of a relay that has nobody to talk to."""
    return {
        "PORT": str(free_port()),
        "HOST": "127.0.0.1",
        "DATABASE_URL": database_url,
        "RELAY_CONFIG_YAML": "default_channel: C0GENERAL\n",
        "KOMMUNICATE_WEBHOOK_TOKEN": TOKEN,
        "SLACK_BOT_TOKEN": "xoxb-nobody",
        "SLACK_API_URL": "http://127.0.0.1:9/",
        **more,
    }


def sized(size: int, key: str = "k1") -> bytes:
    """A good body of exactly `size` bytes."""
    short = json.dumps(body(key, padding="")).encode()
    return short[:-2] + b"x" * (size - len(short)) + short[-2:]


def chunks(content: bytes, size: int = 60_000) -> bytes:
    """The content in HTTP's chunked form."""
    pieces = [content[start : start + size] for start in range(0, len(content), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def request(line: str, *headers: str, content: bytes = b"") -> bytes:
    """One whole request that asks for the connection to be closed."""
    lines = (f"{line} HTTP/1.1", "Host: relay.test", "Connection: close", *headers)
    return "".join(f"{one}\r\n" for one in lines).encode("latin-1") + b"\r\n" + content


def webhook(*headers: str, content: bytes = b"") -> bytes:
    """One whole webhook request."""
    return request("POST /kommunicate/webhook", *headers, content=content)


def exchange(relay: RelayProcess, sent: bytes, timeout: float = PATIENCE) -> tuple[int, bytes]:
    """Send these bytes; return the response's status (0 where there is none) and body."""
    received = b"".join(_responses(relay, sent, timeout))
    head, _, content = received.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]) if head.startswith(b"HTTP/") else 0, content


def _responses(relay: RelayProcess, sent: bytes, timeout: float) -> Iterator[bytes]:
    with socket.create_connection(("127.0.0.1", relay.port), timeout) as connection, suppress(OSError):
        with suppress(OSError):  # the server may have answered, and hung up, before it was told everything
            connection.sendall(sent)
        while piece := connection.recv(65_536):
            yield piece
