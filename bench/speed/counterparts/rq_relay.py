"""RQ on Redis: the endpoint queues a job, a pool of four workers posts them, with retries.

The workers do not fork for every job, because forking and importing would dominate the measurement.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, request
from rq import Queue, Retry

from bench.speed.counterparts.posting import post
from bench.speed.counterparts.redis_threads import Threads, connection
from bench.speed.counterparts.serving import token_fits

app = Flask(__name__)
queue = Queue(connection=connection)
TRIES = Retry(max=100, interval=1)


def deliver(message: dict[str, Any]) -> None:
    """Runs in one of the workers."""
    post(message, Threads())


@app.post("/kommunicate/webhook")
def receive() -> Any:
    """The message is queued before the request is answered."""
    if not token_fits():
        return {"error": "unauthorized"}, 401
    message = request.get_json()
    if not message.get("message"):
        return {"status": "ignored"}
    queue.enqueue("bench.speed.counterparts.rq_relay.deliver", message, retry=TRIES, result_ttl=0)
    return {"status": "accepted"}
