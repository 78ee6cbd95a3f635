"""One process hears at once what another has stored, where PostgreSQL can tell it; and nothing depends on it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg
import pytest
from structlog.testing import capture_logs

from relay.delivery.worker import Worker
from relay.sandbox import SandboxServer
from relay.store.db import news
from relay.store.db.engine import Store, open_store
from relay.store.db.news import Listener, Teller
from tests.harness import PATIENCE, context_with, raw, timeline, wait_for, words
from tests.own_postgres import Proxy, address, own_postgres, pooled
from tests.store.shelf import take_in

LISTENS = "FROM pg_stat_activity WHERE query = 'LISTEN relay_news' AND datname = current_database()"


@pytest.fixture
def process(postgres_database_url: str) -> Iterator[Callable[[], Store]]:
    """The store, as a process of its own has it."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(closing(open_store(postgres_database_url)))


@pytest.fixture
def admin(postgres_database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres_database_url, autocommit=True) as connection:
        yield connection


def listening(admin: psycopg.Connection) -> int:
    return len(admin.execute(f"SELECT 1 {LISTENS}").fetchall())


def posted(server: SandboxServer) -> str:
    return "\n".join(words(message) for message in timeline(server))


def test_what_one_tells_the_other_hears(process: Callable[[], Store]) -> None:
    heard = threading.Event()
    with Listener(process(), heard.set), Teller(process()) as teller:
        assert heard.wait(PATIENCE)  # it may have missed something before it listened
        heard.clear()
        teller.tell()
        assert heard.wait(PATIENCE)


def test_many_hear_it(process: Callable[[], Store]) -> None:
    heard = [threading.Event() for _ in range(4)]
    with ExitStack() as stack:
        for one in heard:
            stack.enter_context(Listener(process(), one.set))
        for one in heard:
            assert one.wait(PATIENCE)
            one.clear()
        teller = stack.enter_context(Teller(process()))
        teller.tell()
        assert all(one.wait(PATIENCE) for one in heard)


def test_a_connection_is_kept_while_nothing_is_told(
    process: Callable[[], Store], admin: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "PATIENCE", 0.01)
    heard = threading.Event()
    with capture_logs() as logs, Listener(process(), heard.set), Teller(process()) as teller:
        for _ in range(3):  # many times that patience
            assert heard.wait(PATIENCE)
            heard.clear()
            admin.execute("SELECT pg_sleep(0.1)")
            assert listening(admin) == 1
            teller.tell()
        assert heard.wait(PATIENCE)
    assert logs == []


def test_who_lost_the_connection_listens_again(
    process: Callable[[], Store], admin: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "AGAIN", 0.05)
    heard = threading.Event()
    with Listener(process(), heard.set), Teller(process()) as teller:
        assert heard.wait(PATIENCE)
        admin.execute(f"SELECT pg_terminate_backend(pid) {LISTENS}")
        assert wait_for(lambda: listening(admin) == 1)
        heard.clear()
        teller.tell()
        assert heard.wait(PATIENCE)


def test_who_hears_nothing_from_a_dead_line_listens_on_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a proxy whose other end is gone no error ever comes."""
    for name, seconds in (("ALIVE", 0.1), ("ANSWER", 0.5), ("AGAIN", 0.1)):
        monkeypatch.setattr(news, name, seconds)
    heard = threading.Event()
    with (
        own_postgres(tmp_path) as server,
        closing(Proxy(server.socket)) as proxy,
        closing(open_store(proxy.url())) as store,
        Listener(store, heard.set),
    ):
        assert heard.wait(PATIENCE)
        heard.clear()
        proxy.swallow(new=False)
        assert heard.wait(PATIENCE)


def test_who_could_not_tell_tells_the_next_time(process: Callable[[], Store]) -> None:
    heard, crowded = threading.Event(), process().share(1, turn=0.05)
    with capture_logs() as logs, Listener(process(), heard.set), Teller(crowded) as teller:
        assert heard.wait(PATIENCE)
        heard.clear()
        with crowded.read():
            teller.tell()
            assert wait_for(lambda: "news.not_told" in [one["event"] for one in logs])
        assert not heard.is_set()
        teller.tell()
        assert heard.wait(PATIENCE)


def test_behind_a_pooler_nobody_listens(tmp_path: Path) -> None:
    """A connection that is lent for one transaction hears nothing afterwards."""
    with own_postgres(tmp_path) as server, pooled(server, tmp_path) as port:
        for named in (True, False):
            heard = threading.Event()
            with closing(open_store(address(port), pooler=named)) as store, Listener(store, heard.set):
                assert wait_for(lambda: "listener" not in [thread.name for thread in threading.enumerate()])
            assert not heard.is_set()


def test_a_worker_that_hears_it_waits_for_no_poll(
    process: Callable[[], Store], admin: psycopg.Connection, server: SandboxServer
) -> None:
    web = process()
    worker = Worker(context_with(process(), server), poll=3600)
    worker.start()
    try:
        with Listener(process(), worker.wake), Teller(web) as teller:
            assert wait_for(lambda: listening(admin) == 1)
            take_in(web, "k1", "123456", body=raw("k1", "123456", "Hello"))
            teller.tell()
            assert wait_for(lambda: "Hello" in posted(server))
    finally:
        worker.stop(PATIENCE)
