"""A database that is lent for the second time is as good as new."""

from __future__ import annotations

import psycopg
import pytest

from tests.databases import Databases

FILLED = "INSERT INTO conversations (account, group_id, created_at) VALUES ('a', 'g', 0) RETURNING id"


def test_it_is_empty_and_counts_from_one_again(postgres: Databases) -> None:
    found = set()
    for _ in range(2):
        with postgres.lend() as url, psycopg.connect(url) as conn:
            found.add((url, *conn.execute(FILLED).fetchall()))
    assert len(found) == 1


@pytest.mark.parametrize(
    "change",
    [
        "DROP SCHEMA public CASCADE; CREATE SCHEMA public",
        "DROP INDEX lanes_due; CREATE INDEX lanes_due ON lanes (due)",
        "CREATE TABLE another (id int)",
        "DROP TABLE alembic_version",
        "UPDATE alembic_version SET version_num = '9999'",
    ],
)
def test_whoever_changes_the_schema_was_the_last_to_have_it(postgres: Databases, change: str) -> None:
    with postgres.lend() as url, psycopg.connect(url) as conn:
        conn.execute(change.encode())
    with postgres.lend() as another:
        assert another != url


def test_a_transaction_that_somebody_left_open_is_over(postgres: Databases) -> None:
    with postgres.lend() as url:
        left = psycopg.connect(url)
        left.execute(FILLED)
    with postgres.lend() as again, psycopg.connect(again) as conn:
        assert (again, conn.execute("SELECT * FROM conversations").fetchall()) == (url, [])
    left.close()
