"""Conversation, lanes, gates: whoever takes locks in this order waits, and never for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing as closed
from contextlib import suppress

import psycopg
import pytest

from relay.errors import StoreUnavailable
from relay.messages import Decision
from relay.store.conversations import threads
from relay.store.db.engine import Store, open_store
from relay.store.db.postgres import BEGIN
from relay.store.queue import closing, gates
from relay.store.queue.due import lock
from relay.vocabulary import GateScope
from tests.harness import PATIENCE, wait_for
from tests.store.shelf import LIMITS, claimed, frozen, open_thread, rows, start, started, states, take_in

VIP = Decision("C0VIP", "channels", "listed")


class Beside:
    """Something done in a thread beside the test."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.result: object = "not done"
        self._thread = threading.Thread(target=self._run, args=(work,))

    def _run(self, work: Callable[[], object]) -> None:
        self.result = work()

    def done_within(self, seconds: float) -> bool:
        if self._thread.ident is None:
            self._thread.start()
        self._thread.join(seconds)
        return not self._thread.is_alive()


@pytest.fixture
def postgres_store(postgres_database_url: str) -> Iterator[Store]:
    store = open_store(postgres_database_url)
    yield store
    store.close()


def stop_channel(store: Store) -> None:
    with store.begin() as tx:
        closing.close_for_operator(tx, GateScope.CHANNEL, "C0SUPPORT", cause="archived", code="is_archived")


def stuck(store: Store) -> threads.Undecided:
    """The only conversation for which the mapping is to be asked again."""
    with store.read() as tx:
        (one,) = threads.undecided(tx, 0, 10)
    return one


def test_storing_a_send_does_not_wait_for_whoever_holds_its_conversation(postgres_store: Store) -> None:
    """A send refers to its conversation; if that had to wait, each would wait for the other."""
    open_thread(postgres_store)
    held = claimed(postgres_store)
    storing = Beside(lambda: started(postgres_store, held).state)
    with postgres_store.begin() as tx:
        threads.lock(tx, held.conversation.id)
        assert storing.done_within(PATIENCE)
    assert storing.result == "sending"


def test_nothing_sets_out_while_its_conversation_moves(store: Store) -> None:
    """The start waits for the move to commit, and then knows of it."""
    open_thread(store)
    held = claimed(store)
    send = frozen(store, held)
    stop_channel(store)
    one = stuck(store)
    starting = Beside(lambda: start(store, held, send))
    with store.begin() as tx:
        assert threads.move(tx, one, VIP)
        assert not starting.done_within(0.2)
    assert starting.done_within(PATIENCE)
    assert rows(store, "conversations")[0].channel == "C0VIP"


def test_a_conversation_that_set_out_until_it_could_be_locked_is_not_moved(store: Store) -> None:
    """It was decided outside of any transaction."""
    open_thread(store)
    held = claimed(store)
    send = frozen(store, held)
    stop_channel(store)
    one = stuck(store)
    start(store, held, send)
    with store.begin() as tx:
        assert not threads.move(tx, one, VIP)
    assert (states(store), rows(store, "conversations")[0].channel) == (["sending"], "C0SUPPORT")


def test_gates_are_locked_in_one_order(postgres_store: Store) -> None:
    """Refusals that close a channel and what it is a part of, in many channels at once, and posts that open them."""
    channels = [(GateScope.CHANNEL, f"C{number}") for number in range(4)]
    whole = (GateScope.WORKSPACE, "slack")

    def close(number: int) -> None:
        with postgres_store.begin() as tx:
            closing.lock(tx, [whole, channels[number % 4]])
            closing.close_for_operator(tx, *channels[number % 4], cause="x", code="x")
            closing.close_for_operator(tx, *whole, cause="x", code="x")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(close, range(80)))
    assert len(rows(postgres_store, "gates")) == 5


def test_nobody_waits_for_a_gate_that_is_held(postgres_store: Store) -> None:
    """A process that was stopped holds its channel's: others find no slot there, and settle what they have posted."""
    with postgres_store.begin() as tx:
        gates.take_slot(tx, "C0SUPPORT", LIMITS)
    with postgres_store.begin() as stopped:
        closing.lock(stopped, [(GateScope.CHANNEL, "C0SUPPORT")])
        with postgres_store.begin() as tx:
            assert gates.take_slot(tx, "C0SUPPORT", LIMITS) == gates.LOCKED
            gates.reopen_for_post(tx, "C0SUPPORT", LIMITS)
            assert gates.take_slot(tx, "C0VIP", LIMITS) is None


def test_a_process_that_stopped_while_it_sent_several_statements_holds_nobody_up(postgres_database_url: str) -> None:
    """The server has done the first, and waits for the next: that is no idle transaction to it."""
    with closed(open_store(postgres_database_url)) as other, psycopg.connect(postgres_database_url) as stopped:
        take_in(other)
        stopped.autocommit = True
        stopped.execute(BEGIN)
        with suppress(psycopg.Error), stopped.pipeline():
            stopped.execute("UPDATE conversations SET title = 'held'")
            stopped.pgconn.send_flush_request()
            stopped.pgconn.flush()
            assert wait_for(lambda: is_free(other))


def is_free(store: Store) -> bool:
    """Whether the conversation can be locked."""
    try:
        with store.begin() as tx:
            lock(tx, 1)
    except StoreUnavailable:
        return False
    return True
