"""`relay backup`: a copy that restores, made while the relay works, private, over nothing, whole or not there."""

from __future__ import annotations

import json
import shutil
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from relay.sandbox import SandboxServer
from relay.store.db.engine import Store, open_store
from relay.store.db.schema import migrate
from tests.cli.conftest import Run
from tests.harness import PATIENCE, body, environment, timeline, wait_for, words
from tests.processes import RelayProcess
from tests.store.shelf import take_in

Start = Callable[..., RelayProcess]
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
# Enough to be copied that a copy can be caught in the middle: 50 MB of refused bodies.
MUCH = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) "
    "INSERT INTO received (door, account, kind, outcome, body, received_at) "
    "SELECT 'kommunicate', 'default', 'message', 'rejected', zeroblob(250000), 4000000000 FROM n"
)


@ON_SQLITE
def test_it_says_what_is_in_it(run: Run, store: Store, database_url: str, tmp_path: Path) -> None:
    take_in(store, "k1")
    result = run("backup", "copy.db", DATABASE_URL=database_url)
    assert (result.exit_code, result.output) == (0, "copy.db: 1 MB, checked. Conversations: 1, received: 1.\n")
    found = json.loads(run("backup", "second.db", "--json", DATABASE_URL=database_url).stdout)
    assert found == {
        "file": "second.db",
        "conversations": 1,
        "received": 1,
        "size": (tmp_path / "copy.db").stat().st_size,
    }
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600


@ON_SQLITE
@pytest.mark.parametrize("name", ["copy.db", "copy.db.part"])
def test_it_replaces_nothing(run: Run, store: Store, database_url: str, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    result = run("backup", "copy.db", DATABASE_URL=database_url)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{name} already exists" in result.stderr
    assert (tmp_path / name).read_text() == "mine"
    assert [path.name for path in tmp_path.glob("copy.db*")] == [name]


@ON_SQLITE
def test_a_folder_that_is_not_there_is_named(run: Run, store: Store, database_url: str, tmp_path: Path) -> None:
    result = run("backup", "no/such/copy.db", DATABASE_URL=database_url)
    assert (result.exit_code, result.stdout) == (2, "")
    sentence = f"There is no folder {tmp_path}/no/such. Make it first, or name a file in another one."
    assert result.stderr == f"error [settings] {sentence}\n"


@ON_SQLITE
def test_a_folder_that_takes_no_files_is_named(run: Run, store: Store, database_url: str) -> None:
    """Nobody, not even root, can write there."""
    result = run("backup", "/proc/copy.db", DATABASE_URL=database_url)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Nothing can be written in the folder /proc" in result.stderr
    assert ".part" not in result.stderr


def test_without_a_database_nothing_is_made(run: Run, tmp_path: Path) -> None:
    result = run("backup", "copy.db")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "There is no database yet at" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_on_postgres_it_says_what_to_use(run: Run, tmp_path: Path) -> None:
    """It needs no database to be there for that."""
    result = run("backup", "copy.db", DATABASE_URL="postgres://127.0.0.1:1/d")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "use `pg_dump`" in result.stderr
    assert result.stderr.count("\n") == 1


@contextmanager
def writing(relay: RelayProcess) -> Iterator[list[str]]:
    """A customer writes all the time; the marks that were answered 200."""
    accepted: list[str] = []
    over = threading.Event()

    def write() -> None:
        while not over.is_set():
            mark = f"m{len(accepted)}x"
            assert relay.post(body(mark, text=mark)).status_code == 200
            accepted.append(mark)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield accepted
    finally:
        over.set()
        thread.join()


def test_a_backup_under_load_restores_and_a_killed_one_leaves_none(
    start: Start, live_server: Callable[..., SandboxServer], tmp_path: Path
) -> None:
    """The first copy is killed in the middle; the second is what the relay goes on from after a fire."""
    slack = live_server(pace=0)
    with closing(open_store(f"sqlite:///{tmp_path}/relay.db")) as store:
        migrate(store)
        with store.begin() as tx:
            tx.conn.execute(text(MUCH))
    env = environment(slack, "sqlite:///relay.db", RELAY_CONFIG_YAML=QUICK)
    relay = start("serve", env=env)
    relay.wait_ready()
    with writing(relay) as accepted:
        assert wait_for(lambda: len(accepted) > 20)
        killed = start("backup", "killed.db", env=env)
        assert wait_for((tmp_path / "killed.db.part").exists, every=0.001)
        killed.kill()
        before = list(accepted)
        assert start("backup", "copy.db", env=env).process.wait(PATIENCE) == 0
        assert wait_for(lambda: len(accepted) > len(before) + 20)
    assert not (tmp_path / "killed.db").exists()
    relay.kill()
    for path in tmp_path.glob("relay.db*"):
        path.unlink()
    shutil.copy(tmp_path / "copy.db", tmp_path / "relay.db")
    restored = start("serve", env=env)
    restored.wait_ready()
    assert restored.post(body("after", text="after the fire")).status_code == 200
    assert wait_for(lambda: any("after the fire" in words(one) for one in timeline(slack)))
    shown = " ".join(words(one) for one in timeline(slack) if one["thread_ts"])
    assert [mark for mark in before if mark not in shown] == []
    assert len([one for one in timeline(slack) if not one["thread_ts"]]) == 1  # still one thread


QUICK = "channels: {123456: C0SUPPORT}\ndelivery: {posts_per_second: 1000, burst: 1000}\n"
