"""What Slack sends to an app: hand-made bodies, and those of the built-in sandbox, kept instead of sent."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from relay.sandbox.outbox import Outbox, Outgoing
from relay.sandbox.slack.interactions import click
from relay.sandbox.slack.values import APP_ID, BOT_ID, BOT_USER_ID, TEAM_ID, Message
from relay.sandbox.slack.workspace import SlackWorkspace
from relay.slack.identity import Identity

ME = Identity(TEAM_ID, BOT_USER_ID, BOT_ID, APP_ID)
CHANNEL = "C0OPS"
ROOT, TS, LATER = "1712345600.000100", "1712345678.000200", "1712345699.000300"
TYPED = {"type": "rich_text", "block_id": "t", "elements": [{"type": "rich_text_section", "elements": []}]}
SAID = {"type": "message", "user": "U0ALEX", "text": "hi", "ts": TS, "thread_ts": ROOT, "blocks": [TYPED]}


def without(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}


def callback(event: Any, **changes: Any) -> bytes:
    """An Events API body as documented; a field changed to `...` is absent."""
    envelope = {
        "token": "x",
        "team_id": TEAM_ID,
        "api_app_id": APP_ID,
        "type": "event_callback",
        "event_id": "Ev1",
        "event_time": 1712345678,
        "authorizations": [{"enterprise_id": None, "team_id": TEAM_ID, "user_id": "U0BOT", "is_bot": True}],
        "event": event,
    }
    return json.dumps({name: value for name, value in {**envelope, **changes}.items() if value is not ...}).encode()


def message(**changes: Any) -> dict[str, Any]:
    """A person's words in a thread; a field changed to `...` is absent."""
    event = {**SAID, "channel": CHANNEL, "event_ts": TS, "channel_type": "channel", "team": TEAM_ID, **changes}
    return {name: value for name, value in event.items() if value is not ...}


def changed(after: dict[str, Any], before: dict[str, Any] | None = SAID, **changes: Any) -> dict[str, Any]:
    """The event of a message that is `after` now and was `before`."""
    event = {"type": "message", "subtype": "message_changed", "hidden": True, "channel": CHANNEL, "message": after}
    previous = {} if before is None else {"previous_message": before}
    return {**event, **previous, "ts": LATER, "event_ts": LATER, **changes}


def deleted(before: dict[str, Any] | None = SAID, **changes: Any) -> dict[str, Any]:
    """The event of a message that is gone."""
    event = {"type": "message", "subtype": "message_deleted", "hidden": True, "channel": CHANNEL, "deleted_ts": TS}
    previous = {} if before is None else {"previous_message": before}
    return {**event, **previous, "ts": LATER, "event_ts": LATER, **changes}


BUTTON = {"type": "button", "action_id": "take", "block_id": "b", "value": "7", "action_ts": LATER}
CLICKED: dict[str, Any] = {
    "type": "block_actions",
    "user": {"id": "U0ALEX", "username": "alex", "name": "alex.r", "team_id": TEAM_ID},
    "api_app_id": APP_ID,
    "token": "x",
    "container": {"type": "message", "message_ts": TS, "channel_id": CHANNEL, "is_ephemeral": False},
    "trigger_id": "12.34.ab",
    "team": {"id": TEAM_ID, "domain": "acme"},
    "enterprise": None,
    "channel": {"id": CHANNEL, "name": "ops"},
    "message": {"type": "message", "bot_id": "B1", "ts": TS, "thread_ts": ROOT, "text": "x"},
    "state": {"values": {}},
    "response_url": "https://hooks.slack.com/actions/T1/1/abc",
    "actions": [BUTTON],
}


def form(payload: Any) -> bytes:
    """An interaction's body; a field set to `...` is absent."""
    if isinstance(payload, dict):
        payload = {name: value for name, value in payload.items() if value is not ...}
    return urlencode({"payload": json.dumps(payload)}).encode()


class Kept(Outbox):
    """Keeps what it was given and sends nothing."""

    def put(self, item: Outgoing) -> Outgoing:
        self.sent.append(item)
        return item


class Workspace(SlackWorkspace):
    """A sandbox workspace with a root of ours, whose events and clicks are read instead of sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sender.outbox = self.kept = Kept(self.core, ())
        self.sender.events_url = self.sender.interactions_url = "http://127.0.0.1:9"
        self.root = self.relay_posts()

    def relay_posts(self, thread_ts: str | None = None) -> Message:
        button = {"type": "button", "action_id": "take", "value": "7", "text": {"type": "plain_text", "text": "Take"}}
        blocks = [{"type": "actions", "elements": [button]}]
        posted = self.add(CHANNEL, BOT_USER_ID, "x", thread_ts=thread_ts, bot_id=BOT_ID, blocks=blocks)
        self.tell_posted(posted)
        return posted

    def agent_writes(self, text: str) -> Message:
        return self.human_writes(CHANNEL, text, thread_ts=self.root.ts)

    def agent_clicks(self, on: Message) -> str:
        return click(self, CHANNEL, on.ts, "take")

    @property
    def last(self) -> Outgoing:
        return self.kept.sent[-1]
