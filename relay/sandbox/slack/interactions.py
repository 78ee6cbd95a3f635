"""A person presses a button, picks from a menu, uses a shortcut or submits a form."""

from __future__ import annotations

import copy
from typing import Any

from relay.sandbox.slack.triggers import action_of
from relay.sandbox.slack.values import APP_ID, TEAM_ID, SlackError
from relay.sandbox.slack.wire import message_shape, returned_blocks
from relay.sandbox.slack.workspace import SlackWorkspace

AGENT = "U0ALEX"


def click(
    slack: SlackWorkspace,
    channel_id: str,
    ts: str,
    action_id: str,
    *,
    user: str = AGENT,
    value: str | None = None,
) -> str:
    """Sends the block_actions of one click, on a message or on what is shown to `user` alone; returns its trigger id.

    What is shown to one person alone is not in the payload, and can be changed only at a `response_url`.
    """
    with slack.core.lock:
        _known(slack, channel_id, user)
        slack.used.add(value if action_id == "menu" and value else action_id)
        private = slack.ephemeral(channel_id, ts, user)
        message = None if private else message_shape(slack.need(channel_id, ts), slack, metadata=True)
        blocks = returned_blocks(private["blocks"]) if private else (message or {}).get("blocks", [])
        thread_ts = private["thread_ts"] if private else None
        container = {"type": "message", "message_ts": ts, "channel_id": channel_id, "is_ephemeral": bool(private)}
        payload = _payload(slack, "block_actions", user) | {
            "container": container | ({"thread_ts": thread_ts} if thread_ts else {}),
            "channel": {"id": channel_id, "name": slack.channels[channel_id].name},
            **({"response_url": slack.response_url(private)} if private else {"message": message}),
            "actions": [action_of(blocks, action_id, value, slack.next_ts())],
            "state": {"values": {}},
        }
        return _send(slack, payload)


def use_shortcut(slack: SlackWorkspace, channel_id: str, ts: str, callback_id: str, *, user: str = AGENT) -> str:
    """A person picks a shortcut of the app from a message's menu; returns the trigger id."""
    with slack.core.lock:
        _known(slack, channel_id, user)
        message = slack.need(channel_id, ts)
        shown: dict[str, Any] = {"channel": channel_id, "user": user, "thread_ts": None, "blocks": [], "text": ""}
        payload = _payload(slack, "message_action", user) | {
            "callback_id": callback_id,
            "action_ts": slack.next_ts(),
            "channel": {"id": channel_id, "name": slack.channels[channel_id].name},
            "message": message_shape(message, slack, metadata=True),
            "message_ts": ts,
            "response_url": slack.response_url(shown),
        }
        return _send(slack, payload)


def choose(slack: SlackWorkspace, view_id: str, action_id: str, value: str, *, user: str = AGENT) -> str:
    """A person picks from a menu in an open form that reports it to the app."""
    with slack.core.lock:
        view = slack.open_view(view_id, user)
        action = action_of(view["blocks"], action_id, value, slack.next_ts())
        container = {"type": "view", "view_id": view_id}
        payload = _payload(slack, "block_actions", user)
        return _send(slack, payload | {"container": container, "view": _view(view, {}), "actions": [action]})


def open_home(slack: SlackWorkspace, *, user: str = AGENT) -> None:
    """A person opens the app's Home tab."""
    with slack.core.lock:
        event = {"type": "app_home_opened", "user": user, "channel": "D0HOME", "tab": "home"}
        slack.sender.send_event(event | {"event_ts": slack.next_ts()})


def use_home(slack: SlackWorkspace, action_id: str, value: str | None = None, *, user: str = AGENT) -> str:
    """A person presses a button on the app's Home tab."""
    with slack.core.lock:
        view = slack.homes[user]
        action = action_of(view["blocks"], action_id, value, slack.next_ts())
        container = {"type": "view", "view_id": view["id"]}
        return _send(
            slack, _payload(slack, "block_actions", user) | {"container": container, "view": view, "actions": [action]}
        )


def type_command(slack: SlackWorkspace, channel_id: str, *, user: str = AGENT) -> None:
    """A person types `/chats` in a channel."""
    with slack.core.lock:
        shown: dict[str, Any] = {"channel": channel_id, "user": user, "thread_ts": None, "blocks": [], "text": ""}
        fields = {"command": "/chats", "text": "", "team_id": TEAM_ID, "user_id": user, "channel_id": channel_id}
        fields |= {"response_url": slack.response_url(shown), "trigger_id": slack.triggers.issue(user)}
        slack.sender.send_command(fields)


def submit(slack: SlackWorkspace, view_id: str, values: dict[str, str], *, user: str = AGENT) -> str:
    """A person submits an open form, with the text of each field by its action; the form closes."""
    with slack.core.lock:
        view = slack.open_view(view_id, user)
        payload = _payload(slack, "view_submission", user) | {"view": _view(view, values), "response_urls": []}
        view["closed"] = True
        slack.core.touch()
        return _send(slack, payload)


def _known(slack: SlackWorkspace, channel_id: str, user: str) -> None:
    if channel_id not in slack.channels or user not in slack.users:
        raise SlackError("channel_not_found")


def _payload(slack: SlackWorkspace, kind: str, user: str) -> dict[str, Any]:
    person = slack.users[user]
    return {
        "type": kind,
        "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": person.team},
        "team": {"id": TEAM_ID, "domain": "sandbox"},
        "api_app_id": APP_ID,
        "token": "sandbox",
        "trigger_id": slack.triggers.issue(user),
    }


def _view(view: dict[str, Any], values: dict[str, str]) -> dict[str, Any]:
    shown = {name: copy.deepcopy(view[name]) for name in view if name not in ("user", "closed")}
    given: dict[str, Any] = {}
    for block in view["blocks"]:
        element = block.get("element", {})
        if element.get("type") == "plain_text_input":
            typed = values.get(element["action_id"], element.get("initial_value"))
            given[block["block_id"]] = {element["action_id"]: {"type": "plain_text_input", "value": typed or None}}
    return shown | {"state": {"values": given}}


def _send(slack: SlackWorkspace, payload: dict[str, Any]) -> str:
    slack.sender.send_interaction(payload)
    trigger: str = payload["trigger_id"]
    return trigger
