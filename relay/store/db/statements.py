"""Statements that are built once, written out once, and then go straight to the database's driver.

SQLAlchemy builds them and says what their columns and values are. To have it run them as well, each time through its
layers, costs six times what a small statement costs SQLite: most of what a message would cost in all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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

MOST = 2048  # statements that are kept; the code has fewer
READ_ONLY = "25006"  # PostgreSQL's code


def given(name: str, type_: Any = None) -> BindParameter[Any]:
    """A value that a statement gets when it is run."""
    return bindparam(_given(name), type_=type_)


def _given(name: str) -> str:
    return f"given_{name}"  # a name that no column has: those mean something else in an UPDATE


def one_of(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """True where `column` is one of a list that the statement is given: one value, however many there are in it."""
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
    """A list of values as one value: an array on PostgreSQL, JSON on SQLite."""

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
    """A statement as its database reads it; `order` are the names of its values where they have no names there."""

    sql: str
    order: tuple[str, ...] | None
    constants: Mapping[str, Any]
    to_database: tuple[tuple[str, Callable[[Any], Any]], ...]
    columns: SimpleResultMetaData
    from_database: tuple[tuple[int, Callable[[Any], Any]], ...]

    def values(self, given: Mapping[str, Any]) -> Any:
        """What the driver is given."""
        values = {**self.constants, **given}
        for name, convert in self.to_database:
            values[name] = convert(values[name])
        return values if self.order is None else [values[name] for name in self.order]

    def rows(self, found: Sequence[Any]) -> Sequence[Any]:
        """What the driver found, as SQLAlchemy's types have it."""
        if not self.from_database:
            return found
        rows = [list(row) for row in found]
        for row in rows:
            for index, convert in self.from_database:
                row[index] = convert(row[index])
        return rows


def run(conn: Connection, statement: Executable, values: Mapping[str, Any]) -> Result[Any]:
    """Execute a statement with the values it is `given`; its rows are all fetched. Raises DBAPIError."""
    written = _written(conn, statement)
    cursor = conn.connection.cursor()
    try:
        conn.dialect.do_execute(cursor, written.sql, written.values({_given(name): values[name] for name in values}))
        found = cursor.fetchall() if cursor.description else []
    except conn.dialect.loaded_dbapi.Error as error:
        raise _told(conn, error) from None
    return IteratorResult(written.columns, iter(written.rows(found)))


def run_for_each(conn: Connection, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
    """Execute a statement once for each of `rows`; nothing comes back. Raises DBAPIError."""
    written = _written(conn, statement)
    values = [written.values({_given(name): row[name] for name in row}) for row in rows]
    cursor = conn.connection.cursor()
    try:
        conn.dialect.do_executemany(cursor, written.sql, values)
    except conn.dialect.loaded_dbapi.Error as error:
        raise _told(conn, error) from None


def _written(conn: Connection, statement: Executable) -> Written:
    kind: Any = type(conn.dialect)
    return write(statement, kind)


@lru_cache(maxsize=MOST)
def write(statement: Any, kind: Any) -> Written:
    """Write a statement out for a kind of database, the class of its dialect."""
    dialect: Dialect = kind()
    compiled = statement.compile(dialect=dialect)
    binds = {
        name: bind.type.dialect_impl(dialect).bind_processor(dialect) for bind, name in compiled.bind_names.items()
    }
    columns = list(getattr(statement, "exported_columns", ()))
    # What PostgreSQL's driver returns is of the right type already.
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
        columns=SimpleResultMetaData([column.key for column in columns]),
        from_database=tuple((index, one) for index, one in enumerate(found) if one is not None),
    )


def _told(conn: Connection, error: Any) -> Exception:
    """The error as SQLAlchemy tells it; a connection of no more use is let go.

    A server that was the first and is the second now takes no writes: its connections are of no more use either.
    """
    dialect, driver, base = conn.dialect, conn.connection.driver_connection, conn.dialect.loaded_dbapi.Error
    lost = dialect.is_disconnect(error, driver, None) or getattr(error, "sqlstate", None) == READ_ONLY
    if lost:
        conn.invalidate(error)
    told = DBAPIError.instance(
        None, None, error, base, hide_parameters=True, connection_invalidated=lost, dialect=dialect
    )
    return cast("Exception", told)
