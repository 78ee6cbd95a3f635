"""Group commit: one transaction for all who wait, and each hears what became of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
import structlog

from relay.errors import StoreBusy, StoreUnavailable
from relay.store.db.engine import Store, Tx
from relay.store.db.together import MOST, Together, Turns
from relay.store.intake.webhooks import accept
from relay.vocabulary import Outcome
from tests.harness import raw
from tests.store.shelf import MAPPED, message, rows

PATIENCE = 20.0  # seconds


class Crowd:
    """Writes that wait while another one is being made, so that they share the next transaction."""

    def __init__(self, store: Store) -> None:
        self.store, self.together = store, store._together
        self.pool = ThreadPoolExecutor(2 * MOST)
        self.first, self.let_go = threading.Event(), threading.Event()
        self.leader = self.pool.submit(self.together.write, "", self._wait)
        assert self.first.wait(PATIENCE)
        self.commits = 0
        dialect = store.engine.dialect
        self.commit, self.patch = dialect.do_commit, pytest.MonkeyPatch()
        self.patch.setattr(dialect, "do_commit", self._count)

    def _wait(self, _tx: Tx) -> None:
        self.first.set()
        assert self.let_go.wait(PATIENCE)

    def _count(self, connection: Any) -> None:
        self.commits += 1
        self.commit(connection)

    def join(self, work: Callable[[Tx], Any], order: tuple[str, ...] = ()) -> Future[Any]:
        """One more who waits."""
        waiting = self.together._waiting
        before = len(waiting)
        future = self.pool.submit(self.together.write, "", work, order)
        while len(waiting) == before and not future.done():
            threading.Event().wait(0.001)
        return future

    def go(self) -> None:
        """Now all of them."""
        self.let_go.set()
        self.leader.result(PATIENCE)
        self.pool.shutdown()
        self.patch.undo()


@pytest.fixture
def crowd(store: Store) -> Crowd:
    return Crowd(store)


def accepting(number: int, group: str = "1") -> Callable[[Tx], Any]:
    key = f"k{number}"
    return lambda tx: accept(tx, message(key, group), raw(key, group), MAPPED)


def test_whoever_waits_shares_one_commit(store: Store, crowd: Crowd) -> None:
    told = [crowd.join(accepting(number, str(number % 5)), (str(number % 5),)) for number in range(40)]
    crowd.go()
    assert [one.result().outcome for one in told] == [Outcome.ACCEPTED] * 40
    assert len(rows(store, "received")) == 40
    assert crowd.commits == 2  # the first one's, and one for all the others


def test_no_transaction_takes_more_than_so_many(crowd: Crowd) -> None:
    told = [crowd.join(lambda _tx, number=number: number) for number in range(MOST + 1)]
    crowd.go()
    assert [one.result() for one in told] == list(range(MOST + 1))
    assert crowd.commits == 3


def test_the_second_of_two_with_one_key_is_a_repetition(store: Store, crowd: Crowd) -> None:
    told = [crowd.join(accepting(1)) for _ in range(2)]
    crowd.go()
    assert [one.result().outcome for one in told] == [Outcome.ACCEPTED, Outcome.DUPLICATE]
    assert [row.copies for row in rows(store, "received")] == [1]


def test_what_cannot_be_stored_fails_alone(store: Store, crowd: Crowd) -> None:
    def wrong(tx: Tx) -> None:
        accepting(7)(tx)
        raise ValueError("of its own making")

    told = [crowd.join(accepting(1)), crowd.join(wrong), crowd.join(accepting(2))]
    crowd.go()
    with pytest.raises(ValueError, match="of its own making"):
        told[1].result()
    assert [told[number].result().outcome for number in (0, 2)] == [Outcome.ACCEPTED] * 2
    assert sorted(row.key for row in rows(store, "received")) == ["k1", "k2"]


def test_when_the_store_is_away_all_of_them_hear_it(store: Store, crowd: Crowd) -> None:
    def away(_tx: Tx) -> None:
        raise StoreUnavailable("away")

    told = [crowd.join(accepting(1)), crowd.join(away), crowd.join(accepting(2))]
    crowd.go()
    for one in told:
        with pytest.raises(StoreUnavailable):
            one.result()
    assert rows(store, "received") == []


def test_whoever_has_waited_for_a_store_that_is_away_waits_no_second_time(store: Store) -> None:
    """However many rounds they would have been."""
    begun, let_go = threading.Event(), threading.Event()

    def away(_tx: Tx) -> None:
        begun.set()
        assert let_go.wait(PATIENCE)
        raise StoreUnavailable("away")

    together = Together(store.begin)
    with ThreadPoolExecutor(9) as pool:
        told = [pool.submit(together.write, "", away)]
        assert begun.wait(PATIENCE)
        told += [pool.submit(together.write, "", lambda _tx: None) for _ in range(8)]
        while len(together._waiting) < 8:
            threading.Event().wait(0.001)
        let_go.set()
        assert [type(one.exception(PATIENCE)) for one in told] == [StoreUnavailable] * 9
        begun.clear()
        let_go.clear()
        trying = pool.submit(together.write, "", away)
        assert begun.wait(PATIENCE)
        with pytest.raises(StoreUnavailable):  # at once: one tries already
            together.write("", lambda _tx: None)
        let_go.set()
        assert trying.exception(PATIENCE)
    assert together.write("", lambda _tx: "again") == "again"


def test_what_waits_elsewhere_meanwhile_is_refused_at_once(store: Store) -> None:
    """In the web server's queue: it has waited for the round before already."""

    def away(_tx: Tx) -> None:
        raise StoreUnavailable("away")

    together = Together(store.begin, rest=PATIENCE)
    for work in (away, lambda _tx: None):
        with pytest.raises(StoreUnavailable):
            together.write("", work)


