"""Posts a message to Slack in the simplest way: the thread of each conversation is in a dictionary."""

from __future__ import annotations

import os
from typing import Any

import requests

_session = requests.Session()
_session.headers["Authorization"] = f"Bearer {os.environ.get('SLACK_BOT_TOKEN', '')}"
_threads: dict[str, str] = {}


def post(message: dict[str, Any], threads: Any = None) -> None:
    """Post into the conversation's thread, which its first message opens; raises RuntimeError if Slack refuses."""
    known = _threads if threads is None else threads
    group = str(message["groupId"])
    payload = {
        "channel": os.environ.get("SLACK_CHANNEL") or f"C0B{group}",
        "text": f"*{message['from']}*: {message['message']}",
    }
    thread = known.get(group)
    if thread:
        payload["thread_ts"] = thread
    response = _session.post(os.environ["SLACK_API_URL"] + "chat.postMessage", json=payload, timeout=10)
    answer = response.json()
    if not answer.get("ok"):
        raise RuntimeError(answer.get("error"))
    if not thread:
        known[group] = answer["ts"]
