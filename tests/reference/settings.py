"""The rows of the reference that tell of settings: keys of the YAML file, and variables of the environment."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import EnumType
from functools import cache
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from relay.cli import main
from relay.settings import NEEDS, Config, check_settings
from relay.settings.meanings import MEANINGS
from tests.harness import ROOT

HERE, WHERE = "tests/reference/settings.py", "relay/settings/meanings.py"
KINDS = {
    "parse_address": "https address",
    "parse_channel": "channel",
    "parse_channel_or_none": "channel or `none`",
    "parse_count": "whole number",
    "parse_duration": "duration",
    "parse_fact": "fact",
    "parse_file_host": "host",
    "parse_hours": "hours",
    "parse_mentioned": "user, user group, `here`, `channel`",
    "parse_menu_name": "name",
    "parse_moment": "day and time",
    "parse_rate": "number",
    "parse_slack_user": "Slack user id",
    "parse_text": "text",
    "parse_name": "name",
    "parse_variable": "name of a variable",
    "parse_url": "https address",
    "parse_wait": "duration or `never`",
    "parse_when": "conditions",
}
"""How people call what a key holds, by the function that reads it."""


@dataclass(frozen=True)
class Key:
    """A key of the file: its full name, and where its meaning belongs."""

    name: str
    model: type[BaseModel]
    field: str

    @property
    def info(self) -> FieldInfo:
        """What pydantic knows of it."""
        return self.model.model_fields[self.field]

    @property
    def meaning(self) -> str | None:
        """What it means, None where nobody has said so."""
        return MEANINGS.get(self.model, {}).get(self.field)


def top_keys(model: type[BaseModel] = Config, prefix: str = "") -> Iterator[Key]:
    """Every key with a place of its own in the file; what stands in lists is left to `inner_keys`."""
    for name, info in model.model_fields.items():
        if _is_model(info.annotation):
            yield from top_keys(info.annotation, f"{prefix}{name}.")
        else:
            yield Key(f"{prefix}{name}", model, name)


def entries() -> Iterator[tuple[Key, type[BaseModel]]]:
    """Every key that holds a list or a block of entries, and what one of them is made of."""
    for key in top_keys():
        for model in _models_in(key.info.annotation):
            yield key, model


def every_key(model: type[BaseModel] = Config) -> Iterator[Key]:
    """Every key of every block, lists and all."""
    for name, info in model.model_fields.items():
        yield Key(f"{model.__name__}.{name}", model, name)
        for inner in _models_in(info.annotation):
            yield from every_key(inner)


def missing_meanings() -> Iterator[str]:
    """A sentence for each key that nobody has explained, and for each that is explained and does not exist."""
    known = {(key.model, key.field) for key in every_key()}
    for key in every_key():
        if not key.meaning:
            yield f"the setting `{key.name}` has no meaning: add a line for it to {WHERE}"
        if not kind_of(key.info):
            yield f"the setting `{key.name}` is read by a new function: add what it reads to KINDS in {HERE}"
    for model, about in MEANINGS.items():
        for name in about:
            if (model, name) not in known:
                yield f"there is no setting `{model.__name__}.{name}` any more: take its line out of {WHERE}"


def kind_of(info: FieldInfo) -> str:
    """What a key holds, in words; "" where KINDS does not know the function that reads it."""
    return _kind(info.annotation, [type_.func.__name__ for type_ in info.metadata if hasattr(type_, "func")])


@cache
def example() -> Mapping[str, Any]:
    """The example file, which shows every key with its default (a test says so)."""
    read: Mapping[str, Any] = yaml.safe_load((ROOT / "config.example.yaml").read_text())
    return read


def default_of(name: str) -> str:
    """The default as the file would say it."""
    value: Any = example()
    for part in name.split("."):
        value = value[part]
    if value is None:
        return ""
    text = yaml.safe_dump(value, default_flow_style=True, width=1000).replace("\n...", "").strip()
    return f"`{json.dumps(value)}`" if "'" in text else f"`{text}`"


def required_variables() -> Mapping[str, list[str]]:
    """Variable -> the commands that do not run without it, as an empty environment shows."""
    found: dict[str, list[str]] = {}
    for command, need in NEEDS.items():
        for finding in check_settings({"RELAY_CONFIG_YAML": "default_channel: C0X"}, need=need, cwd=Path("/"))[1]:
            if finding.code == "missing" and command.split()[0] in main.commands:
                found.setdefault(finding.where, []).append(command)
    return found


def _kind(annotation: Any, readers: list[str]) -> str:
    if named := [KINDS.get(reader, "") for reader in readers if reader.startswith("parse_")]:
        return named[0]
    inside = [one for one in get_args(annotation) if one is not type(None)]
    origin = get_origin(annotation)
    if hasattr(annotation, "__metadata__"):
        return _kind(inside[0], [one.func.__name__ for one in annotation.__metadata__ if hasattr(one, "func")])
    if origin in (Union, types.UnionType):
        return _kind(inside[0], [])
    if origin is Literal:
        return ", ".join(f"`{one}`" for one in inside)
    if isinstance(annotation, EnumType):
        return ", ".join(f"`{one.value}`" for one in annotation)  # type: ignore[attr-defined]
    if origin is tuple:
        return "list"
    if annotation is bool:
        return "`true` or `false`"
    return "block"


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if _is_model(annotation):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
