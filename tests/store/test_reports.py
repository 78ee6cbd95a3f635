"""What waits and why, what is dead, what was rejected; people as they were looked up."""

from __future__ import annotations

import pytest

from relay.messages import Decision, Person, Role
from relay.store.conversations.people import known_people, remember_people
from relay.store.db.engine import Store
from relay.store.intake.webhooks import reject
from relay.store.operations.reports import Which, list_deliveries, show_delivery, show_rejected
from relay.store.queue import closing
from relay.vocabulary import GateScope
from tests.harness import FakeClock
from tests.store.shelf import LIMITS, UNMAPPED, bury, claimed, open_thread, started, take_in

NAMES = {
    GateScope.WORKSPACE: "slack",
    GateScope.CHANNEL: "C0SUPPORT",
    GateScope.METHOD: "chat.postMessage",
}


def listed(store: Store, which: Which = Which.ALL) -> list[tuple[object, ...]]:
    with store.read() as tx:
        return [(row["id"], row["state"], row["cause"]) for row in list_deliveries(tx, which, LIMITS)]


def test_an_unmapped_chat_waits_with_the_mappings_word(store: Store) -> None:
    take_in(store, decision=UNMAPPED)
    assert listed(store, Which.WAITING) == [(1, "waiting", "Nothing names it.")]


@pytest.mark.parametrize("scope", NAMES)
def test_what_waits_at_a_gate_tells_the_gates_cause(store: Store, scope: GateScope) -> None:
    take_in(store)
    with store.begin() as tx:
        closing.close_for_operator(tx, scope, NAMES[scope], cause="ask somebody", code="x")
    assert listed(store, Which.WAITING) == [(1, "waiting", "ask somebody")]


def test_a_name_that_does_not_exist_tells_its_cause(store: Store) -> None:
    take_in(store, decision=Decision("#suport", "channels", "listed"))
    with store.begin() as tx:
        closing.close_for_operator(tx, GateScope.CHANNEL, "#suport", cause="no such channel", code="channel_not_found")
    assert listed(store)[0][2] == "no such channel"


def test_the_newest_comes_first_and_the_dead_are_told_apart(store: Store) -> None:
    open_thread(store)
    bury(store)
    take_in(store, "k2")
    assert listed(store) == [(2, "waiting", ""), (1, "dead", "too long")]
    assert (listed(store, Which.DEAD), listed(store, Which.WAITING)) == (
        [(1, "dead", "too long")],
        [(2, "waiting", "")],
    )


def test_a_delivery_shows_its_sends_and_no_words(store: Store) -> None:
    open_thread(store)
    started(store, claimed(store))
    with store.read() as tx:
        shown = show_delivery(tx, 1, LIMITS)
        assert show_delivery(tx, 99, LIMITS) is None
    assert shown is not None
    assert [(send["state"], send["channel"], send["part"]) for send in shown["sends"]] == [("sending", "C0SUPPORT", 0)]
    assert "Hello" not in str(shown)


def test_a_rejected_body_is_shown_as_it_came(store: Store) -> None:
    with store.begin() as tx:
        number = reject(tx, "default", b"\xff{", "key is missing")
        assert show_rejected(tx, number) == {**list_deliveries(tx, Which.REJECTED, LIMITS)[0], "body": "�{"}
        assert show_rejected(tx, number + 1) is None


def test_people_are_remembered_with_an_age(store: Store, clock: FakeClock) -> None:
    """The last word counts, per account."""
    for name in ("Ann", "Anna"):
        with store.begin() as tx:
            remember_people(tx, "default", [Person("u1", name, Role.CUSTOMER)])
        clock.advance(5)
    with store.read() as tx:
        assert known_people(tx, "default", ["u1", "u2"]) == {"u1": (Person("u1", "Anna", Role.CUSTOMER), 5.0)}
        assert known_people(tx, "other", ["u1"]) == {}
        assert known_people(tx, "default", []) == {}
