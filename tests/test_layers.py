"""The house's plan, held by reading the code: who may know whom, and where time and the environment come in."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import pytest

import relay
from relay import vocabulary

ROOT = Path(relay.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
TREES = {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in FILES}
GROUND = {
    "messages",
    "errors",
    "clock",
    "conversation",
    "vocabulary",
    "keys",
    "files",
    "histogram",
    "owners",
    "spans",
}

# Each room, and all of ours that it may import beside itself.
ARROWS: dict[str, set[str]] = {
    "messages": {"vocabulary"},
    "errors": {"vocabulary"},
    "clock": set(),
    "conversation": {"messages"},
    "vocabulary": set(),
    "keys": set(),
    "owners": set(),
    "files": {"messages"},
    "histogram": set(),
    "jsontext": set(),
    "findings": set(),
    "logs": set(),
    "spans": {"clock"},
    "otel": {"clock", "spans", "__version__"},
    "failpoints": {"errors"},
    "settings": GROUND | {"findings"},
    "net": GROUND | {"failpoints"},
    "kommunicate": GROUND | {"jsontext", "net"},
    "slack": GROUND | {"jsontext", "net"},
    "routing": GROUND | {"jsontext", "settings"},
    "store": GROUND | {"failpoints"},
    "delivery": GROUND | {"failpoints", "findings", "net", "store", "slack", "kommunicate", "routing", "settings"},
    "inbound": GROUND | {"failpoints", "delivery", "routing", "settings", "slack", "store", "wiring"},
    "doctor": GROUND | {"findings", "net", "store", "slack", "kommunicate", "settings"},
    "metrics": GROUND | {"store", "__version__"},
    "sandbox": set(),
}
# Each room, and what it must not import of others.
STRANGERS = {
    "net": {"flask", "werkzeug", "sqlalchemy", "requests"},
    "slack": {"flask", "werkzeug", "sqlalchemy", "alembic", "psycopg", "sqlite3", "requests", "urllib3"},
    "kommunicate": {"flask", "werkzeug", "sqlalchemy", "alembic", "psycopg", "sqlite3", "requests", "urllib3"},
    "store": {"flask", "werkzeug", "requests", "urllib3"},
    "spans": {"opentelemetry"},
    "delivery": {"flask", "werkzeug", "waitress", "click", "requests", "urllib3", "alembic"},
    "inbound": {"flask", "werkzeug", "sqlalchemy", "alembic", "click", "requests", "urllib3"},
    "doctor": {"flask", "werkzeug", "sqlalchemy", "requests", "urllib3", "click"},
    "settings": {"flask", "sqlalchemy", "requests", "urllib3", "click"},
    "routing": {"flask", "sqlalchemy", "requests", "urllib3"},
    "web": {"requests", "urllib3", "alembic", "sqlalchemy"},
}


def room(name: str) -> str:
    """`slack/client.py` lives in `slack`, `wiring.py` in `wiring`."""
    return name.split("/")[0].removesuffix(".py")


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported, wherever in the file, by its full name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours(tree: ast.AST) -> set[str]:
    """The rooms of ours that are imported."""
    return {name.split(".")[1] for name in imported(tree) if name.startswith("relay.")}


def files_of(*rooms: str) -> list[str]:
    return [name for name in TREES if room(name) in rooms]


@pytest.mark.parametrize("name", files_of(*ARROWS))
def test_it_imports_only_what_its_room_may_know(name: str) -> None:
    assert ours(TREES[name]) <= ARROWS[room(name)] | {room(name)}


@pytest.mark.parametrize("name", files_of(*STRANGERS))
def test_its_room_keeps_strangers_out(name: str) -> None:
    assert not {module.split(".")[0] for module in imported(TREES[name])} & STRANGERS[room(name)]


def test_only_those_who_start_things_know_the_wiring() -> None:
    assert {room(name) for name, tree in TREES.items() if "wiring" in ours(tree)} <= {"cli", "inbound", "web", "wiring"}


def test_nobody_below_knows_the_web_or_the_command_line() -> None:
    above = {name for name, tree in TREES.items() if ours(tree) & {"web", "cli"}}
    assert {room(name) for name in above} <= {"web", "cli", "__main__"}


def test_only_the_demo_knows_the_sandbox() -> None:
    knowing = {name for name, tree in TREES.items() if "sandbox" in ours(tree) and room(name) != "sandbox"}
    assert knowing <= {"cli/demo.py"}


def test_every_room_is_on_the_plan() -> None:
    """A new room needs its arrows."""
    assert {room(name) for name in TREES} - {"__init__", "__main__"} <= set(ARROWS) | {"cli", "web", "wiring"}


def dotted(node: ast.AST) -> str:
    """`time.time` for that expression; "" for what is no plain name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def uses(tree: ast.AST) -> set[str]:
    """Every dotted name in a file, and every name it takes out of a module."""
    return {dotted(node) for node in ast.walk(tree)} | set(imported(tree))