def test_what_somebody_else_holds_keeps_nobody_waiting_but_those_who_need_it(crowd: Crowd) -> None:
    tries: list[bool] = []

    def locked_out(_tx: Tx) -> str:
        tries.append(True)
        if len(tries) == 1:
            raise StoreBusy("somebody holds it")
        return "in the end"

    told = [crowd.join(lambda _tx: "at once"), crowd.join(locked_out)]
    crowd.go()
    assert [one.result() for one in told] == ["at once", "in the end"]


def test_those_who_lock_more_than_one_thing_do_so_in_one_order(crowd: Crowd) -> None:
    done: list[str] = []
    told = [crowd.join(lambda _tx, name=name: done.append(name), (name,)) for name in "cab"]
    crowd.go()
    assert [one.result() for one in told] == [None] * 3
    assert done == ["a", "b", "c"]


def test_what_is_done_for_many_at_once_gives_each_its_own(crowd: Crowd) -> None:
    calls: list[list[int]] = []

    def double(_tx: Tx, numbers: Sequence[int]) -> list[int]:
        calls.append(list(numbers))
        return [2 * number for number in numbers]

    def ask(number: int) -> int:
        found: int = crowd.together.write_set("", double, number, (str(-number),))
        return found

    told = [crowd.pool.submit(ask, number) for number in range(3)]
    while len(crowd.together._waiting) < 3:
        threading.Event().wait(0.001)
    crowd.go()
    assert [one.result() for one in told] == [0, 2, 4]
    assert sorted(calls[0]) == [0, 1, 2]
    assert len(calls) == 1


def test_log_lines_name_what_each_works_on(crowd: Crowd) -> None:
    def bound(number: int) -> int:
        with structlog.contextvars.bound_contextvars(conversation=number):
            found: int = crowd.together.write(
                "", lambda _tx: structlog.contextvars.get_contextvars()["conversation"], ()
            )
            return found

    told = [crowd.pool.submit(bound, number) for number in range(3)]
    while len(crowd.together._waiting) < 3:
        threading.Event().wait(0.001)
    crowd.go()
    assert [one.result() for one in told] == [0, 1, 2]


def test_turns_go_to_whoever_has_waited_longest() -> None:
    turns, done = Turns(), []
    assert turns.acquire(1.0)

    def wait(number: int) -> None:
        assert turns.acquire(PATIENCE)
        done.append(number)
        turns.release()

    threads = [threading.Thread(target=wait, args=(number,)) for number in range(5)]
    for number, thread in enumerate(threads):
        thread.start()
        while len(turns._queue) <= number:
            threading.Event().wait(0.001)
    assert not turns.acquire(0.01)  # who gives up is forgotten
    turns.release()
    for thread in threads:
        thread.join(PATIENCE)
    assert done == list(range(5))
    assert turns.acquire(0.0)
