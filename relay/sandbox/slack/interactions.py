"""A person presses a button or picks from a menu."""

from __future__ import annotations

from typing import Any

from relay.sandbox.slack.triggers import action_of
from relay.sandbox.slack.values import APP_ID, TEAM_ID, SlackError
from relay.sandbox.slack.wire import message_shape
from relay.sandbox.slack.workspace import SlackWorkspace


def click(
    slack: SlackWorkspace,
    channel_id: str,
    ts: str,
    action_id: str,
    *,
    user: str = "U0ALEX",
    value: str | None = None,
) -> str:
    """Sends the block_actions of one click and returns its trigger id; there is no response_url here."""
    with slack.core.lock:
        if channel_id not in slack.channels or user not in slack.users:
            raise SlackError("channel_not_found")
        message = message_shape(slack.need(channel_id, ts), slack, metadata=True)
        trigger = slack.triggers.issue()
        action = action_of(message.get("blocks", []), action_id, value, slack.next_ts())
        person = slack.users[user]
        payload: dict[str, Any] = {
            "type": "block_actions",
            "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": person.team},
            "team": {"id": TEAM_ID, "domain": "sandbox"},
            "api_app_id": APP_ID,
            "token": "sandbox",
            "container": {
                "type": "message",
                "message_ts": ts,
                "channel_id": channel_id,
                "is_ephemeral": False,
            },
            "channel": {"id": channel_id, "name": slack.channels[channel_id].name},
            "message": message,
            "actions": [action],
            "trigger_id": trigger,
            "state": {"values": {}},
        }
        slack.sender.send_interaction(payload)
        return trigger
