"""Values that YAML would misread: the octal `0123`, the sexagesimal `12:30`, `yes`, `#name`."""

from __future__ import annotations

import re

from yaml.nodes import ScalarNode

from relay.settings.problems import Path
from relay.settings.wrong import shown

_TAG = "tag:yaml.org,2002:"
_CANONICAL = {"int": r"0|-?[1-9][0-9]*", "float": r"-?[0-9]+\.[0-9]+", "bool": "true|false"}
_SWALLOWED = re.compile(r"[ \t]*(#[^\s#,}\]]+)[ \t]*(#.*)?")
_TEXT_KEYS = (("channels",), ("replies", "map"), ("saved_replies",))
_TEXT_VALUES = (
    ("kommunicate", "bots"),
    ("kommunicate", "agents"),
    ("kommunicate", "sender"),
    ("replies", "map"),
    ("replies", "note_prefixes"),
    ("closing_words",),
    ("saved_replies",),
)


def is_null(node: ScalarNode) -> bool:
    """True for a value that is missing, or is an unquoted `null` or `~`."""
    return node.tag == _TAG + "null"


def misread(node: ScalarNode, path: Path, *, key: bool) -> str | None:
    """What YAML makes of an unquoted text that we read as written; None if both are the same."""
    if not (_key_is_text(path) if key else _value_is_text(path)):
        return None
    kind = node.tag.removeprefix(_TAG)
    same = _CANONICAL.get(kind) if kind == "int" or not key else None
    return None if same and re.fullmatch(same, node.value) else _reading(kind, node.value)


def swallowed(node: ScalarNode, text: str) -> str | None:
    """The `#name` after an empty value, which YAML takes for a comment."""
    if not is_null(node) or node.value:
        return None
    rest = text[node.end_mark.index :].split("\n", 1)[0].rstrip("\r")
    match = _SWALLOWED.fullmatch(rest)
    return match[1] if match else None


def advice(node: ScalarNode, reading: str) -> tuple[str, str]:
    """The sentence and the hint for a text that YAML misreads."""
    text = shown(node.value)
    return f"YAML reads {text} as {reading}; the relay takes it as written.", f"Put it in quotes: {text}."


def _key_is_text(path: Path) -> bool:
    return path[:-1] in _TEXT_KEYS


def _value_is_text(path: Path) -> bool:
    in_route = path[:1] == ("routes",) and path[2:3] == ("when",)
    return in_route or path[:1] in _TEXT_VALUES or path[:2] in _TEXT_VALUES


def _reading(kind: str, text: str) -> str | None:
    if kind in ("int", "float"):
        return _number(text)
    return {"bool": "true or false", "null": "nothing", "timestamp": "a date", "merge": "a merge"}.get(kind)


def _number(text: str) -> str:
    if ":" in text:
        return "a number to the base 60"
    if "_" in text:
        return "a number without the underscores"
    if re.match(r"[-+]?0[bx]", text):
        return "a binary or hexadecimal number"
    if re.match(r"[-+]?0[0-7]", text) and "." not in text:
        return "an octal number"
    return "a number that can be written in another way"
