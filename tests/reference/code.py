"""What the relay's source says without being run: its log events, findings, refusals and addresses."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from werkzeug import exceptions

from tests.harness import ROOT

LEVELS = ("debug", "info", "warning", "error", "critical")
LOGGERS = ("log", "_log", "logger")
VERBS = ("get", "post", "put", "patch", "delete", "route")
FINDINGS = {"Finding": 0, "wrong": 0, "Remark": 1, "Said": 0}
"""Where the code of a finding stands among the arguments. Whoever passes a `code` on to one of these is found alone."""
REFUSALS = {"Rejected": 1, "error_response": 1}
"""The same of an answer's code; the status stands before it."""
_CODE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


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
                yield source, node, _last_name(node.func)


def log_events() -> dict[str, Found]:
    """Every event that is logged, with its levels and fields."""
    found: dict[str, Found] = {}
    for source, call, level in calls():
        if not _is_log(call.func):
            continue
        for event in _texts(call.args[0]):
            one = found.setdefault(event, Found(source.at(call)))
            one.levels.add(level)
            one.fields |= {keyword.arg: None for keyword in call.keywords if keyword.arg}
    return found


def unreadable_logs() -> list[str]:
    """Where something is logged under a name that is not written out, or `log.info` is handed on."""
    written = {id(call.func) for _, call, _ in calls() if _is_log(call.func) and any(_texts(call.args[0]))}
    nodes = ((source, node) for source in sources() for node in ast.walk(source.tree) if isinstance(node, ast.expr))
    return [source.at(node) for source, node in nodes if _is_log(node) and id(node) not in written]


def finding_codes() -> dict[str, Found]:
    """Every code of a finding, with its levels."""
    found: dict[str, Found] = {}
    for source, call, code in _with_code(_passing_on(FINDINGS)):
        one = found.setdefault(code, Found(source.at(call)))
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        said = {text for each in given for text in _texts(each) if text in ("error", "warning", "info")}
        one.levels |= said or {"error"}
    return found


def refusals() -> dict[str, Found]:
    """Every answer that is an error, as `401 unauthorized`."""
    found: dict[str, Found] = {}
    for source, call, code in _with_code(_passing_on(REFUSALS)):
        status = next(
            (each.value for each in call.args if isinstance(each, ast.Constant) and _is_status(each.value)), ""
        )
        found.setdefault(f"{status} {code}", Found(source.at(call)))
    for source, call, name in calls():
        error = getattr(exceptions, name, None)
        if isinstance(error, type) and issubclass(error, exceptions.HTTPException) and error.code:
            found.setdefault(f"{error.code} {_as_code(error)}", Found(source.at(call)))
    for error in (exceptions.NotFound, exceptions.MethodNotAllowed):  # of Flask's own accord
        found.setdefault(f"{error.code} {_as_code(error)}", Found("relay/web/errors.py"))
    return found


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
        if isinstance(node, ast.Call) and _last_name(node.func) in VERBS and node.args:
            verb = _last_name(node.func)
            methods = next((list(_texts(each.value)) for each in node.keywords if each.arg == "methods"), ["GET"])
            for path in _texts(node.args[0]):
                if path.startswith("/"):
                    yield "/".join(methods) if verb == "route" else verb.upper(), path


def _prefix(source: Source) -> str:
    made = (
        node for node in ast.walk(source.tree) if isinstance(node, ast.Call) and _last_name(node.func) == "Blueprint"
    )
    given = (each for node in made for each in node.keywords if each.arg == "url_prefix")
    return next((text for each in given for text in _texts(each.value)), "")


def _with_code(known: Mapping[str, int]) -> Iterator[tuple[Source, ast.Call, str]]:
    for source, call, name in calls():
        if (given := _code_of(call, known.get(name))) is not None:
            for text in _texts(given):
                if _CODE.fullmatch(text):
                    yield source, call, text


def _passing_on(seeds: Mapping[str, int]) -> Mapping[str, int]:
    """The same with every function of ours that has a `code` and passes it on, however many turns it takes."""
    known = dict(seeds)
    functions = [node for source in sources() for node in ast.walk(source.tree) if isinstance(node, ast.FunctionDef)]
    while True:
        more = {node.name: at for node in functions if node.name not in known and (at := _passes_on(node, known)) >= 0}
        if not more:
            return known
        known |= more


def _passes_on(function: ast.FunctionDef, known: Mapping[str, int]) -> int:
    """Where `code` stands among its arguments, -1 where it passes none on."""
    names = [each.arg for each in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
    if "code" not in names:
        return -1
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            given = _code_of(node, known.get(_last_name(node.func)))
            if isinstance(given, ast.Name) and given.id == "code":
                return names.index("code") - (names[0] in ("self", "cls"))
    return -1


def _code_of(call: ast.Call, at: int | None) -> ast.expr | None:
    if at is None:
        return None
    named = next((each.value for each in call.keywords if each.arg == "code"), None)
    return named if named is not None else call.args[at] if len(call.args) > at else None


def _texts(node: ast.expr) -> Iterator[str]:
    """The texts that an expression can be, as far as they are written out."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=one, orelse=other):
            yield from _texts(one)
            yield from _texts(other)
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            for part in parts:
                yield from _texts(part)


def _last_name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _is_log(node: ast.expr) -> bool:
    """`log.info` and the like."""
    return isinstance(node, ast.Attribute) and node.attr in LEVELS and _is_logger(node.value)


def _is_logger(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):  # log.bind(...)
        return (
            isinstance(node.func, ast.Attribute) and node.func.attr in ("bind", "new") and _is_logger(node.func.value)
        )
    return _last_name(node) in LOGGERS


def _is_status(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 400 <= value < 600


def _as_code(error: type[exceptions.HTTPException]) -> str:
    """As `relay/web/errors.py` makes it."""
    return error().name.lower().replace(" ", "_")


def relative(path: Path) -> str:
    """A path as people write it."""
    return str(path.relative_to(ROOT))
