"""Every code that a finding can have, read from the code that makes findings."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import relay

ROOT = Path(relay.__file__).parent
ROOMS = ("settings", "doctor", "wiring", "cli", "store/db")
# The calls that make a finding, or what becomes one, and the place of the code among what they are given.
MAKERS = {"Finding": 0, "Cause": 0, "Kind": 0, "note": 0, "wrong": 0, "add": 1, "Remark": 1, "_refuse": 1}
CODE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def finding_codes() -> dict[str, str]:
    """Each code, and one of the files that tell it."""
    found: dict[str, str] = {}
    for room in ROOMS:
        for file in sorted((ROOT / room).rglob("*.py")):
            for code in _codes(ast.parse(file.read_text(encoding="utf-8"))):
                found.setdefault(code, file.relative_to(ROOT).as_posix())
    return found


def _codes(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=given) if name in MAKERS:
                yield from _texts(given[MAKERS[name]]) if len(given) > MAKERS[name] else ()
            case ast.Tuple(elts=[*before, code, message, _]) if len(before) <= 1 and _is_sentence(message):
                yield from _texts(code)


def _is_sentence(node: ast.AST) -> bool:
    """True for the message of a finding whose code, message and hint stand together."""
    return re.fullmatch(r"f?['\"][A-Z`{].*[.`}]['\"]", ast.unparse(node)) is not None


def _texts(node: ast.AST) -> Iterator[str]:
    """The code that an expression is, or the two that it chooses between."""
    if isinstance(node, ast.IfExp):
        yield from (*_texts(node.body), *_texts(node.orelse))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
        yield node.value