def users(*names: str) -> set[str]:
    """The files that use one of these."""
    return {file for file, tree in TREES.items() if uses(tree) & set(names)}


def test_only_the_settings_read_the_environment() -> None:
    assert users("os.environ", "os.environb", "os.getenv", "os.putenv") == {"settings/environment.py"}


HIDDEN_CLOCKS = ("time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "datetime.today", "date.today",
                 "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.date.today")  # fmt: skip


def test_only_the_clock_tells_the_time() -> None:
    """The sandbox takes it as an argument, with the machine's own as the default."""
    assert users(*HIDDEN_CLOCKS) - set(files_of("sandbox")) == {"clock.py"}
    for name in users(*HIDDEN_CLOCKS) & set(files_of("sandbox")):
        calls = [dotted(node.func) for node in ast.walk(TREES[name]) if isinstance(node, ast.Call)]
        assert not set(calls) & set(HIDDEN_CLOCKS), name


VALUES = {member.value for words in vars(vocabulary).values() if isinstance(words, type) and issubclass(words, StrEnum)
          for member in words} - {""}  # fmt: skip
COLUMNS = {"COLUMNS", "columns", "keys", "index_elements"}  # what lists of column names are called
NAMING = {"get", "given", "label", "write", "begin", "Blueprint"}  # calls whose text is a name of their own


def values(node: ast.AST, *, naming: bool = False) -> Iterator[ast.Constant]:
    """The texts that are values; not what names a key, a column, a parameter or a member of an enumeration."""
    if isinstance(node, ast.ClassDef) and any(dotted(base) == "StrEnum" for base in node.bases):
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and not naming:
        yield node
    for name, child in ast.iter_fields(node):
        for one in child if isinstance(child, list) else [child]:
            if isinstance(one, ast.AST):
                yield from values(one, naming=names_things(node, name, naming))


def names_things(node: ast.AST, field: str, naming: bool) -> bool:
    match node, field:
        case ast.Dict(), "keys":
            return True
        case ast.Subscript(), "slice":
            return True
        case ast.Call(), "args":
            return dotted(node.func).rpartition(".")[2] in NAMING
        case ast.Assign(targets=[ast.Name(id=name)]), "value":
            return name in COLUMNS
        case ast.keyword(arg=str(name)), "value":
            return name in COLUMNS
        case ((ast.Tuple() | ast.List()), _):
            return naming
    return False


# The name of the plain workspace, what a route can ask for, a metric's labels, what a message waits for, and a status
# of Kommunicate's:
# words of their own.
OTHER_MEANING = {
    ("store/queue/gates.py", "slack"),
    ("wiring/dry_run.py", "account"),
    ("metrics.py", "account"),
    ("metrics.py", "workspace"),
    ("delivery/handlers/messages.py", "channel"),
    ("delivery/controls.py", "resolved"),
}


@pytest.mark.parametrize(
    "name", sorted(set(files_of("store", "delivery", "inbound", "web", "metrics", "wiring", "cli")))
)
def test_the_words_of_the_vocabulary_are_written_there_alone(name: str) -> None:
    """A lane, a state, a kind, a topic or a mark is named; its text stands in `vocabulary.py` and in the schema."""
    if "/versions/" in name or name in ("store/db/tables.py", "store/db/file_tables.py"):
        return
    written = {(name, str(node.value)) for node in values(TREES[name]) if node.value in VALUES}
    assert written <= OTHER_MEANING


