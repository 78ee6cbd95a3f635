"""Conversation, lanes, gates: whoever takes locks in this order waits, and never for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from relay.messages import Decision
from relay.store.conversations import threads
from relay.store.db.engine import Store, open_store
from relay.store.queue import gates
from tests.harness import PATIENCE
from tests.store.shelf import claimed, freeze, open_thread, rows, start, states

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
        gates.close_for_operator(tx, "channel", "C0SUPPORT", cause="archived", code="is_archived")


def test_freezing_does_not_wait_for_a_new_decision(postgres_store: Store) -> None:
    """A send refers to its conversation; if that had to wait, each would wait for the other."""
    open_thread(postgres_store)
    held = claimed(postgres_store)
    stop_channel(postgres_store)
    freezing = Beside(lambda: freeze(postgres_store, held).state)
    in_time = []
    with postgres_store.begin() as tx:
        assert threads.redecide(tx, lambda *_: in_time.append(freezing.done_within(PATIENCE)) or VIP) == 1
    assert (in_time, freezing.result) == ([True], "frozen")


def test_nothing_sets_out_while_its_conversation_moves(store: Store) -> None:
    """The start waits for the move to commit, and then knows of it."""
    open_thread(store)
    held = claimed(store)
    frozen = freeze(store, held)
    stop_channel(store)
    starting = Beside(lambda: start(store, held, frozen))
    with store.begin() as tx:
        assert threads.redecide(tx, lambda *_: VIP) == 1
        assert not starting.done_within(0.2)
    assert starting.done_within(PATIENCE)
    assert (starting.result, states(store), rows(store, "conversations")[0].channel) == (None, ["waiting"], "C0VIP")
