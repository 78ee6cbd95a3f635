"""Every address that the relay answers."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.reference.source import Source, last_name, sources, texts

VERBS = ("get", "post", "put", "patch", "delete", "route")


def addresses() -> dict[str, str]:
    """Every address that the relay answers, as `GET /healthz`, and the first sentence about its view."""
    found: dict[str, str] = {}
    for source in sources():
        prefix = _prefix(source)
        for node in ast.walk(source.tree):
            if isinstance(node, ast.FunctionDef):
                about = (ast.get_docstring(node) or "").split("\n\n")[0].replace("\n", " ")
                found |= {f"{verb} {prefix}{path}": about for verb, path in _routes(node)}
    return found


def _routes(view: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    for node in view.decorator_list:
        if isinstance(node, ast.Call) and last_name(node.func) in VERBS and node.args:
            verb = last_name(node.func)
            methods = next((list(texts(each.value)) for each in node.keywords if each.arg == "methods"), ["GET"])
            for path in texts(node.args[0]):
                if path.startswith("/"):
                    yield "/".join(methods) if verb == "route" else verb.upper(), path


def _prefix(source: Source) -> str:
    made = (
        node for node in ast.walk(source.tree) if isinstance(node, ast.Call) and last_name(node.func) == "Blueprint"
    )
    given = (each for node in made for each in node.keywords if each.arg == "url_prefix")
    return next((text for each in given for text in texts(each.value)), "")
