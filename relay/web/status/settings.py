"""The configuration as it is in force, what is wrong with it, and which environment variables are set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import yaml
from flask import Response, current_app
from pydantic import BaseModel

from relay.routing.rules import say
from relay.settings import SECRETS, VARIABLES, Config, Settings
from relay.web.status.guard import doors
from relay.web.status.overview import findings_of
from relay.web.status.pages import pages
from relay.web.status.render import page

NAMES = "relay.environment_names"  # the key in an app's extensions
APART = ("channels", "routes", "tests")  # shown in tables of their own, or by their number
MOST = 200  # lines of `channels` on the page
COLUMNS = ("name", "when", "channel")
SET, FROM_FILE, NOT_SET = "set", "set, from a file", "not set"


@dataclass(frozen=True, slots=True)
class RouteRow:
    """A route in words."""

    name: str
    when: str
    channel: str
    sets: str


@pages.get("/settings")
def settings() -> Response:
    """Never a value of the environment: some are secrets, and all are known to whoever has set them."""
    relay = doors().relay
    config = relay.settings.config
    return page(
        "settings.html",
        findings=findings_of(relay),
        channels=list(config.channels.items())[:MOST],
        channels_left=max(0, len(config.channels) - MOST),
        routes=[_route_row(config, number) for number in range(len(config.routes))],
        tests=len(config.tests),
        changed=as_yaml(config, changed_only=True),
        everything=as_yaml(config, changed_only=False),
        names=current_app.extensions[NAMES],
        facts=_facts(relay.settings),
    )


def names_given(env: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    """Every variable of the relay and whether it was set as the process started; never what it says."""
    return [(name, _given(env, name)) for name in sorted(VARIABLES)]


def as_yaml(config: Config, *, changed_only: bool) -> str:
    """The configuration as its file would say it, with every default or without; "" for nothing."""
    found = _block(config, changed_only=changed_only, leave_out=APART)
    return yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=100) if found else ""


def _block(section: BaseModel, *, changed_only: bool, leave_out: Sequence[str] = ()) -> dict[str, Any]:
    fields = type(section).model_fields
    return {
        name: _block(value, changed_only=changed_only) if isinstance(value, BaseModel) else _plain(value)
        for name, value in section
        if name not in leave_out and not (changed_only and value == fields[name].get_default(call_default_factory=True))
    }


def _plain(value: Any) -> Any:
    """A value as YAML has it."""
    if isinstance(value, BaseModel):
        return _block(value, changed_only=True)
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each) for each in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _route_row(config: Config, index: int) -> RouteRow:
    route = config.routes[index]
    sets = {name: _plain(value) for name, value in route if name in route.model_fields_set and name not in COLUMNS}
    told = ", ".join(
        f"{name}: {yaml.safe_dump(value, default_flow_style=True).strip()}" for name, value in sets.items()
    )
    return RouteRow(route.name, say(route.when), route.channel, told.replace("\n...", ""))


def _given(env: Mapping[str, str], name: str) -> str:
    if name in SECRETS and env.get(f"{name}_FILE"):
        return FROM_FILE
    return SET if env.get(name) else NOT_SET


def _facts(known: Settings) -> Sequence[tuple[str, str]]:
    """What follows from the environment, in words."""
    back = known.kommunicate_api_key and known.hears_slack
    return (
        ("Listens on", f"{known.host}:{known.port}"),
        ("Database", "SQLite" if known.database_url.startswith("sqlite") else "PostgreSQL"),
        (
            "Replies",
            "go to the customer" if back else "do not go to the customer: a key or a signing secret is not set",
        ),
        ("Metrics", "behind their token" if known.metrics_token else "are off: RELAY_METRICS_TOKEN is not set"),
    )
