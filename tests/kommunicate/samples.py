"""Raw webhook bodies, and a way to make one of one's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from relay.kommunicate.parse import parse_webhook
from relay.messages import ChatMessage, Ignored

FOLDER = Path(__file__).parent.parent / "samples" / "kommunicate"
REQUIRED: dict[str, Any] = {"key": "5-abc-1", "from": "user-1", "groupId": 123456, "timeStamp": 1461590467000}


def sample(name: str) -> bytes:
    return (FOLDER / f"{name}.json").read_bytes()


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def body(**changes: Any) -> bytes:
    """A good body with some fields changed; `sender` stands for `from`, and a field set to `...` is absent."""
    if "sender" in changes:
        changes["from"] = changes.pop("sender")
    fields = {**REQUIRED, "message": "hello", **changes}
    return json.dumps({name: value for name, value in fields.items() if value is not ...}).encode()


def parsed(**changes: Any) -> ChatMessage | Ignored:
    return parse_webhook(body(**changes))


def shown(**changes: Any) -> ChatMessage:
    result = parsed(**changes)
    assert isinstance(result, ChatMessage)
    return result
