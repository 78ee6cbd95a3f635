"""Every event that the relay logs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TypeGuard

from tests.reference.source import Found, Source, calls, last_name, sources, texts

LEVELS = ("debug", "info", "warning", "error", "critical")
LOGGERS = ("log", "_log", "logger")


def log_events() -> dict[str, Found]:
    """Every event that is logged, with its levels and fields."""
    found: dict[str, Found] = {}
    for source, call, levels in _log_calls():
        for event in texts(call.args[0]):
            one = found.setdefault(event, Found(source.at(call)))
            one.levels |= {level.attr for level in levels}
            one.fields |= {keyword.arg: None for keyword in call.keywords if keyword.arg}
    return found


def unreadable_logs() -> list[str]:
    """Where something is logged under a name that is not written out, or `log.info` is handed on to somebody else."""
    read = {id(level) for _, call, levels in _log_calls() if any(texts(call.args[0])) for level in levels}
    nodes = ((source, node) for source in sources() for node in ast.walk(source.tree) if _is_log(node))
    return sorted({source.at(node) for source, node in nodes if id(node) not in read})


def _log_calls() -> Iterator[tuple[Source, ast.Call, list[ast.Attribute]]]:
    """Every call that logs, with its `log.info`; or with both in `tell = log.debug if ... else log.info`."""
    for source, call, _ in calls():
        if _is_log(call.func) and call.args:
            yield source, call, [call.func]
    functions = ((source, node) for source in sources() for node in ast.walk(source.tree) if _is_function(node))
    for source, function in functions:
        chosen = dict(_chosen(function))
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and node.args and isinstance(node.func, ast.Name) and node.func.id in chosen:
                yield source, node, chosen[node.func.id]


def _chosen(function: ast.FunctionDef) -> Iterator[tuple[str, list[ast.Attribute]]]:
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.IfExp(body=one, orelse=other)):
                if levels := [each for each in (one, other) if _is_log(each)]:
                    yield name, levels


def _is_function(node: ast.AST) -> TypeGuard[ast.FunctionDef]:
    return isinstance(node, ast.FunctionDef)


def _is_log(node: ast.AST) -> TypeGuard[ast.Attribute]:
    """`log.info` and the like."""
    return isinstance(node, ast.Attribute) and node.attr in LEVELS and _is_logger(node.value)


def _is_logger(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):  # log.bind(...)
        return (
            isinstance(node.func, ast.Attribute) and node.func.attr in ("bind", "new") and _is_logger(node.func.value)
        )
    return last_name(node) in LOGGERS
