"""Accounts that the file names without having them: in keys of `channels`, in what routes ask for, in tests."""

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
    """Notes each name that is no account's; `data` is what the file says of `config`."""
    accounts = (ACCOUNT, *config.kommunicate.accounts)
    for path, name in _accounts_in(config, data):
        if name not in accounts:
            place = document.place(path, key=path[0] == "channels")
            message = f"There is no account {shown(name)} under `kommunicate.accounts`."
            document.problems.add(place, "unknown_account", message, _nearest(name, accounts))


def _nearest(name: str, known: tuple[str, ...]) -> str:
    close = get_close_matches(name[:40], known, n=1)
    return f"Did you mean `{close[0]}`?" if close else f"Known here: {', '.join(known)}."


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
    """The accounts that conditions name in so many words, however deep."""
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
