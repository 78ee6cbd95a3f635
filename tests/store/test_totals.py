"""The totals: the same whether what is settled has been counted yet or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import text

from relay.store.db.engine import Store, open_store
from relay.store.intake.recording import Came, held_in_vain, record, release
from relay.store.intake.webhooks import accept, reject
from relay.store.operations.replay import replay_one
from relay.store.operations.reports import Kind
from relay.store.operations.totals import SETTLED, Totals, count_settled, totals
from relay.vocabulary import DeliveryState, ReceivedKind
from tests.harness import FakeClock, raw
from tests.statements import noted
from tests.store.shelf import MAPPED, bury, claimed, ignored, message, open_thread, rows, settle, started, take_in


def now_are(store: Store) -> Totals:
    with store.read() as tx:
        return totals(tx)


def count(store: Store, step: int = 3) -> None:
    """As the chore does, in small steps."""
    more = True
    while more:
        with store.begin() as tx:
            more = count_settled(tx, step)


def deliver(store: Store) -> None:
    held = claimed(store)
    settle(store, held, started(store, held))


def counted_up_to(store: Store) -> dict[str, int]:
    return {row.what: row.up_to for row in rows(store, "counts")}


def test_totals_count_everything_stored(store: Store, clock: FakeClock) -> None:
    open_thread(store)
    deliver(store)
    for _ in range(2):
        take_in(store, "k2")
    clock.advance(7)
    now = now_are(store)
    assert now.received == {"accepted": 2, "duplicate": 1}
    assert (
        now.delivered[Kind.MESSAGE, DeliveryState.DELIVERED],
        now.delivered[Kind.ROOT, DeliveryState.DELIVERED],
    ) == (1, 1)
    assert (now.queue, now.oldest_waiting) == ({"waiting": 1, "sending": 0, "unsure": 0}, 7.0)


@pytest.mark.parametrize("step", [1, 2, 3, 1000])
def test_they_stay_the_same_when_what_is_settled_is_counted(store: Store, clock: FakeClock, step: int) -> None:
    open_thread(store)
    deliver(store)
    take_in(store, "dead")
    bury(store)
    for key in ("waits", "waits", "waits too"):
        take_in(store, key)
    with store.begin() as tx:
        accept(tx, ignored("unseen"), raw("unseen"), MAPPED)
        reject(tx, "default", b"{", "no JSON")
    before = now_are(store)
    clock.advance(SETTLED + 1)
    count(store, step)
    assert counted_up_to(store) == {table: rows(store, table)[-1].id for table in ("received", "deliveries")}
    after = now_are(store)
    assert after.oldest_waiting == (before.oldest_waiting or 0.0) + SETTLED + 1
    assert (after.received, after.queue) == (before.received, before.queue)
    assert +_numbers(after) == +_numbers(before)


def _numbers(now: Totals) -> Counter[tuple[Kind, DeliveryState]]:
    return Counter(now.delivered)


def test_what_becomes_of_a_counted_message_later_is_told(store: Store, clock: FakeClock) -> None:
    """Delivered, buried, given another life, repeated."""
    open_thread(store)
    clock.advance(SETTLED + 1)
    count(store)
    bury(store)
    assert now_are(store).delivered[Kind.MESSAGE, DeliveryState.DEAD] == 1
    with store.begin() as tx:
        replay_one(tx, 1)
    assert now_are(store).delivered.get((Kind.MESSAGE, DeliveryState.DEAD), 0) == 0
    assert now_are(store).queue[DeliveryState.WAITING] == 1
    deliver(store)
    take_in(store, "first-of-123456")
    now = now_are(store)
    assert now.delivered[Kind.MESSAGE, DeliveryState.DELIVERED] == 1
    assert now.received == {"accepted": 1, "duplicate": 1}


def test_what_came_lately_is_not_counted_yet(store: Store, clock: FakeClock) -> None:
    """A transaction that took a lower id may still be open."""
    take_in(store, "old")
    clock.advance(SETTLED + 1)
    take_in(store, "new")
    count(store)
    assert counted_up_to(store) == {"received": 1, "deliveries": 1}
    assert now_are(store).received == {"accepted": 2}


def test_what_is_held_is_counted_when_it_is_decided(store: Store, clock: FakeClock) -> None:
    with store.begin() as tx:
        record(tx, Came(ReceivedKind.MESSAGE, "default", "T/C/1", b"{}", "C0SUPPORT", "1.1"), None)
    take_in(store, "later")
    clock.advance(SETTLED + 1)
    count(store)
    assert counted_up_to(store) == {"deliveries": 1}
    with store.begin() as tx:
        (held,) = held_in_vain(tx, 10)
        assert release(tx, held, None)
    assert now_are(store).received == {"accepted": 1, "ignored": 1}
    count(store)
    assert counted_up_to(store) == {"received": 2, "deliveries": 1}
    assert now_are(store).received == {"accepted": 1, "ignored": 1}


def test_a_message_from_the_future_does_not_stop_the_counting(store: Store, clock: FakeClock) -> None:
    """The clock had jumped ahead by a year."""
    clock.advance(365 * 86400)
    take_in(store, "from the future")
    clock.advance(-365 * 86400)
    count(store)
    assert counted_up_to(store) == {"received": 1, "deliveries": 1}


def test_ids_that_were_never_used_are_passed(store: Store, clock: FakeClock) -> None:
    """A sequence leaves gaps wider than a step."""
    take_in(store, "k1")
    with store.begin() as tx:
        moved = "UPDATE sqlite_sequence SET seq = 50" if store.on_sqlite else "SELECT setval('received_id_seq', 50)"
        tx.conn.execute(text(moved))
    take_in(store, "k2")
    clock.advance(SETTLED + 1)
    count(store)
    assert counted_up_to(store)["received"] == 51
    assert now_are(store).received == {"accepted": 2}


@pytest.fixture
def overlapping(postgres_database_url: str, clock: FakeClock) -> Iterator[Store]:
    """Where transactions overlap."""
    with closing(open_store(postgres_database_url, clock)) as store:
        yield store


def test_a_transaction_that_is_still_open_is_counted_when_it_ends(overlapping: Store, clock: FakeClock) -> None:
    """Nothing else came for a while, and what came after it was faster."""
    take_in(overlapping, "old", "1")
    clock.advance(SETTLED + 1)
    with overlapping.begin() as slow:
        accept(slow, message("slow", "2"), raw("slow", "2"), MAPPED)
        take_in(overlapping, "fast", "3")
        count(overlapping)
    clock.advance(10 * SETTLED)
    count(overlapping)
    now = now_are(overlapping)
    assert now.received == {"accepted": 3}
    assert (now.queue[DeliveryState.WAITING], now.delivered[Kind.MESSAGE, DeliveryState.DELIVERED]) == (3, 0)


def test_what_comes_while_somebody_asks_takes_nothing_away(overlapping: Store, postgres_database_url: str) -> None:
    open_thread(overlapping)
    deliver(overlapping)
    came: list[str] = []

    def come(statement: str, *_: object) -> None:
        if "min(deliveries.created_at)" in statement and not came:
            came.append(statement)
            with closing(open_store(postgres_database_url)) as other:
                take_in(other, "n1")

    with noted(overlapping.engine, come):
        now = now_are(overlapping)
    assert came
    assert now.delivered[Kind.MESSAGE, DeliveryState.DELIVERED] == 1
