"""What a worker sees without a lock: whether there is something to claim, and when there will be."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import update

from relay.store.db.engine import Store
from relay.store.db.tables import lanes
from relay.store.queue.closing import close_for_failure
from relay.store.queue.due import Claimable, check_claimable
from relay.store.queue.gates import Pace, take_slot
from relay.vocabulary import GateScope
from relay.wiring import slack_limits
from tests.harness import FakeClock
from tests.store.shelf import LEASE, claim, claimed, give_back, take_in

NARROW = slack_limits(Pace(interval=1.0, burst=1))


def seen(store: Store) -> Claimable:
    with store.read() as tx:
        return check_claimable(tx, lease=LEASE, limits=NARROW)


def test_it_tells_when_time_alone_will_change_something(store: Store, clock: FakeClock) -> None:
    """A retry, the end of a lease, a gate that opens: whichever is first."""
    assert seen(store).wait is None
    take_in(store, "k1", "1")
    claimed(store)
    assert seen(store).wait == LEASE
    take_in(store, "k2", "2")
    give_back(store, claimed(store), wait=12.0, attempts=1)
    assert seen(store).wait == 12.0
    with store.begin() as tx:
        close_for_failure(tx, GateScope.CHANNEL, "C0SUPPORT", 5.0, cause="limited")
    assert seen(store).wait == 5.0


def nothing(_: Store) -> None:
    """An empty store."""


def free(store: Store) -> None:
    take_in(store)


def taken(store: Store) -> None:
    take_in(store)
    claimed(store, "another")


def backing_off(store: Store) -> None:
    take_in(store)
    give_back(store, claimed(store), wait=60.0, attempts=1)


def shut_away(store: Store) -> None:
    take_in(store)
    with store.begin() as tx:
        close_for_failure(tx, GateScope.CHANNEL, "C0SUPPORT", 60.0, cause="archived")


def looking_past_a_shut_channel(store: Store) -> None:
    shut_away(store)
    with store.begin() as tx:
        tx.conn.execute(update(lanes).values(looking=True))


def kept_to_its_pace(store: Store) -> None:
    take_in(store)
    with store.begin() as tx:
        assert take_slot(tx, "C0SUPPORT", NARROW) is None


STATES = [nothing, free, taken, backing_off, shut_away, looking_past_a_shut_channel, kept_to_its_pace]


@pytest.mark.parametrize("later", [0.0, 0.9, 1.0, LEASE - 0.1, LEASE, 60.0, -3600.0])
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_it_says_ready_exactly_when_a_claim_finds_a_lane(
    store: Store, clock: FakeClock, state: Callable[[Store], None], later: float
) -> None:
    """Also after the clock was set back an hour."""
    state(store)
    clock.advance(later)
    assert seen(store).ready == (claim(store, limits=NARROW) is not None)


def test_it_knows_of_leases_while_they_last(store: Store, clock: FakeClock) -> None:
    """Their owners may die, which no clock tells."""
    take_in(store)
    assert not seen(store).leased
    claimed(store)
    assert seen(store).leased
    clock.advance(LEASE)
    assert not seen(store).leased