def test_only_what_a_failure_leads_to_closes_a_gate() -> None:
    """One place decides what is held back, and for whom."""
    closers = {name for name, tree in TREES.items() if {"relay.store.queue.closing"} & modules(tree)}
    assert closers == {"delivery/gates.py"}


def modules(tree: ast.AST) -> set[str]:
    """Every module of ours that a file takes something out of."""
    named = {module for name in imported(tree) for module in (name, name.rpartition(".")[0])}
    return {module for module in named if module.replace("relay.", "", 1).replace(".", "/") + ".py" in TREES}


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


@pytest.mark.parametrize("name", TREES)
def test_files_and_functions_stay_short(name: str) -> None:
    """A migration is a list, however long."""
    if "/versions/" in name:
        return
    assert len((ROOT / name).read_text(encoding="utf-8").splitlines()) <= 300
    assert [node.name for node in functions(TREES[name]) if length(node) > 40] == []


def swallows(handler: ast.ExceptHandler) -> bool:
    """True for a handler that takes everything and does nothing."""
    everything = handler.type is None or dotted(handler.type) in ("Exception", "BaseException")
    idle = all(isinstance(node, ast.Pass | ast.Continue | ast.Constant | ast.Expr) for node in handler.body)
    return everything and idle and not any(isinstance(node, ast.Call) for node in ast.walk(handler))


@pytest.mark.parametrize("name", TREES)
def test_no_error_vanishes(name: str) -> None:
    handlers = [node for node in ast.walk(TREES[name]) if isinstance(node, ast.ExceptHandler)]
    assert not [handler.lineno for handler in handlers if swallows(handler)]
    assert not [node for node in ast.walk(TREES[name]) if isinstance(node, ast.Call) and vanishing(node)]


def vanishing(call: ast.Call) -> bool:
    """True for `suppress(Exception)`."""
    wide = {dotted(argument) for argument in call.args} & {"Exception", "BaseException"}
    return dotted(call.func) in ("suppress", "contextlib.suppress") and bool(wide)


# Values of one policy whose names are the sentence; the module's docstring introduces them.
SPEAK_FOR_THEMSELVES = {"delivery/policy.py"}


def public(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    """What others may use: functions, classes and their methods, unless they are private or properties."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            members = node.body if isinstance(node, ast.ClassDef) else []
            methods = [one for one in members if isinstance(one, ast.FunctionDef) and not one.decorator_list]
            yield from (one for one in methods if not one.name.startswith("_") and length(one) > 2)


DOCUMENTED = [name for name in TREES if room(name) != "sandbox" and "/versions/" not in name]


@pytest.mark.parametrize("name", sorted(set(DOCUMENTED) - SPEAK_FOR_THEMSELVES))
def test_what_is_public_has_a_docstring(name: str) -> None:
    assert ast.get_docstring(TREES[name])
    assert [node.name for node in public(TREES[name]) if not ast.get_docstring(node)] == []


SECRET_WORDS = ("token", "secret", "password", "signature", "api_key", "digest", "credential")

COMPARED = ("sent", "expected", "known", "given")  # what the two sides of such a comparison are called here


def secret(node: ast.AST) -> bool:
    """True for a name that holds a secret; not for one that counts or names them."""
    name = dotted(node).rpartition(".")[2]
    named = name in COMPARED or any(word in name.lower() for word in SECRET_WORDS)
    return named and not name.isupper()


@pytest.mark.parametrize("name", [name for name in TREES if room(name) not in ("sandbox", "store")])
def test_secrets_are_never_compared_by_equality(name: str) -> None:
    """S1: `hmac.compare_digest` is the only comparison; `==` and `in` tell by their time how far a guess was right.

    The store has no secrets; its tokens are the leases' and fence off whoever lost one.
    """
    telling = ast.Eq | ast.NotEq | ast.In | ast.NotIn
    compared = [node for node in ast.walk(TREES[name]) if isinstance(node, ast.Compare)]
    bad = [node for node in compared if any(isinstance(how, telling) for how in node.ops)
           and any(secret(side) for side in (node.left, *node.comparators))]  # fmt: skip
    assert [node.lineno for node in bad] == []
