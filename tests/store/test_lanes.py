"""Who works on which lane, for how long, and when it is due again."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import update

from relay.store.db.engine import Store
from relay.store.db.tables import lanes as lane_table
from relay.store.queue import sends
from relay.store.queue.gates import close_for_failure
from relay.store.queue.lanes import Fenced
from tests.harness import PATIENCE, FakeClock
from tests.store.shelf import (
    LEASE,
    claim,
    claimed,
    freeze,
    give_back,
    lane,
    open_thread,
    rows,
    settle,
    started,
    take_in,
)


def test_a_claimed_lane_is_nobody_elses(store: Store) -> None:
    take_in(store)
    assert claimed(store, "a").token == 1
    assert claim(store, "b") is None


def test_parallel_claims_share_the_lanes_out(store: Store) -> None:
    """Each to one, none twice; on PostgreSQL without waiting for each other."""
    for number in range(12):
        take_in(store, str(number), str(number))
    together = threading.Barrier(4)

    def take(who: int) -> list[int]:
        together.wait(PATIENCE)
        return [claimed(store, f"w{who}").conversation.id for _ in range(3)]

    with ThreadPoolExecutor(4) as pool:
        taken = [one for some in pool.map(take, range(4)) for one in some]
    assert sorted(taken) == list(range(1, 13))


def test_the_longest_waiting_comes_first(store: Store, clock: FakeClock) -> None:
    """By its oldest message: writing often gets nobody ahead."""
    for key, group in (("k1", "1"), ("k2", "2"), ("k3", "3"), ("k4", "1")):
        take_in(store, key, group)
        clock.advance(1)
    assert [claimed(store).conversation.key.group_id for _ in range(3)] == ["1", "2", "3"]


def test_a_lease_ends_on_time_and_not_before(store: Store, clock: FakeClock) -> None:
    take_in(store)
    claimed(store, "a")
    clock.advance(LEASE - 0.1)
    assert claim(store, "b") is None
    clock.advance(0.1)
    assert claimed(store, "b").token == 2


def test_the_lease_of_a_dead_owner_is_free_at_once(store: Store) -> None:
    take_in(store)
    claimed(store, "dead")
    assert claim(store, "b", dead=["another"]) is None
    assert claim(store, "b", dead=["dead"]) is not None


def test_nothing_is_written_without_the_token(store: Store, clock: FakeClock) -> None:
    """Whatever the stale worker tries; its late success asks for a look at most."""
    open_thread(store)
    stale = claimed(store, "stale")
    send = started(store, stale)
    clock.advance(LEASE)
    claimed(store, "fresh")
    for write in (sends.retry_later, sends.mark_unsure, sends.looked_in_vain):
        with pytest.raises(Fenced), store.begin() as tx:
            write(tx, stale, send, 1.0, "late")
    for late in (lambda: settle(store, stale, send), lambda: freeze(store, stale), lambda: give_back(store, stale)):
        with pytest.raises(Fenced):
            late()
    assert (rows(store, "sends", kind="post")[0].state, lane(store).lease_owner) == ("sending", "fresh")


def test_a_lane_with_something_left_is_due_at_once(store: Store) -> None:
    take_in(store)
    give_back(store, claimed(store))
    assert claim(store) is not None


def test_a_lane_with_nothing_left_is_never_due(store: Store, clock: FakeClock) -> None:
    open_thread(store)
    held = claimed(store)
    settle(store, held, started(store, held))
    clock.advance(1e6)
    assert (claim(store), lane(store).due, lane(store).waiting_since) == (None, None, None)


def test_a_due_time_beyond_its_delay_is_void(store: Store, clock: FakeClock) -> None:
    """The clock was set back an hour: nothing sleeps through it."""
    take_in(store)
    give_back(store, claimed(store), wait=60.0, attempts=1)
    clock.advance(30)
    assert claim(store) is None
    clock.advance(-3600)
    assert claim(store) is not None


def test_a_lease_beyond_its_length_is_void(store: Store, clock: FakeClock) -> None:
    take_in(store)
    claimed(store, "a")
    clock.advance(-3600)
    assert claim(store, "b") is not None


@pytest.mark.parametrize("how", [{"attempts": 1}, {"looking": True}])
def test_a_new_message_does_not_shorten_a_back_off(store: Store, clock: FakeClock, how: dict[str, object]) -> None:
    """Of a retry, nor of a look."""
    take_in(store, "k1")
    give_back(store, claimed(store), wait=60.0, **how)
    take_in(store, "k2")
    clock.advance(59)
    assert claim(store) is None
    clock.advance(1)
    assert claim(store) is not None


def test_a_new_message_wakes_a_lane_that_waits_for_a_late_copy(store: Store) -> None:
    """That look is nobody's hurry."""
    open_thread(store)
    held = claimed(store)
    settle(store, held, started(store, held))
    with store.begin() as tx:
        tx.conn.execute(update(lane_table).values(due=tx.now + 60, delay=60.0))
    take_in(store, "k2")
    assert claim(store) is not None


def test_a_shut_workspace_holds_everything_back(store: Store, clock: FakeClock) -> None:
    """Posts and looks, in all channels."""
    for key, how in (("k1", {}), ("k2", {"looking": True, "wait": 0.0})):
        take_in(store, key, key)
        give_back(store, claimed(store), wait=how.pop("wait", 1.0), **how)
    with store.begin() as tx:
        close_for_failure(tx, "workspace", "slack", 20.0, "token revoked")
    clock.advance(19)
    assert claim(store) is None
    clock.advance(1)
    assert [claim(store) is not None for _ in range(2)] == [True, True]


def test_a_shut_channel_holds_posts_back_and_looks_not(store: Store) -> None:
    take_in(store)
    with store.begin() as tx:
        close_for_failure(tx, "channel", "C0SUPPORT", 20.0, "archived")
    assert claim(store) is None
    with store.begin() as tx:
        tx.conn.execute(update(lane_table).values(looking=True))
    assert claim(store) is not None


def test_a_limited_history_holds_looks_back_and_posts_not(store: Store, clock: FakeClock) -> None:
    """All lanes keep to the limit that one of them was told."""
    take_in(store)
    with store.begin() as tx:
        close_for_failure(tx, "method", "conversations.history", 20.0, "rate limited")
        tx.conn.execute(update(lane_table).values(looking=True))
    assert claim(store) is None
    clock.advance(20)
    give_back(store, claimed(store))
    with store.begin() as tx:
        close_for_failure(tx, "method", "conversations.history", 20.0, "rate limited")
    assert claim(store) is not None
