"""The few places where SQLite and PostgreSQL are spelled differently."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, bindparam, or_
from sqlalchemy.dialects import postgresql, sqlite

from relay.store.engine import Tx


def upsert(tx: Tx, table: Table) -> Any:
    """An INSERT into `table` that understands ON CONFLICT."""
    return postgresql.insert(table) if tx.on_postgres else sqlite.insert(table)


def among(column: ColumnElement[Any], values: Sequence[str]) -> ColumnElement[bool]:
    """True where `column` is one of `values`, which are written out: SQLite matches no partial index to bound ones."""
    return column.in_(bindparam(None, list(values), expanding=True, literal_execute=True))


def past(tx: Tx, due: ColumnElement[Any], delay: ColumnElement[Any] | float) -> ColumnElement[bool]:
    """True where `due` has come, and where it lies further ahead than its delay: then the clock has jumped."""
    return and_(due.is_not(None), or_(due <= tx.now, due > tx.now + delay))


def ahead(tx: Tx, due: ColumnElement[Any], delay: ColumnElement[Any] | float) -> ColumnElement[bool]:
    """True where `due` is still to come, and believable."""
    return and_(due.is_not(None), due > tx.now, due <= tx.now + delay)
