"""Whether PostgreSQL keeps the plans of our statements, with and without a pooler between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from relay.errors import StoreUnavailable
from relay.store.db.engine import Store, open_store
from relay.store.db.postgres import notices_pooler
from relay.store.db.schema import migrate
from relay.store.queue.due import check_claimable
from tests.own_postgres import OwnPostgres, address, own_postgres, pooled
from tests.store.shelf import LEASE, LIMITS

NOTICED = "postgres.pooler_noticed"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("prepared")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[OwnPostgres]:
    with own_postgres(folder) as server:
        yield server


def noticed(logs: Sequence[Any]) -> list[str]:
    return [one["advice"] for one in logs if one["event"] == NOTICED]


@contextmanager
def store_at(url: str, *, pooler: bool = False) -> Iterator[Store]:
    store = open_store(url, pooler=pooler)
    try:
        migrate(store)
        yield store
    finally:
        store.close()


def look(store: Store, times: int = 10) -> None:
    for _ in range(times):
        with store.begin() as tx:
            check_claimable(tx, lease=LEASE, limits=LIMITS)


def kept(store: Store) -> int:
    """How many plans the server keeps for the connection that was used last."""
    with store.read() as tx:
        return int(tx.conn.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements").scalar_one())


def is_pooled(store: Store) -> bool:
    with store.read() as tx:
        return notices_pooler(tx)


def test_the_server_keeps_what_runs_often(server: OwnPostgres) -> None:
    with capture_logs() as logs, store_at(server.url) as store:
        look(store)
        assert kept(store) > 0
        assert not is_pooled(store)
    assert noticed(logs) == []


def test_a_pooler_that_was_named_is_asked_to_keep_nothing(server: OwnPostgres, folder: Path) -> None:
    with capture_logs() as logs, pooled(server, folder) as port, store_at(address(port), pooler=True) as store:
        look(store)
        assert kept(store) == 0
    assert noticed(logs) == []


def test_a_pooler_that_was_not_named_is_noticed_and_told_once(server: OwnPostgres, folder: Path) -> None:
    with capture_logs() as logs, pooled(server, folder) as port, store_at(address(port)) as store:
        look(store)
        assert kept(store) == 0
        assert is_pooled(store)
    assert [("DATABASE_POOLER=1" in advice) for advice in noticed(logs)] == [True]


def test_one_that_hides_itself_is_noticed_by_its_errors(server: OwnPostgres) -> None:
    """A pooler may greet as the server does, and lend us another connection later: that one knows no plan of ours."""
    with capture_logs() as logs, store_at(server.url) as store:
        look(store)
        with store.begin() as tx:
            tx.conn.exec_driver_sql("DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$")
        with pytest.raises(StoreUnavailable):
            look(store)
        look(store)
        assert kept(store) == 0
    assert len(noticed(logs)) == 1
