"""Celery on Redis: the endpoint queues a task, eight threads of one worker post them, with retries.

A task is acknowledged after it is done, the setting for people who do not want to lose tasks.
"""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from flask import Flask, request

from bench.speed.counterparts.posting import post
from bench.speed.counterparts.redis_threads import Threads
from bench.speed.counterparts.serving import token_fits

app = Flask(__name__)
tasks = Celery("relay", broker=os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0"))
tasks.conf.update(task_acks_late=True, task_ignore_result=True, broker_connection_retry_on_startup=True)


@tasks.task(autoretry_for=(Exception,), max_retries=100, default_retry_delay=1)
def deliver(message: dict[str, Any]) -> None:
    """Runs in one of the worker's threads."""
    post(message, Threads())


@app.post("/kommunicate/webhook")
def receive() -> Any:
    """The message is queued before the request is answered."""
    if not token_fits():
        return {"error": "unauthorized"}, 401
    message = request.get_json()
    if not message.get("message"):
        return {"status": "ignored"}
    deliver.delay(message)
    return {"status": "accepted"}
