"""What a competent person writes in an afternoon: check, post to Slack, answer."""

from __future__ import annotations

from typing import Any

from flask import Flask, request

from bench.speed.counterparts.posting import post
from bench.speed.counterparts.serving import token_fits

app = Flask(__name__)


@app.post("/kommunicate/webhook")
def receive() -> Any:
    """Posts the message before the request is answered."""
    if not token_fits():
        return {"error": "unauthorized"}, 401
    message = request.get_json()
    if not message.get("message"):
        return {"status": "ignored"}
    try:
        post(message)
    except RuntimeError:
        return {"error": "slack"}, 502
    return {"status": "accepted"}
