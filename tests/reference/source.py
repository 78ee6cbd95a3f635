"""The relay's source, read and not run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.harness import ROOT


@dataclass(frozen=True)
class Source:
    """A file of the relay, read."""

    path: str
    tree: ast.Module

    def at(self, node: ast.expr | ast.stmt) -> str:
        """A place, as people look it up."""
        return f"{self.path}:{node.lineno}"


@dataclass
class Found:
    """Something that has a name in the code: where it stands first, its levels, and what is told beside it."""

    place: str
    levels: set[str] = field(default_factory=set)
    fields: dict[str, None] = field(default_factory=dict)


@cache
def sources() -> tuple[Source, ...]:
    """Everything but the sandbox, which no relay in earnest runs."""
    paths = [path.relative_to(ROOT) for path in sorted((ROOT / "relay").rglob("*.py")) if "sandbox" not in path.parts]
    return tuple(Source(str(path), ast.parse((ROOT / path).read_text())) for path in paths)


def calls() -> Iterator[tuple[Source, ast.Call, str]]:
    """Every call, and the last name of what is called."""
    for source in sources():
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call):
                yield source, node, last_name(node.func)


def texts(node: ast.expr) -> Iterator[str]:
    """The texts that an expression can be, as far as they are written out."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=one, orelse=other):
            yield from texts(one)
            yield from texts(other)
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            for part in parts:
                yield from texts(part)


def last_name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def relative(path: Path) -> str:
    """A path as people write it."""
    return str(path.relative_to(ROOT))
