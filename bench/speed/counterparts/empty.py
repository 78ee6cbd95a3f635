"""The ceiling: an endpoint that does nothing."""

from __future__ import annotations

from flask import Flask

from bench.speed.counterparts.serving import serve

app = Flask(__name__)


@app.post("/kommunicate/webhook")
def receive() -> dict[str, str]:
    """Nothing is read, nothing is kept."""
    return {"status": "accepted"}


if __name__ == "__main__":
    serve(app)
