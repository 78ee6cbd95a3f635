"""The few places where SQLite and PostgreSQL need different SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import BigInteger, ColumnElement, Double, Table, Text, and_, cast, func, literal_column, or_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from relay.store.db.engine import Tx
from relay.store.db.statements import given

LAST_CHARACTER = "\U0010ffff"


class Moment(Protocol):
    """Provides the time for a statement: a transaction, or `BOUND`."""

    @property
    def now(self) -> Any: ...


class _Bound:
    """For a statement that is built once: the time is the `now` passed to each run."""

    now = given("now", Double)


BOUND = _Bound()


def upsert(tx: Tx, table: Table) -> Any:
    """An INSERT into `table` that supports ON CONFLICT."""
    return upsert_on(table, postgres=tx.on_postgres)


def upsert_on(table: Table, *, postgres: bool) -> Any:
    """The same, for a statement that is built before there is a transaction."""
    return postgresql.insert(table) if postgres else sqlite.insert(table)


def among(column: ColumnElement[Any], values: Sequence[str]) -> ColumnElement[bool]:
    """True if `column` is one of `values`, our own words, which are written into the SQL.

    SQLite does not match a partial index to bound values, and a bound list is expanded again at each run.
    """
    return column.in_([literal_column(f"'{value}'") for value in values])


def equals(column: ColumnElement[Any], value: str) -> ColumnElement[bool]:
    """True if `column` is this word of ours, written into the SQL for the same reason."""
    return column == literal_column(f"'{value}'")


class unindexed(FunctionElement[str]):  # noqa: N801 - a function of SQL's
    """The same column, for a condition that many rows meet: on SQLite no index over it is used for that.

    SQLite counts nothing: it takes any equality for rare, and would rather read half a table by it than a few rows by
    their id or time.
    """

    inherit_cache = True
    type = Text()


@compiles(unindexed, "sqlite")
def _without_index(element: unindexed, compiler: Any, **rest: Any) -> str:
    return f"+{compiler.process(element.clauses, **rest)}"


@compiles(unindexed)
def _as_it_is(element: unindexed, compiler: Any, **rest: Any) -> str:
    found: str = compiler.process(element.clauses, **rest)
    return found


def past(moment: Moment, due: ColumnElement[Any], delay: ColumnElement[Any] | float) -> ColumnElement[bool]:
    """True if `due` has come, or lies further ahead than its delay, which means that the clock has jumped."""
    return and_(due.is_not(None), or_(due <= moment.now, due > moment.now + delay))


def ahead(moment: Moment, due: ColumnElement[Any], delay: ColumnElement[Any] | float) -> ColumnElement[bool]:
    """True if `due` is in the future, and plausible."""
    return and_(due.is_not(None), due > moment.now, due <= moment.now + delay)


def begins_with(tx: Tx, column: ColumnElement[Any], beginning: str) -> ColumnElement[bool]:
    """True if a text begins with this, byte by byte, as `people_by_search_name` sorts it."""
    end = beginning + LAST_CHARACTER
    if tx.on_postgres:  # its usual comparisons follow its locale
        return and_(column.bool_op("~>=~")(beginning), column.bool_op("~<~")(end))
    return and_(column >= beginning, column < end)


class joined(FunctionElement[str]):  # noqa: N801 - a function of SQL's
    """The texts of a column in all rows, separated by spaces; NULL if there are none."""

    type = Text()
    inherit_cache = True


@compiles(joined, "sqlite")
def _group_concat(element: joined, compiler: Any, **rest: Any) -> str:
    return f"group_concat({compiler.process(element.clauses, **rest)}, ' ')"


@compiles(joined, "postgresql")
def _string_agg(element: joined, compiler: Any, **rest: Any) -> str:
    return f"string_agg({compiler.process(element.clauses, **rest)}, ' ')"


def floored(tx: Tx, value: ColumnElement[Any]) -> ColumnElement[int]:
    """The whole number at or below `value`, which is not negative."""
    return cast(func.floor(value) if tx.on_postgres else value, BigInteger)  # SQLite truncates, PostgreSQL would round
