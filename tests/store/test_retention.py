"""Old words are forgotten; keys, states and whatever is still needed stay."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, update

from relay.messages import Agent, Person, Role
from relay.store.conversations.people import remember_agents, remember_people
from relay.store.db.engine import Store
from relay.store.db.tables import deliveries, received
from relay.store.intake.webhooks import accept, reject
from relay.store.operations.retention import Old, Refusals, cap_rejected, count_old, prune
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


def test_a_customers_name_is_forgotten_when_nobody_has_needed_it(store: Store, clock: FakeClock) -> None:
    """It is looked up again when somebody does. The team's stay: agents are known by them."""
    with store.begin() as tx:
        known = [
            Person("c1", "Jane", Role.CUSTOMER),
            Person("u1", "Who", Role.UNKNOWN),
            Person("a1", "Sam", Role.AGENT),
        ]
        remember_people(tx, "default", known)
        remember_agents(tx, "T1", [Agent("U1", "Alex", "alex@example.com")])
    clock.advance(29 * DAY)
    with store.begin() as tx:
        remember_people(tx, "default", [Person("c2", "Tom", Role.CUSTOMER)])
    clock.advance(2 * DAY)
    assert pruned(store) == 2
    assert {row.name for row in rows(store, "people")} == {"Sam", "Alex", "Tom"}


def test_it_tells_beforehand_how_much_is_old(store: Store, clock: FakeClock) -> None:
    open_thread(store)
    held = claimed(store)
    settle(store, held, started(store, held))
    with store.begin() as tx:
        remember_people(tx, "default", [Person("c1", "Jane", Role.CUSTOMER)])
    clock.advance(31 * DAY)
    with store.read() as tx:
        assert count_old(tx, 30 * DAY) == Old(bodies=1, payloads=2, names=1)
        assert count_old(tx, 32 * DAY) == Old(0, 0, 0)


@pytest.mark.parametrize(
    ("limits", "kept"),
    [
        ({"most": 3}, ["three", "four", "five"]),
        ({"most_bytes": 9}, ["four", "five"]),
        ({"most_bytes": 3}, []),
        ({}, ["one", "two", "three", "four", "five"]),
    ],
)
def test_of_what_was_refused_the_newest_is_kept(store: Store, limits: dict[str, int], kept: list[str]) -> None:
    """So many bodies, and so many bytes in all."""
    with store.begin() as tx:
        for word in ("one", "two", "three", "four", "five"):
            reject(tx, "default", word.encode(), "invalid_body")
    with store.begin() as tx:
        assert cap_rejected(tx, **limits) == 5 - len(kept)
        assert cap_rejected(tx, **limits) == 0
    assert [bytes(row.body).decode() for row in rows(store, "received") if row.body] == kept


def test_whether_it_is_too_much_is_seen_to_now_and_then() -> None:
    """At the first refusal of a process, then after so many, or so much."""
    refusals = Refusals()
    assert [refusals.is_due(10) for _ in range(102)].count(True) == 2
    assert [refusals.is_due(2_000_000) for _ in range(3)] == [False, False, True]
