"""What a newcomer may try next in the demo: one step at a time, until each was done once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from relay.sandbox.sandbox import Sandbox

BY_API = 4  # Kommunicate's source of a line that the relay has sent

Done = Callable[[Sandbox], bool]


def guide(sandbox: Sandbox) -> list[dict[str, Any]]:
    """The steps, each with what to do and whether it was done; none until the story has been told."""
    if not sandbox.told:
        return []
    return [{"key": key, "text": text, "done": done(sandbox)} for key, text, done in STEPS]


def _answered(sandbox: Sandbox) -> bool:
    chats = sandbox.kommunicate.conversations.values()
    return any(line.source == BY_API for chat in chats for line in chat.lines)


def _noted(sandbox: Sandbox) -> bool:
    """Somebody of the team has mentioned a colleague."""
    typed = (message.blocks for message in sandbox.slack.messages if message.bot_id is None and message.thread_ts)
    return any('"type": "user"' in json.dumps(blocks) for blocks in typed)


STEPS: tuple[tuple[str, str, Done], ...] = (
    (
        "answer",
        "Tom Becker is waiting for an answer. Write one in his thread in #support, and watch it reach his chat.",
        _answered,
    ),
    (
        "note",
        "Tell a colleague something that customers do not see: type @ in a thread, choose somebody, and send it.",
        _noted,
    ),
    (
        "take_over",
        "Jane Doe asked a question, and her chat's bot does not answer. Press “Take over” on her card in #support"
        " (at first it is in its ⋯ menu).",
        lambda sandbox: "take_over" in sandbox.slack.used,
    ),
    (
        "break",
        "Press “Break Slack” above, write as a customer, then press “Restore Slack”: the message arrives, once.",
        lambda sandbox: "slack" in sandbox.mended,
    ),
    (
        "kill",
        "Write as a customer and press “Kill the relay” at once. It restarts, and nothing is lost or duplicated.",
        lambda sandbox: sandbox.kills > 0,
    ),
)
