"""RQ on Redis: the endpoint queues a job, a pool of four workers posts them, with retries.

The workers are those that do not fork for every job: forking and importing would be most of what is measured.
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
    """In one of the workers."""
    post(message, Threads())


@app.post("/kommunicate/webhook")
def receive() -> Any:
    """Queued before it is answered."""
    if not token_fits():
        return {"error": "unauthorized"}, 401
    message = request.get_json()
    if not message.get("message"):
        return {"status": "ignored"}
    queue.enqueue("bench.speed.counterparts.rq_relay.deliver", message, retry=TRIES, result_ttl=0)
    return {"status": "accepted"}
