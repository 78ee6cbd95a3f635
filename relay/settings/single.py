"""Judges a single variable as the relay does at start."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from relay.findings import Finding, errors
from relay.settings.check import check_config
from relay.settings.load import check_settings
from relay.settings.variables import Need

_NEEDED_FOR: Mapping[str, Need] = {
    "DATABASE_URL": Need.DATABASE,
    "KOMMUNICATE_WEBHOOK_TOKEN": Need.TOKEN,
    "RELAY_ADMIN_PASSWORD": Need.TOKEN,
    "SLACK_BOT_TOKEN": Need.SLACK,
    "RELAY_PUBLIC_URL": Need.FILES,
}
_EXAMPLE = "Write an address such as https://relay.example.com"


def judge(name: str, value: str) -> Finding | None:
    """What is wrong with a value for this variable, or unusual about it; None for a good one. Never contains
    the value.
    """
    _, findings = check_settings({name: value}, need={_NEEDED_FOR.get(name, Need.REPLIES)}, cwd=Path())
    found = [one for one in findings if one.where == name]
    if name == "RELAY_PUBLIC_URL" and not errors(found):
        return _judge_address(value)
    return next(iter(found), None)


def judge_channel(value: str) -> Finding | None:
    """The same for a Slack channel in the YAML file."""
    return next(iter(check_config(f"default_channel: {json.dumps(value)}\n", "default_channel")[1]), None)


def _judge_address(value: str) -> Finding | None:
    """Others must be able to call it: Slack accepts only https, and nobody outside reaches an internal address."""
    url, name = urlsplit(value), "RELAY_PUBLIC_URL"
    if url.scheme != "https":
        hint = f"{_EXAMPLE}, behind a proxy or host that terminates TLS; or leave it out and use Socket Mode."
        return Finding("not_https", "error", "Slack only calls https addresses.", hint, name)
    if not _is_outside(url.hostname or ""):
        hint = f"{_EXAMPLE}; if there is none, leave it out and use Socket Mode."
        return Finding("inner_address", "error", "Nobody outside can reach that address.", hint, name)
    return None


def _is_outside(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith((".local", ".localhost", ".internal", ".lan"))
