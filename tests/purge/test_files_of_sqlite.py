"""What was erased is in no byte of SQLite's files: not in free pages, nor in the log, nor beside a relay at work."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url

from relay.store.db import sqlite
from relay.store.db.engine import open_store
from tests.purge.conftest import Purge
from tests.purge.test_erasing import WORDS, chat
from tests.replies.desk import GROUP, Desk

JANE = f"customer-{GROUP}"


@pytest.fixture
def database_url(sqlite_database_url: str) -> str:
    """SQLite alone."""
    return sqlite_database_url


@pytest.fixture
def path(sqlite_database_url: str) -> Path:
    return Path(make_url(sqlite_database_url).database or "")


def found_in(path: Path, *words: str) -> list[tuple[str, str]]:
    """Which of these words stand in which of the files."""
    files = {one.name: one.read_bytes() for one in path.parent.iterdir() if one.name.startswith(path.name)}
    return [(name, word) for name, content in sorted(files.items()) for word in words if word.encode() in content]


@pytest.fixture
def noisy(desk: Desk) -> Desk:
    """Many messages, long and short, so that pages were split, freed and used again."""
    for number in range(40):
        desk.write(f"m{number}", message=f"jane-secret {number} " + "long " * (number % 7) * 300)
        desk.run(1.5)
    chat(desk)
    return desk


def test_no_byte_of_it_is_left(noisy: Desk, purge: Purge, path: Path) -> None:
    assert {name for name, _ in found_in(path, *WORDS)} >= {"relay.db"}
    assert purge("--customer", JANE, "--slack", "--yes").exit_code == 0
    assert found_in(path, *WORDS, JANE) == []
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("PRAGMA freelist_count").fetchone() == (0,)
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_relay_that_has_it_open_is_no_obstacle(noisy: Desk, purge: Purge, path: Path) -> None:
    """The desk's own connections are open all the time, and go on."""
    assert purge("--customer", JANE, "--yes").exit_code == 0
    assert found_in(path, *WORDS) == []
    noisy.customer("hello again")
    assert "hello again" in noisy.shown()[-1]


def test_who_reads_on_and_on_is_waited_for_and_told_of(
    noisy: Desk, purge: Purge, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader keeps the log; the next purge, though nothing is left to erase, clears it away."""
    monkeypatch.setattr(sqlite, "TIDYING", 0.5)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM received").fetchone()
        result = purge("--customer", JANE, "--yes")
        assert (result.exit_code, "Run the same command again" in result.stdout) == (1, True)
    assert purge("--customer", JANE, "--yes").exit_code == 0
    assert found_in(path, *WORDS) == []
    assert purge("--customer", JANE, "--yes").exit_code == 1


def test_what_was_deleted_by_an_earlier_version_goes_when_the_file_is_written_anew(
    noisy: Desk, purge: Purge, path: Path
) -> None:
    """Until then it may be left: nobody has to wait."""
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("PRAGMA secure_delete=OFF")
        raw.execute("CREATE TABLE old (words TEXT)")
        raw.execute("INSERT INTO old SELECT 'jane-secret of old ' || hex(zeroblob(3000))")
        raw.execute("DROP TABLE old")
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert purge("--customer", JANE, "--yes", "--no-rewrite").exit_code == 0
    assert found_in(path, *WORDS) == [("relay.db", "jane-secret")]
    assert found_in(path, "Jane Jones", "jane-secret-question") == []
    assert purge("--older-than", "3650d", "--yes").exit_code == 0
    assert found_in(path, *WORDS) == []


def test_every_connection_overwrites_what_it_deletes(sqlite_database_url: str) -> None:
    with closing(open_store(sqlite_database_url)) as store, store.read() as tx:
        assert tx.conn.exec_driver_sql("PRAGMA secure_delete").scalar_one() == 1
