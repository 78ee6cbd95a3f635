"""What the ids of traces are made of: one for a database, whoever asks first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from relay.store.db.engine import open_store
from relay.store.operations.trace_seed import trace_seed
from tests.databases import Lend


def test_all_processes_of_a_database_have_the_same(database_url: str) -> None:
    with ThreadPoolExecutor(4) as several:
        seeds = set(several.map(ask, [database_url] * 8))
    assert len(seeds) == 1
    assert len(seeds.pop()) == 32


def test_another_database_has_another(lend_database: Lend) -> None:
    with lend_database("sqlite") as one, lend_database("sqlite") as other:
        assert ask(one) != ask(other)


def ask(url: str) -> str:
    with closing(open_store(url)) as store:
        return trace_seed(store)
