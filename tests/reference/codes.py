"""The codes of findings, and of answers that are errors."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from werkzeug import exceptions

from tests.reference.source import Found, Source, calls, last_name, sources, texts

WRONG = {"wrong": 0}
"""What makes a finding beside the values with a `code`, and where that stands among the arguments."""
REFUSALS = {"Rejected": 1, "error_response": 1}
"""The same of an answer's code; the status stands before it."""
_SENTENCE = re.compile(r"f?['\"][A-Z`{].*[.`}]['\"]")
_CODE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def finding_codes() -> dict[str, Found]:
    """Every code of a finding, with its levels."""
    found: dict[str, Found] = {}
    for source, call, code in _with_code(_passing_on({**WRONG, **_values()})):
        one = found.setdefault(code, Found(source.at(call)))
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        said = {text for each in given for text in texts(each) if text in ("error", "warning", "info")}
        one.levels |= said or {"error"}
    for source, node, code in _in_tuples():
        found.setdefault(code, Found(source.at(node), {"error"}))
    return found


def refusals() -> dict[str, Found]:
    """Every answer that is an error, as `401 unauthorized`."""
    found: dict[str, Found] = {}
    for source, call, code in _with_code(_passing_on(REFUSALS)):
        for given in call.args:
            if isinstance(given, ast.Constant) and _is_error(given.value):
                found.setdefault(f"{given.value} {code}", Found(source.at(call)))
    for source, call, name in calls():
        error = getattr(exceptions, name, None)
        if isinstance(error, type) and issubclass(error, exceptions.HTTPException) and error.code:
            found.setdefault(f"{error.code} {_as_code(error)}", Found(source.at(call)))
    for error in (exceptions.NotFound, exceptions.MethodNotAllowed):  # of Flask's own accord
        found.setdefault(f"{error.code} {_as_code(error)}", Found("relay/web/errors.py"))
    return found


def _values() -> Mapping[str, int]:
    """Every value that has a `code`, such as a finding, and where that stands among its fields."""
    found = {}
    for source in sources():
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ClassDef):
                fields = [
                    each.target.id
                    for each in node.body
                    if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
                ]
                if "code" in fields:
                    found[node.name] = fields.index("code")
    return found


def _in_tuples() -> Iterator[tuple[Source, ast.Tuple, str]]:
    """Every code that stands in a tuple with its sentence and its hint, perhaps with something before it."""
    for source in sources():
        for node in ast.walk(source.tree):
            match node:
                case ast.Tuple(elts=[*before, ast.Constant(value=str(code)), said, _]) if (
                    len(before) <= 1 and _CODE.fullmatch(code) and _SENTENCE.fullmatch(ast.unparse(said))
                ):
                    yield source, node, code


def _with_code(known: Mapping[str, int]) -> Iterator[tuple[Source, ast.Call, str]]:
    for source, call, name in calls():
        if (given := _code_of(call, known.get(name))) is not None:
            for text in texts(given):
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
            given = _code_of(node, known.get(last_name(node.func)))
            if isinstance(given, ast.Name) and given.id == "code":
                return names.index("code") - (names[0] in ("self", "cls"))
    return -1


def _code_of(call: ast.Call, at: int | None) -> ast.expr | None:
    if at is None:
        return None
    named = next((each.value for each in call.keywords if each.arg == "code"), None)
    return named if named is not None else call.args[at] if len(call.args) > at else None


def _is_error(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 400 <= value < 600


def _as_code(error: type[exceptions.HTTPException]) -> str:
    """As `relay/web/errors.py` makes it."""
    return error().name.lower().replace(" ", "_")
