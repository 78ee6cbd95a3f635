"""Sees every statement on its way to the driver, whoever sends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine

Note = Callable[[str, Any, Any], None]


@contextmanager
def noted(engine: Engine, note: Note) -> Iterator[None]:
    """Calls `note` with each statement, its values and the driver's connection, before it is run."""
    dialect = engine.dialect
    once, many = dialect.do_execute, dialect.do_executemany

    def do_execute(cursor: Any, statement: str, values: Any, *rest: Any) -> None:
        note(statement, values, cursor.connection)
        once(cursor, statement, values, *rest)

    def do_executemany(cursor: Any, statement: str, values: Any, *rest: Any) -> None:
        note(statement, values, cursor.connection)
        many(cursor, statement, values, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dialect, "do_execute", do_execute)
        patch.setattr(dialect, "do_executemany", do_executemany)
        yield


@contextmanager
def listed(engine: Engine) -> Iterator[list[str]]:
    """The statements from here on."""
    ran: list[str] = []
    with noted(engine, lambda statement, _values, _connection: ran.append(statement)):
        yield ran
