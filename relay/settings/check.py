"""Turns the text of the YAML file into a `Config`, or reports every problem in it at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from relay.findings import Finding, errors
from relay.settings.document import Document
from relay.settings.explain import explain_errors
from relay.settings.named import note_unknown_names
from relay.settings.nodes import read_nodes
from relay.settings.problems import START, Path, Problems
from relay.settings.schema import Config
from relay.settings.syntax import note_missing_blank
from relay.settings.wrong import shown


@dataclass(frozen=True, slots=True)
class Remark:
    """An error that only shows when a configuration is used: in which part of it, and what to do."""

    path: Path
    code: str
    message: str
    hint: str


Examine = Callable[[Config], Iterable[Remark]]


def check_config(text: str, name: str, examine: Examine | None = None) -> tuple[Config | None, list[Finding]]:
    """The configuration, None if there is an error, and every finding in the order of the lines.

    `name` is the text's name in `where`; `examine` checks a valid configuration. Never raises, whatever the text.
    """
    problems = Problems(name)
    config = _read(text.removeprefix("\ufeff"), problems, examine)
    findings = problems.in_order()
    return None if errors(findings) else config, findings


def _read(text: str, problems: Problems, examine: Examine | None) -> Config | None:
    root = read_nodes(text, problems)
    if root is None:
        return None
    document = Document(text, problems)
    data = document.read(root)
    if not isinstance(data, dict):
        if not document.was_reported(()) and not note_missing_blank(text, problems):
            hint = "Start with a line such as `default_channel: C0123ABCD`."
            problems.add(document.place(()), "not_a_mapping", "The file must be made of `key: value` lines.", hint)
        return None
    _check_route_names(data.get("routes"), document)
    config = _validate(data, document)
    if config is not None:
        note_unknown_names(config, data, document)
    for remark in examine(config) if config is not None and examine is not None else ():
        problems.add(document.place(remark.path), remark.code, remark.message, remark.hint)
    return config


def _validate(data: dict[str, Any], document: Document) -> Config | None:
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        explain_errors(error, document)
        return None
    if not errors(document.problems.in_order()) and not _names_a_channel(config):
        message = "No channel is named anywhere, so every chat will wait and none is shown."
        hint = "Add `default_channel: C0123ABCD`, or lines under `channels`."
        document.problems.add(START, "every_chat_waits", message, hint, level="warning")
    return config


def _names_a_channel(config: Config) -> bool:
    of_accounts = any(one.default_channel for one in config.kommunicate.accounts.values())
    return bool(config.channels or config.routes or config.default_channel or of_accounts)


def _check_route_names(routes: Any, document: Document) -> None:
    """Notes duplicate route names: reports use the name to say which rule decided."""
    seen: dict[str, int] = {}
    for index, route in enumerate(routes if isinstance(routes, list) else ()):
        name = route.get("name") if isinstance(route, dict) else None
        if not isinstance(name, str):
            continue
        place = document.place(("routes", index, "name"))
        if name in seen:
            message = f"Two routes are called {shown(name)}; the first is in line {seen[name]}."
            document.problems.add(place, "duplicate_route", message, "Give each route a name of its own.")
        seen.setdefault(name, place[0])
