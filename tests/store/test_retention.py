"""Old words are forgotten; keys, states and whatever is still needed stay."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, update

from relay.store.db.engine import Store
from relay.store.db.tables import deliveries, received
from relay.store.intake.webhooks import accept
from relay.store.operations.retention import prune
from tests.harness import FakeClock, raw
from tests.store.shelf import UNMAPPED, claimed, ignored, open_thread, rows, settle, started, take_in

DAY = 86400.0


def pruned(store: Store, *, days: float = 30, limit: int = 500) -> int:
    with store.begin() as tx:
        return prune(tx, days * DAY, limit=limit)


def test_what_was_shown_is_forgotten_when_it_is_old(store: Store, clock: FakeClock) -> None:
    """The body and the payloads, of a root too."""
    open_thread(store)
    held = claimed(store)
    settle(store, held, started(store, held))
    clock.advance(30 * DAY)
    assert pruned(store) == 0
    clock.advance(1)
    assert (pruned(store), pruned(store)) == (3, 0)
    assert rows(store, "received")[0].body is None
    assert {row.payload for row in rows(store, "sends")} == {"{}"}


def test_what_is_ignored_is_forgotten_too(store: Store, clock: FakeClock) -> None:
    with store.begin() as tx:
        accept(tx, ignored(), raw(), UNMAPPED)
    clock.advance(31 * DAY)
    assert pruned(store) == 1


@pytest.mark.parametrize("state", ["waiting", "sending", "unsure", "dead"])
def test_what_is_still_needed_is_kept(store: Store, clock: FakeClock, state: str) -> None:
    """However old it is: body, and payload of the post."""
    open_thread(store)
    started(store, claimed(store))
    with store.begin() as tx:
        tx.conn.execute(update(deliveries).values(state=state))
        tx.conn.exec_driver_sql("UPDATE sends SET state = 'refused' WHERE kind = 'post'")
    clock.advance(400 * DAY)
    pruned(store)
    assert rows(store, "received")[0].body is not None
    assert rows(store, "sends", kind="post")[0].payload != "{}"


def test_a_key_outlives_its_body(store: Store, clock: FakeClock) -> None:
    """The same webhook 29 days later, and long after, is a duplicate."""
    take_in(store)
    clock.advance(29 * DAY)
    assert take_in(store).outcome == "duplicate"
    with store.begin() as tx:
        tx.conn.execute(update(deliveries).values(state="delivered"))
    clock.advance(300 * DAY)
    assert (pruned(store), take_in(store).outcome) == (1, "duplicate")


def test_it_forgets_a_little_at_a_time(store: Store, clock: FakeClock) -> None:
    """Oldest first, so that no transaction is long."""
    for number in range(3):
        take_in(store, str(number))
        clock.advance(1)
    with store.begin() as tx:
        tx.conn.execute(update(deliveries).values(state="delivered"))
    clock.advance(31 * DAY)
    assert [pruned(store, limit=2), pruned(store, limit=2)] == [2, 1]


@pytest.mark.parametrize("column", ["words_id", "late_id"])
def test_a_correction_is_kept_as_long_as_somebody_may_want_it(store: Store, clock: FakeClock, column: str) -> None:
    """A reply that waits for a month still says "10 euros", not the "1000 euros" it was first."""
    with store.begin() as tx:
        tx.conn.exec_driver_sql(
            "INSERT INTO conversations (id, account, group_id, channel, created_at) VALUES (1, 'default', '1', 'C1', 0)"
        )
        for number, kind in ((1, "message"), (2, "edit"), (3, "edit")):
            tx.conn.execute(
                insert(received).values(
                    id=number, source="slack", account="default", kind=kind, key=str(number), conversation_id=1,
                    outcome="accepted", body=b"x", received_at=tx.now,
                )
            )  # fmt: skip
        named = {"conversation_id": 1, "lane": "replies", "received_id": 1, "created_at": tx.now, column: 2}
        state = "waiting" if column == "words_id" else "dead"
        tx.conn.execute(insert(deliveries).values(**named, state=state))
    clock.advance(400 * DAY)
    assert pruned(store) == 1
    assert [row.body is None for row in rows(store, "received")] == [False, False, True]
    with store.begin() as tx:
        tx.conn.execute(update(deliveries).values(state="delivered", words_id=None, late_id=None))
    assert pruned(store) == 2
