"""What is taken in is taken in once, in order, whoever else writes at the same moment."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from sqlalchemy import select

from relay.messages import ChatMessage, Decision
from relay.store.db.engine import Store
from relay.store.db.tables import deliveries
from relay.store.intake.webhooks import accept, reject
from tests.harness import PATIENCE, FakeClock, raw
from tests.store.shelf import MAPPED, UNMAPPED, ignored, lane, message, rows, states, take_in


def test_it_takes_in_a_message_once(store: Store) -> None:
    """The first body wins; what comes after it is counted."""
    assert take_in(store, body=b"first").outcome == "accepted"
    assert [take_in(store, body=b"again").outcome for _ in range(2)] == ["duplicate", "duplicate"]
    (received,) = rows(store, "received")
    assert (bytes(received.body), received.copies, states(store)) == (b"first", 2, ["waiting"])


def test_it_knows_a_key_whatever_conversation_it_comes_with(store: Store) -> None:
    take_in(store, "k1", "1")
    assert take_in(store, "k1", "2").outcome == "duplicate"


def test_it_keeps_what_is_ignored_without_queueing_it(store: Store) -> None:
    """And the second time it is a duplicate."""
    with store.begin() as tx:
        first, second = (accept(tx, ignored(), raw(), UNMAPPED) for _ in range(2))
    assert (first.outcome, first.reason, second.outcome) == ("ignored", "hidden message", "duplicate")
    assert (len(rows(store, "received")), rows(store, "deliveries"), rows(store, "lanes")) == (1, [], [])


def test_it_keeps_rejected_bodies_without_a_key(store: Store) -> None:
    """The same one may come again, and a good one with that key is still new."""
    with store.begin() as tx:
        assert reject(tx, "default", raw("k1"), "no") != reject(tx, "default", raw("k1"), "no")
    assert take_in(store, "k1").outcome == "accepted"


@pytest.mark.parametrize("body", [b'{"a":"\x00"}', b'{"a":"\\ud800"}', b"\xff\xfe\x00\x80", b'{"a":"\xed\xa0\x80"}'])
def test_it_stores_any_bytes(store: Store, body: bytes) -> None:
    """NUL, lone surrogates and bad UTF-8 included."""
    take_in(store, body=body)
    with store.begin() as tx:
        reject(tx, "default", body, "no")
    assert [bytes(row.body) for row in rows(store, "received")] == [body, body]


def test_a_second_message_of_a_conversation_waits_for_the_first_to_commit(store: Store) -> None:
    """Only so is the order of ids the order of commits; PostgreSQL hands out ids before the commit."""
    done = threading.Event()
    second = threading.Thread(target=lambda: (take_in(store, "k2"), done.set()))
    with store.begin() as tx:
        accept(tx, message("k1"), raw("k1"), MAPPED)
        second.start()
        assert not done.wait(0.2)
    assert done.wait(PATIENCE)
    second.join()
    assert [row.id for row in rows(store, "received") if row.key in ("k1", "k2")] == [1, 2]


def visible_ids(store: Store, over: threading.Event) -> list[list[int]]:
    """What a reader sees, again and again until it is over."""
    seen = []
    while not over.is_set():
        with store.read() as tx:
            seen.append(list(tx.conn.execute(select(deliveries.c.id).order_by(deliveries.c.id)).scalars()))
    return seen


def test_ids_become_visible_in_order_under_load(store: Store) -> None:
    """A reader never sees an id appear below one that it has seen."""
    start, over = threading.Barrier(4), threading.Event()

    def write(who: int) -> list[str]:
        start.wait(PATIENCE)
        return [take_in(store, f"{who}-{number}").outcome for number in range(15)]

    with ThreadPoolExecutor(5) as pool:
        reading = pool.submit(visible_ids, store, over)
        try:
            assert [set(outcomes) for outcomes in pool.map(write, range(4))] == [{"accepted"}] * 4
        finally:
            over.set()
    assert all(later[: len(earlier)] == earlier for earlier, later in pairwise(reading.result()))


def test_it_keeps_the_first_channel_of_a_conversation(store: Store) -> None:
    """A conversation stays where its thread is, whatever the mapping says later."""
    take_in(store, "k1")
    take_in(store, "k2", decision=Decision("C0VIP", "routes:vip", "now it matches"))
    (conversation,) = rows(store, "conversations")
    assert (conversation.channel, conversation.channel_id, conversation.rule) == ("C0SUPPORT", "C0SUPPORT", "channels")


def test_an_unmapped_conversation_waits_unarmed_until_a_decision_names_a_channel(store: Store) -> None:
    take_in(store, "k1", decision=UNMAPPED)
    assert (lane(store).due, lane(store).waiting_since is not None) == (None, True)
    take_in(store, "k2", decision=Decision("#support", "channels", "listed"))
    (conversation,) = rows(store, "conversations")
    assert (conversation.channel, conversation.channel_id) == ("#support", None)
    assert lane(store).due is not None


def test_a_title_is_kept_until_a_new_one_comes(store: Store) -> None:
    titles = []
    for key, title in (("k1", "Order 7"), ("k2", ""), ("k3", "Order 8")):
        with store.begin() as tx:
            accept(tx, ChatMessage(message().conversation, key, "c", 0.0, "x", title=title), raw(key), MAPPED)
        titles.append(rows(store, "conversations")[0].title)
    assert titles == ["Order 7", "Order 7", "Order 8"]


def test_the_wait_counts_from_the_first_that_waits(store: Store, clock: FakeClock) -> None:
    """Or a busy conversation would starve the others."""
    begun = clock.now()
    take_in(store, "k1")
    clock.advance(5)
    take_in(store, "k2")
    assert lane(store).waiting_since == begun
