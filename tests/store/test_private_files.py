"""S20: files that hold customers' words may be read by the relay's user alone, from the moment they are made."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from relay.store.db.engine import open_store
from relay.store.db.schema import migrate
from tests.store.shelf import take_in


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077], ids=oct)
def test_the_file_its_log_its_index_and_its_lock_are_private(tmp_path: Path, mask: int) -> None:
    with umask(mask), closing(open_store(f"sqlite:///{tmp_path}/relay.db")) as store:
        migrate(store)
        take_in(store)
        names = ["relay.db", "relay.db-wal", "relay.db-shm", "relay.db.lock"]
        assert modes(tmp_path) == dict.fromkeys(names, 0o600)


def test_a_file_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    """Whoever let a group read it had a reason; `relay doctor` tells."""
    path = tmp_path / "relay.db"
    path.touch()
    path.chmod(0o640)
    with closing(open_store(f"sqlite:///{path}")) as store:
        migrate(store)
        assert modes(tmp_path)["relay.db"] == 0o640
