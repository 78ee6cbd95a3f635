"""Turns pydantic's errors into findings with a position, a sentence and the nearest correct value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from relay.settings.document import Document
from relay.settings.problems import Path
from relay.settings.schema import Config
from relay.settings.wrong import looks_secret, shown

_SHAPES = {
    "dict_type": "a block of `key: value` lines",
    "mapping_type": "a block of `key: value` lines",
    "model_type": "a block of `key: value` lines",
    "tuple_type": "a list, such as `[a, b]`",
    "string_type": "text",
}
_SAID_ELSEWHERE = {
    "workspace": "A channel has its workspace in front: `channel: acme/C0123ABCD`.",
    "account": "A route asks for it: `when: {account: shop}`; in `channels` it stands in front: `shop/123456`.",
}
"""What is said in another way than by a key of that name."""
_SECRET_WORDS = ("token", "secret", "password", "api_key", "database_url")


def explain_errors(error: ValidationError, document: Document) -> None:
    """Notes every validation error that has not been reported already."""
    every = error.errors(include_url=False)
    misspelt = {(*loc[:-1], _close_key(loc)) for loc in (item["loc"] for item in every if _is_unknown(item))}
    for details in every:
        path: Path = details["loc"]
        on_key = path[-1:] == ("[key]",) and path not in document.keys
        path = path[:-1] if on_key else path
        told = document.was_reported(path) or (details["type"] == "missing" and path in misspelt)
        if not told:
            place = document.place(path, key=on_key or _is_unknown(details))
            document.problems.add(place, *_words(details, path))


def _is_unknown(details: ErrorDetails) -> bool:
    return details["type"] == "extra_forbidden"


def _words(details: ErrorDetails, path: Path) -> tuple[str, str, str]:
    context: dict[str, Any] = details.get("ctx", {})
    match details["type"]:
        case "relay":
            return context["code"], f"`{_name(path)}`: {context['message']}", context["hint"]
        case "extra_forbidden":
            return "unknown_key", f"{shown(path[-1])} is not a setting{_inside(path)}.", _nearest_key(path)
        case "missing":
            return "missing", f"`{_name(path)}` is missing.", f"Add `{path[-1]}:` here."
        case "literal_error" | "enum":
            return _not_a_choice(details, path)
        case kind:
            shape = _SHAPES.get(kind, "something else")
            return "wrong_type", f"`{_name(path)}` must be {shape}, not {shown(details['input'])}.", _example(path)


def _name(path: Path) -> str:
    """A path in plain English: only names, because the line number says which one."""
    return ".".join("..." if looks_secret(part) else part[:60] for part in path if isinstance(part, str))


def _inside(path: Path) -> str:
    return f" of `{_name(path[:-1])}`" if len(path) > 1 else ""


def _not_a_choice(details: ErrorDetails, path: Path) -> tuple[str, str, str]:
    choices = re.findall(r"'([^']+)'", details.get("ctx", {})["expected"])
    close = get_close_matches(str(details["input"])[:40], choices, n=1, cutoff=0.5)
    meant = f"Did you mean `{close[0]}`?" if close else f"Write `{choices[0]}`, or leave it out."
    message = f"`{_name(path)}` can be {' or '.join(choices)}, not {shown(details['input'])}."
    return "wrong_value", message, meant


def _nearest_key(path: Path) -> str:
    """The key that was probably meant: in the same block, or in another."""
    key, close = str(path[-1])[:60], _close_key(path)
    names_a_secret = close is not None and _is_secret(close)  # the name of a variable that holds a secret
    if _is_secret(key) and not names_a_secret:
        return "Secrets stay in environment variables or `.env`, never in this file."
    if key in _SAID_ELSEWHERE:
        return _SAID_ELSEWHERE[key]
    if close:
        return f"Did you mean `{close}`?"
    homes = [home for home, name in _homes() if name == key]
    return (
        f"`{key}` belongs under `{homes[0]}`."
        if homes
        else f"Known here: {', '.join(_section(path[:-1]).model_fields)}."
    )


def _is_secret(key: str) -> bool:
    return any(word in key.lower() for word in _SECRET_WORDS)


def _close_key(path: Path) -> str | None:
    known = list(_section(path[:-1]).model_fields)
    return next(iter(get_close_matches(str(path[-1])[:60].lower(), known, n=1)), None)


def _section(path: Path) -> type[BaseModel]:
    """The model at a path of the file."""
    model: type[BaseModel] = Config
    for part in path:
        if isinstance(part, str) and part in model.model_fields:  # otherwise it is a name the user chose
            model = _model_in(model.model_fields[part].annotation) or model
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    inside = get_args(annotation)
    candidates = (annotation, *inside, *(deeper for item in inside for deeper in get_args(item)))
    return next((item for item in candidates if isinstance(item, type) and issubclass(item, BaseModel)), None)


def _homes() -> Iterator[tuple[str, str]]:
    """Every key below the top level, after the block it belongs to."""
    for block, field in Config.model_fields.items():
        model = _model_in(field.annotation)
        for name in model.model_fields if model else ():
            yield block, name


def _example(path: Path) -> str:
    return f"See `{path[0]}` in `config.example.yaml`." if path else "See `config.example.yaml`."
