"""Conversation -> Slack channel, and why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from relay.files import Attachments, FilesBack
from relay.messages import Decision
from relay.routing.redact import Redactor, redactor
from relay.settings import Config, Route
from relay.settings.redactions import Redaction

_OF_ROUTE = "routes:"


def choose_channel(config: Config, *, group_id: str, title: str, metadata: Mapping[str, Any]) -> Decision:
    """The channel from the plain mapping, else from the first route that matches, else the default.

    Everything is compared as text, case included.
    """
    if channel := config.channels.get(group_id):
        return Decision(channel, "channels", f"`channels` lists {group_id}.")
    facts = {"group_id": group_id, "group_name": title, "title": title, "metadata": metadata}
    for route in config.routes:
        if _matches(route, facts):
            return Decision(route.channel, f"routes:{route.name}", f"{_conditions(route)} in route {route.name}.")
    if config.default_channel:
        why = f"Nothing names {group_id}, so it goes to `default_channel`."
        return Decision(config.default_channel, "default_channel", why)
    why = f"Nothing names {group_id}: add `{group_id}: <channel>` under `channels`, or a `default_channel`."
    return Decision(None, "unmapped", why)


def route_of(config: Config, rule: str) -> Route | None:
    """The route by which a conversation has its channel, as its decision's `rule` says; None for no route's."""
    return next((one for one in config.routes if rule == f"routes:{one.name}"), None)


def attachments_for(config: Config, rule: str) -> Attachments:
    """How customers' files are shown in conversations that have their channel by this rule."""
    route = route_of(config, rule)
    return (route and route.attachments) or config.attachments


def files_back_for(config: Config, rule: str) -> FilesBack:
    """What becomes there of the files of agents' replies."""
    route = route_of(config, rule)
    return (route and route.files_back) or config.files_back


def redact_for(config: Config, rule: str) -> Redactor | None:
    """What hides details in conversations that have their channel by this rule; None where nothing is hidden."""
    route = route_of(config, rule) if rule.startswith(_OF_ROUTE) else None
    return redactor(config.redact if route is None or route.redact is None else route.redact)


def every_redaction(config: Config) -> tuple[Redaction, ...]:
    """All that is hidden in some chat, each once."""
    return tuple(dict.fromkeys((*config.redact, *(one for route in config.routes for one in route.redact or ()))))


def facts_for(config: Config, rule: str) -> tuple[str, ...]:
    """What their cards show of the customer."""
    route = route_of(config, rule) if rule.startswith(_OF_ROUTE) else None
    return config.facts if route is None or route.facts is None else route.facts


def _matches(route: Route, facts: Mapping[str, Any]) -> bool:
    return all(_text(_look_up(key, facts)) in allowed for key, allowed in route.when.items())


def _conditions(route: Route) -> str:
    """The conditions as people would say them: all of them hold."""
    said = (f"{key} is {' or '.join(allowed)}" for key, allowed in route.when.items())
    return " and ".join(said)


def _look_up(key: str, facts: Mapping[str, Any]) -> Any:
    """The value at the end of a dotted path, None where the path ends early."""
    value: Any = facts
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _text(value: Any) -> str | None:
    """Text, numbers and true/false as JSON writes them; None for what cannot be compared with text."""
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, bool | int | float) else None
