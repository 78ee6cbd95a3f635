"""What a newcomer can try next in the demo: one step at a time, until each was done once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from relay.sandbox.kommunicate.values import BOT, CUSTOMER
from relay.sandbox.sandbox import Sandbox
from relay.sandbox.story import CHECKOUT, MUG

BY_API = 4  # Kommunicate's source of a message that the relay has sent
BREAK, KILL = "break", "kill"
AT_ONCE = 30.0  # seconds

Done = Callable[[Sandbox], bool]


def guide(sandbox: Sandbox) -> list[dict[str, Any]]:
    """The steps, each with what to do and whether it was done; empty until the demo's story has been told."""
    if not sandbox.told:
        return []
    return [{"key": key, "text": text, "done": done(sandbox)} for key, text, done in STEPS]


def customers_wrote(sandbox: Sandbox, since: float) -> bool:
    """True if a customer has written since this moment, in seconds since 1970."""
    lines = (line for chat in sandbox.kommunicate.conversations.values() for line in chat.lines)
    return any(line.sender.role == CUSTOMER and line.time >= since * 1000 for line in lines)


def _answered(sandbox: Sandbox) -> bool:
    """Tom has an answer; an answer to somebody else does not count."""
    chat = sandbox.kommunicate.conversations.get(CHECKOUT)
    return chat is not None and any(line.source == BY_API for line in chat.lines)


def _taken_over(sandbox: Sandbox) -> bool:
    """The button was pressed, and Jane's chat is no longer a bot's."""
    chat, people = sandbox.kommunicate.conversations.get(MUG), sandbox.kommunicate.people
    holder = people.get(chat.assignee) if chat else None
    return "take_over" in sandbox.slack.used and holder is not None and holder.role != BOT


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
        _taken_over,
    ),
    (
        BREAK,
        "Press “Break Slack” above, write as a customer, then press “Restore Slack”: the message arrives, once.",
        lambda sandbox: BREAK in sandbox.tried,
    ),
    (
        KILL,
        "Write as a customer, then press “Kill the relay”. It restarts: nothing it received is lost or shown twice.",
        lambda sandbox: KILL in sandbox.tried,
    ),
)
