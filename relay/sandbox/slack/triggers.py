"""Clicks on buttons and menus, and the trigger ids that open a modal within three seconds."""

from __future__ import annotations

import secrets
from typing import Any

from relay.sandbox.core import Core
from relay.sandbox.slack.values import SlackError

LIFE = 3.0


class Triggers:
    """Each trigger id works once and for three seconds."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._issued: dict[str, tuple[float, bool, str]] = {}

    def issue(self, user: str) -> str:
        """A fresh trigger id for what this person did."""
        trigger = f"{secrets.randbelow(10**12)}.{secrets.token_hex(8)}"
        self._issued[trigger] = (self._core.now(), False, user)
        return trigger

    def spend(self, trigger: str) -> str:
        """Spends the trigger id and returns whose it is, or Slack's error code that says why it no longer works."""
        if trigger not in self._issued:
            raise SlackError("invalid_trigger_id")
        issued, spent, user = self._issued[trigger]
        if spent:
            raise SlackError("exchanged_trigger_id")
        if self._core.now() - issued > LIFE:
            raise SlackError("expired_trigger_id")
        self._issued[trigger] = (issued, True, user)
        return user


def action_of(blocks: list[Any], action_id: str, value: str | None, ts: str) -> dict[str, Any]:
    """The `actions[0]` of a click on the control with this action_id, as it is in the returned blocks."""
    for block in blocks:
        controls = [*block.get("elements", []), block.get("accessory")]
        for control in controls:
            if isinstance(control, dict) and _is_meant(control, action_id, value):
                return _clicked(control, value) | {"block_id": block["block_id"], "action_ts": ts}
    raise SlackError("no_such_action")


def _is_meant(control: dict[str, Any], action_id: str, value: str | None) -> bool:
    """Two messages' buttons may be in one post: the value identifies which."""
    other = control.get("type") == "button" and value is not None and control.get("value", "") != value
    return control.get("action_id") == action_id and not other


def _clicked(control: dict[str, Any], value: str | None) -> dict[str, Any]:
    action = {"type": control["type"], "action_id": control["action_id"]}
    if control["type"] == "button":
        return action | {key: control[key] for key in ("text", "value", "url") if key in control}
    if control["type"] == "users_select":
        return action | {"selected_user": value}
    if control["type"] == "conversations_select":
        return action | {"selected_conversation": value}
    for option in control["options"]:
        if value is None or option["value"] == value:
            return action | {"selected_option": option}
    raise SlackError("no_such_option")
