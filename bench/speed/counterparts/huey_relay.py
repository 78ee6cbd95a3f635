"""Huey on SQLite: the endpoint queues a task; a consumer with threads posts it and retries if Slack refuses.

`fsync` is on, as in the relay: what was answered 200 survives a power cut. The consumer polls every 10 to 20 ms.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, request
from huey import SqliteHuey

from bench.speed.counterparts.posting import post
from bench.speed.counterparts.serving import token_fits

app = Flask(__name__)
huey = SqliteHuey("relay", filename="huey.db", fsync=True, strict_fifo=True, results=False)


class Threads:
    """The thread of each conversation, stored beside the queue."""

    def get(self, group: str) -> str | None:
        """None if it has none yet."""
        found: str | None = huey.get(f"thread-{group}", peek=True)
        return found

    def __setitem__(self, group: str, ts: str) -> None:
        huey.put(f"thread-{group}", ts)


@huey.task(retries=100, retry_delay=1)
def deliver(message: dict[str, Any]) -> None:
    """Runs in one of the consumer's threads."""
    post(message, Threads())


@app.post("/kommunicate/webhook")
def receive() -> Any:
    """The message is queued before the request is answered."""
    if not token_fits():
        return {"error": "unauthorized"}, 401
    message = request.get_json()
    if not message.get("message"):
        return {"status": "ignored"}
    deliver(message)
    return {"status": "accepted"}
