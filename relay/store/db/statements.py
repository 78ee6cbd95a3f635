"""Statements that are built once, compiled once, and then passed directly to the database driver.

SQLAlchemy builds them and describes their columns and values. Running them through its layers each time would cost six
times what a small statement costs SQLite, which would be most of a message's cost.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import (
    ARRAY,
    BindParameter,
    ColumnElement,
    Connection,
    Dialect,
    Executable,
    Text,
    TypeDecorator,
    bindparam,
)
from sqlalchemy.engine import IteratorResult, Result
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

SIZES = (16, 8, 4, 2, 1)  # rows per INSERT: few sizes, because a database keeps a plan for each
MOST = 2048  # cached statements; the code has fewer
# PostgreSQL's codes
READ_ONLY = "25006"
NOT_PREPARED = ("26000", "42P05")  # a pooler gave us another connection, which does not know our statements


def given(name: str, type_: Any = None) -> BindParameter[Any]:
    """A value that is passed when a statement runs."""
    return bindparam(_given(name), type_=type_)


def _given(name: str) -> str:
    return f"given_{name}"  # not a column's name: those mean something else in an UPDATE


def one_of(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """True if `column` is in a list passed to the statement: one value, whatever its length."""
    return column.bool_op("IN")(_Listed(bindparam(_given(name), type_=_List(column.type))))


class _Listed(FunctionElement[Any]):
    inherit_cache = True


@compiles(_Listed, "sqlite")
def _of_json(element: _Listed, compiler: Any, **rest: Any) -> str:
    return f"(SELECT value FROM json_each{compiler.process(element.clause_expr, **rest)})"  # noqa: S608 - no value


@compiles(_Listed, "postgresql")
def _of_array(element: _Listed, compiler: Any, **rest: Any) -> str:
    return f"(SELECT unnest{compiler.process(element.clause_expr, **rest)})"


class _List(TypeDecorator[Any]):
    """A list as one value: an array on PostgreSQL, JSON on SQLite."""

    impl = Text
    cache_ok = True

    def __init__(self, item: TypeEngine[Any]) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return ARRAY(self.item) if dialect.name == "postgresql" else Text()

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return list(value) if dialect.name == "postgresql" else json.dumps(list(value))


@dataclass(frozen=True, slots=True)
class Written:
    """A compiled statement; `order` has the names of its values if the database does not name them."""

    sql: str
    order: tuple[str, ...] | None
    constants: Mapping[str, Any]
    to_database: tuple[tuple[str, Callable[[Any], Any]], ...]
    has_rows: bool
    columns: SimpleResultMetaData
    from_database: tuple[tuple[int, Callable[[Any], Any]], ...]

    def values(self, given: Mapping[str, Any]) -> Any:
        """The values for the driver."""
        values = {**self.constants, **{_given(name): value for name, value in given.items()}}
        for name, convert in self.to_database:
            values[name] = convert(values[name])
        return values if self.order is None else [values[name] for name in self.order]

    def rows(self, found: Sequence[Any]) -> Sequence[Any]:
        """The driver's rows, converted to SQLAlchemy's types."""
        if not self.from_database:
            return found
        rows = [list(row) for row in found]
        for row in rows:
            for index, convert in self.from_database:
                row[index] = convert(row[index])
        return rows


def given_rows(names: Sequence[str], count: int) -> list[dict[str, Any]]:
    """The values of several rows of an INSERT from `in_sets`."""
    return [{name: given(f"{name}_{number}") for name in names} for number in range(count)]


def in_sets(
    build: Callable[[int], Executable], rows: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[Executable, Mapping[str, Any]]]:
    """Statements that insert `rows`, several rows each, in their order, with as few statements as the sizes allow."""
    begun = 0
    while begun < len(rows):
        count = next(size for size in SIZES if size <= len(rows) - begun)
        together = rows[begun : begun + count]
        values = {f"{name}_{number}": value for number, row in enumerate(together) for name, value in row.items()}
        yield build(count), values
        begun += count


@lru_cache(maxsize=MOST)
def write(statement: Any, kind: Any) -> Written:
    """Compile a statement for a kind of database, the class of its dialect."""
    dialect: Dialect = kind()
    compiled = statement.compile(dialect=dialect)
    binds = {
        name: bind.type.dialect_impl(dialect).bind_processor(dialect) for bind, name in compiled.bind_names.items()
    }
    columns = list(getattr(statement, "exported_columns", ()))
    # PostgreSQL's driver returns the right types already.
    found = (
        []
        if dialect.name == "postgresql"
        else [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
    )
    return Written(
        sql=str(compiled),
        order=tuple(compiled.positiontup) if compiled.positional else None,
        constants=dict(compiled.params),
        to_database=tuple((name, one) for name, one in binds.items() if one is not None),
        has_rows=bool(columns),
        columns=SimpleResultMetaData([column.key for column in columns]),
        from_database=tuple((index, one) for index, one in enumerate(found) if one is not None),
    )


class Access(Enum):
    """The purpose of a transaction; one shared by several writes does not wait long for locks."""

    READ = auto()
    WRITE = auto()
    SHARED = auto()


Rows = list[Any]
Later = tuple[Executable, Mapping[str, Any], Rows]  # a statement, its values, and where its rows go
Those = Sequence[tuple[Executable, Mapping[str, Any]]]  # statements, each with its values


class Driver:
    """An SQLAlchemy connection and its driver connection. Errors are raised as SQLAlchemy's.

    It stays with its connection: work lost with that is not repeated on another.
    """

    __slots__ = ("_dialect", "conn", "on_postgres", "raw")

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self.raw: Any = conn.connection.driver_connection
        self.on_postgres = conn.dialect.name == "postgresql"
        self._dialect = conn.dialect

    def run(self, statement: Executable, values: Mapping[str, Any], before: Sequence[Later] = ()) -> Result[Any]:
        """Execute a statement with its values; all its rows are fetched.

        On PostgreSQL, the statements in `before` are sent in the same round trip.
        """
        if before:
            return self.run_all([(statement, values)], before)[0]
        written = self._written(statement)
        try:
            return _result(written, self._execute(written, values))
        except self._dialect.loaded_dbapi.Error as error:
            raise self.told(error) from None

    def run_all(self, those: Those, before: Sequence[Later] = ()) -> list[Result[Any]]:
        """The same for several statements: on PostgreSQL in one round trip."""
        every = [(self._written(statement), values) for statement, values in those]
        try:
            with self.send(before, pipelined=len(every) > 1):
                cursors = [self._execute(written, values) for written, values in every]
                return [_result(written, cursor) for (written, _), cursor in zip(every, cursors, strict=True)]
        except self._dialect.loaded_dbapi.Error as error:
            raise self.told(error) from None

    @contextmanager
    def send(self, later: Sequence[Later], *, pipelined: bool = False) -> Iterator[None]:
        """Execute statements; on PostgreSQL they are sent with whatever is executed inside the block."""
        if not later and not pipelined:
            yield
            return
        executed = []
        with self.raw.pipeline() if self.on_postgres else nullcontext():
            for statement, values, rows in later:
                written = self._written(statement)
                executed.append((written, self._execute(written, values), rows))
            yield
        for written, cursor, rows in executed:
            rows.extend(_result(written, cursor))

    def execute(self, words: str) -> Any:
        """Execute compiled SQL; returns the driver's cursor."""
        cursor = self.raw.cursor()
        try:
            self._dialect.do_execute(cursor, words, ())
        except self._dialect.loaded_dbapi.Error as error:
            raise self.told(error) from None
        return cursor

    def commit(self, later: Sequence[Later]) -> None:
        """Commit the transaction, sending the `later` statements with it."""
        try:
            with self.send(later):
                self._dialect.do_commit(self.raw)
        except self._dialect.loaded_dbapi.Error as error:
            raise self.told(error) from None

    def roll_back(self) -> None:
        """Roll back the transaction; a connection that cannot is discarded."""
        try:
            if not self.conn.invalidated:
                self._dialect.do_rollback(self.raw)
        except self._dialect.loaded_dbapi.Error as error:
            self.conn.invalidate(error)

    def told(self, error: Exception) -> DBAPIError:
        """The driver's error as SQLAlchemy's; a useless connection is discarded.

        A former primary server accepts no writes: its connections are useless too.
        """
        code = getattr(error, "sqlstate", None)
        if code in NOT_PREPARED:
            self.raw.stop_preparing()
        lost = code in (READ_ONLY, *NOT_PREPARED) or self._is_lost(error)
        if lost:
            self.conn.invalidate(error)
        found = DBAPIError.instance(
            None, None, error, self._dialect.loaded_dbapi.Error,
            hide_parameters=True, connection_invalidated=lost, dialect=self._dialect,
        )  # fmt: skip
        return cast(DBAPIError, found)

    def _is_lost(self, error: Any) -> bool:
        return self.conn.invalidated or self._dialect.is_disconnect(error, self.raw, None)

    def _execute(self, written: Written, values: Mapping[str, Any]) -> Any:
        cursor = self.raw.cursor()
        self._dialect.do_execute(cursor, written.sql, written.values(values))
        return cursor

    def _written(self, statement: Executable) -> Written:
        kind: Any = type(self._dialect)
        return write(statement, kind)


def _result(written: Written, cursor: Any) -> Result[Any]:
    found = cursor.fetchall() if written.has_rows else []
    return IteratorResult(written.columns, iter(written.rows(found)))
