"""Workers in threads against a sandbox on the real clock: they wake, survive, and stop when told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import event, update

from relay.delivery import worker as module
from relay.delivery.attempt import Taking, fetch, take
from relay.delivery.in_flight import InFlight
from relay.delivery.owner import this_process
from relay.delivery.steps import Need
from relay.delivery.worker import Worker
from relay.errors import StoreUnavailable
from relay.sandbox import SandboxServer
from relay.store.db.engine import Store, Tx, open_store
from relay.store.db.tables import conversations
from tests.delivery.rig import POST, Rig
from tests.harness import PATIENCE, context_with, timeline, wait_for
from tests.store.shelf import rows, states, take_in


@pytest.fixture
def live(database_url: str) -> Iterator[Store]:
    """The store on its usual clock."""
    store = open_store(database_url)
    yield store
    store.close()


@pytest.fixture
def slack(live_server: Callable[..., SandboxServer]) -> SandboxServer:
    return live_server(pace=0)


@pytest.fixture
def run(live: Store, slack: SandboxServer) -> Iterator[Callable[..., Worker]]:
    """Start workers; all are stopped in the end."""
    running: list[Worker] = []
    quick = {"posts_per_second": 100, "burst": 100}

    def start(**options: Any) -> Worker:
        running.append(Worker(context_with(live, slack, delivery=quick), **options))
        running[-1].start()
        return running[-1]

    yield start
    for worker in running:
        worker.stop(PATIENCE)


def delivered(store: Store, number: int) -> Callable[[], bool]:
    return lambda: states(store) == ["delivered"] * number


def test_a_channel_gets_its_share_back_though_its_conversation_has_moved(rig: Callable[..., Rig]) -> None:
    """While names are looked up the mapping may send it elsewhere."""
    line = rig()
    line.write("m1")
    (attempt,), flight = take(line.out, this_process(), Taking()), InFlight()
    assert isinstance(attempt.step, Need)
    flight.add(attempt)
    with line.store.begin() as tx:
        tx.conn.execute(update(conversations).values(channel="C0VIP", channel_id="C0VIP"))
    fetch(line.out, attempt, attempt.step)
    flight.remove(attempt)
    assert attempt.channel == "C0VIP"
    assert not flight._by_channel


def test_it_delivers_in_the_background(live: Store, slack: SandboxServer, run: Callable[..., Worker]) -> None:
    """Two workers, ten conversations: every message once."""
    run()
    run()
    for number in range(20):
        take_in(live, str(number), str(number % 10))
    assert wait_for(delivered(live, 20))
    assert len([row for row in rows(live, "sends", kind="root") if row.state == "delivered"]) == 10
    assert sum(message["thread_ts"] is None for message in timeline(slack)) == 10


def test_news_wakes_it_at_once(live: Store, run: Callable[..., Worker]) -> None:
    """Long before its next poll."""
    worker = run(poll=10 * PATIENCE)
    take_in(live)
    worker.wake()
    assert wait_for(delivered(live, 1))


def test_without_news_it_polls(live: Store, run: Callable[..., Worker]) -> None:
    """Another process has accepted it."""
    run()
    take_in(live)
    assert wait_for(delivered(live, 1))


def test_it_finishes_what_is_in_flight_before_it_stops(live: Store, slack: SandboxServer, run: Any) -> None:
    """And claims nothing more."""
    slack.sandbox.faults.add(POST, "slow", seconds=PATIENCE)
    worker = run()
    take_in(live)
    worker.wake()
    assert wait_for(lambda: len(slack.sandbox.slack.messages) == 1)
    assert not worker.stop(0)
    assert [row.state for row in rows(live, "sends")] == ["sending"]
    slack.sandbox.core.closing.set()  # Slack answers: it waits no longer than that
    assert worker.stop(PATIENCE)
    assert [row.state for row in rows(live, "sends")] == ["delivered"]
    assert (states(live), rows(live, "lanes")[0].lease_owner) == (["waiting"], None)


def test_an_idle_one_stops_at_once(run: Callable[..., Worker]) -> None:
    worker = run(poll=10 * PATIENCE)
    assert worker.stop(20)


@pytest.fixture
def outage(live: Store) -> tuple[threading.Event, threading.Event]:
    """Set the first and no connection can be had; the second tells that one was refused."""
    away, refused = threading.Event(), threading.Event()

    def refuse(*_: object) -> None:
        if away.is_set():
            refused.set()
            raise live.engine.dialect.dbapi.OperationalError("scripted: away")  # type: ignore[union-attr]

    event.listen(live.engine, "checkout", refuse)
    return away, refused


def test_it_survives_a_store_that_is_away(live: Store, outage: Any, run: Callable[..., Worker]) -> None:
    """It waits a second and goes on."""
    away, refused = outage
    run()
    away.set()
    assert refused.wait(PATIENCE)
    away.clear()
    take_in(live)
    assert wait_for(delivered(live, 1))


def test_it_survives_what_nobody_foresaw(live: Store, run: Callable[..., Worker]) -> None:
    """Also in its housekeeping."""
    failed = threading.Event()

    def chores() -> None:
        failed.set()
        raise ZeroDivisionError("scripted")

    run(chores=[chores])
    assert failed.wait(PATIENCE)
    take_in(live)
    assert wait_for(delivered(live, 1))


def broken() -> None:
    raise ZeroDivisionError("scripted")


def test_it_keeps_house_at_its_start(run: Callable[..., Worker]) -> None:
    """One chore that fails keeps none of the others from being done."""
    done = threading.Event()
    run(chores=[broken, done.set])
    assert done.wait(PATIENCE)


def test_a_message_nobody_can_read_any_more_is_a_dead_letter(live: Store, run: Callable[..., Worker]) -> None:
    """Those behind it go on."""
    take_in(live, "k1", body=b"not JSON")
    take_in(live, "k2")
    run()
    assert wait_for(lambda: states(live) == ["dead", "delivered"])


def test_a_take_that_is_committed_after_all_and_late_holds_nobody_up(
    rig: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that was frozen finds the commit among what it had been sent, after all was cleared up already."""
    monkeypatch.setattr(module, "CLEAR_UP_EVERY", -1.0)
    monkeypatch.setattr(module, "TROUBLE", (0.0, 0.0))
    line, asked = rig(), []
    line.write("m1")

    def away(_store: Store, _name: str, work: Callable[[Tx], Any]) -> Any:
        asked.append(work)
        with line.store.begin() as tx:
            work(tx)
            raise StoreUnavailable("frozen")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "write", away)
        with pytest.raises(StoreUnavailable):
            line.worker._take_what_is_due()
    line.worker._clear_up()
    line.store.write("take", asked[0])
    assert line.worker.run_once()
    line.run(60)
    assert line.told() == ["m1"]
