"""Finds accounts and workspaces that the file refers to but does not define: in channels, conditions and tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from relay.owners import ACCOUNT, owner_of
from relay.settings.conditions import Join
from relay.settings.document import Document
from relay.settings.matchers import Exact, parse_matcher
from relay.settings.problems import Path
from relay.settings.schema import Config
from relay.settings.wrong import shown

_ASKED = "account"


def note_unknown_names(config: Config, data: Mapping[str, Any], document: Document) -> None:
    """Notes each unknown account or workspace; `data` is the file's text behind `config`."""
    accounts, workspaces = (ACCOUNT, *config.kommunicate.accounts), tuple(config.slack.workspaces)
    for path, name in _accounts_in(config, data):
        if name not in accounts:
            place = document.place(path, key=path[0] == "channels")
            message = f"There is no account {shown(name)} under `kommunicate.accounts`."
            document.problems.add(place, "unknown_account", message, _nearest(name, accounts))
    for path, named in _of_slack_in(config):
        name = owner_of(named)
        if name and name not in workspaces:
            message = f"There is no workspace {shown(name)} under `slack.workspaces`."
            place = document.place(path, key=path[:2] == ("replies", "map"))
            document.problems.add(place, "unknown_workspace", message, _nearest(name, workspaces))


def _nearest(name: str, known: tuple[str, ...]) -> str:
    if not known:
        return "Name it there, or remove the part before the slash."
    close = get_close_matches(name[:40], known, n=1)
    return f"Did you mean `{close[0]}`?" if close else f"Known here: {', '.join(known)}."


def _of_slack_in(config: Config) -> Iterator[tuple[Path, str]]:
    """Everything that belongs to a workspace: channels, and users."""
    yield from ((("channels", key), channel) for key, channel in config.channels.items())
    yield from ((("routes", number, "channel"), route.channel) for number, route in enumerate(config.routes))
    for number, test in enumerate(config.tests):
        yield ("tests", number, "channel"), test.channel or ""
    yield ("default_channel",), config.default_channel or ""
    yield ("alerts", "channel"), config.alerts.channel or ""
    for name, account in config.kommunicate.accounts.items():
        yield ("kommunicate", "accounts", name, "default_channel"), account.default_channel or ""
    yield from ((("replies", "map", user), user) for user in config.replies.map)


def _accounts_in(config: Config, data: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    for listed in config.channels:
        if account := owner_of(listed):
            yield ("channels", listed), account
    for number, route in enumerate(data.get("routes") or ()):
        yield from _asked_for(route.get("when"), ("routes", number, "when"))
    for number, test in enumerate(config.tests):
        if test.account is not None:
            yield ("tests", number, "account"), test.account


def _asked_for(when: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """The accounts that conditions name explicitly, at any depth."""
    if isinstance(when, list):
        for number, one in enumerate(when):
            yield from _asked_for(one, (*path, number))
    for key, asked in when.items() if isinstance(when, dict) else ():
        here = (*path, key)
        if key in set(Join):
            yield from _asked_for(asked, here)
        elif key == _ASKED:
            several = [((*here, number), one) for number, one in enumerate(asked)] if isinstance(asked, list) else []
            yield from ((where, one) for where, one in several or [(here, asked)] if _is_exact(one))


def _is_exact(value: Any) -> bool:
    return isinstance(parse_matcher(value), Exact)
