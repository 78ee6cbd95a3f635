"""One PostgreSQL database for many tests, emptied before each: creating one takes longer than most tests."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import make_url

from relay.store.tables import metadata

EMPTY = "; ".join(
    [
        *(f"DELETE FROM {table.name}" for table in reversed(metadata.sorted_tables)),
        *(f"ALTER SEQUENCE {name}_id_seq RESTART" for name in ("conversations", "received", "deliveries")),
    ]
)


@pytest.fixture(scope="module")
def shared_postgres(postgres_url: str, postgres_template: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database for one module."""
    name = request.module.__name__.rpartition(".")[2]
    with psycopg.connect(postgres_url, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name} TEMPLATE {postgres_template} STRATEGY FILE_COPY")
    yield make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(postgres_url, autocommit=True) as conn:
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgres_database_url(shared_postgres: str) -> str:
    """The module's database, migrated and empty."""
    with psycopg.connect(shared_postgres, autocommit=True) as conn:
        conn.execute(EMPTY)
    return shared_postgres
