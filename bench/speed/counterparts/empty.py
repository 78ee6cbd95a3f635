"""The upper limit: an endpoint that does nothing."""

from __future__ import annotations

from flask import Flask

app = Flask(__name__)


@app.post("/kommunicate/webhook")
def receive() -> dict[str, str]:
    """Reads nothing and stores nothing."""
    return {"status": "accepted"}
