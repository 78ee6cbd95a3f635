"""What may not be called before when: pace, limits, and errors that a person must see to."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import insert

from relay.store.db.engine import Store
from relay.store.db.tables import gates as gate_table
from relay.store.queue import closing, gates
from relay.store.queue.gates import Pace
from relay.vocabulary import GateScope, Vendor
from relay.wiring import slack_limits
from tests.harness import PATIENCE, FakeClock
from tests.store.shelf import rows

LIMITS = slack_limits(Pace(interval=1.0, burst=3))


def take(store: Store, channel: str = "C1") -> float | None:
    with store.begin() as tx:
        return gates.take_slot(tx, channel, LIMITS)


def limit(store: Store, seconds: float | None, channel: str = "C1") -> float:
    with store.begin() as tx:
        return closing.close_for_rate_limit(
            tx, GateScope.CHANNEL, channel, seconds, vendor=Vendor.SLACK, pace=LIMITS.pace, code="ratelimited"
        )


def stop(store: Store, scope: GateScope = GateScope.CHANNEL, name: str = "C1") -> float:
    with store.begin() as tx:
        return closing.close_for_operator(tx, scope, name, cause="archived", code="is_archived")


def succeed(store: Store, channel: str = "C1") -> None:
    with store.begin() as tx:
        gates.reopen_for_post(tx, channel, LIMITS)


def slots_within(store: Store, clock: FakeClock, seconds: int) -> int:
    """How many posts get through, asked every tenth of a second."""
    taken = 0
    for _ in range(seconds * 10):
        taken += take(store) is None
        clock.advance(0.1)
    return taken


def test_a_rested_channel_takes_a_burst_and_then_one_a_second(store: Store, clock: FakeClock) -> None:
    assert [take(store) for _ in range(4)] == [None, None, None, 1.0]
    assert slots_within(store, clock, 20) == pytest.approx(20, abs=1)


def test_two_workers_never_take_the_same_slot(store: Store) -> None:
    """The second waits for nobody: a moment if the first is just taking one, else until the next."""
    narrow, waits = slack_limits(Pace(interval=1.0, burst=1)), []

    def second() -> None:
        with store.begin() as tx:
            waits.append(gates.take_slot(tx, "C1", narrow))

    with store.begin() as tx:
        tx.conn.execute(insert(gate_table).values(scope="channel", name="C1"))  # known already: nothing else holds it
    other = threading.Thread(target=second)
    with store.begin() as tx:
        assert gates.take_slot(tx, "C1", narrow) is None
        other.start()
        other.join(PATIENCE if not store.on_sqlite else 0.3)  # there, writers wait for each other
    other.join(PATIENCE)
    assert waits == [1.0 if store.on_sqlite else gates.LOCKED]


def test_channels_do_not_share_their_pace(store: Store) -> None:
    assert [take(store, f"C{number}") for number in range(5)] == [None] * 5


def test_a_limit_shuts_the_channel_until_it_is_over(store: Store, clock: FakeClock) -> None:
    """Not a moment early, other channels unaffected, and the burst is used up."""
    assert limit(store, 30.0) == 30.0
    assert (take(store), take(store, "C2")) == (30.0, None)
    clock.advance(29.9)
    assert take(store) == pytest.approx(0.1)
    clock.advance(0.1)
    assert [take(store), take(store)] == [None, pytest.approx(1.2)]


def test_a_channel_that_refused_gets_no_burst_for_ten_minutes(store: Store, clock: FakeClock) -> None:
    """Calls that leave evenly do not arrive evenly: after a refusal there is room between them."""
    limit(store, 1.0)
    clock.advance(300)
    assert [take(store), take(store)] == [None, pytest.approx(1.2)]
    clock.advance(301)
    assert [take(store), take(store), take(store)] == [None, None, None]


def test_a_limit_without_a_time_grows_with_each_refusal(store: Store, clock: FakeClock) -> None:
    waits = []
    for _ in range(7):
        waits.append(limit(store, None))
        clock.advance(waits[-1])
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


def test_refusals_of_calls_that_set_out_together_count_once(store: Store, clock: FakeClock) -> None:
    """Three calls were in flight when the channel was archived; the first re-check comes after 20 s all the same."""
    assert [stop(store) for _ in range(3)] == [20.0, 20.0, 20.0]
    clock.advance(20)
    assert [stop(store) for _ in range(3)] == [40.0, 40.0, 40.0]


def test_a_shut_gate_never_opens_earlier_for_a_second_refusal(store: Store) -> None:
    """It had set out before the first was known."""
    limit(store, 3600.0)
    limit(store, 1.0)
    stop(store)
    assert take(store) == 3600.0


def test_an_operator_error_is_looked_at_again_ever_more_slowly(store: Store, clock: FakeClock) -> None:
    waits = []
    for _ in range(6):
        waits.append(stop(store))
        clock.advance(waits[-1])
    assert waits == [20.0, 40.0, 80.0, 160.0, 300.0, 300.0]


@pytest.mark.parametrize(("scope", "name"), [(GateScope.CHANNEL, "C1"), (GateScope.WORKSPACE, "slack")])
def test_a_post_that_gets_through_forgets_why_it_was_shut(
    store: Store, clock: FakeClock, scope: GateScope, name: str
) -> None:
    stop(store, scope, name)
    clock.advance(20)
    succeed(store)
    (gate,) = rows(store, "gates", scope=scope)
    assert (gate.closed_until, gate.cause, gate.operator, gate.strikes) == (None, "", False, 0)
    assert stop(store, scope, name) == 20.0


def test_a_gate_shut_meanwhile_stays_shut(store: Store) -> None:
    """The call that got through had set out before."""
    stop(store)
    succeed(store)
    assert take(store) == 20.0


def test_a_success_in_one_channel_opens_no_other(store: Store, clock: FakeClock) -> None:
    stop(store)
    clock.advance(20)
    succeed(store, "C2")
    assert rows(store, "gates", name="C1")[0].operator


def test_a_workspace_shut_after_the_claim_stops_the_post(store: Store) -> None:
    """Taking the slot is the last look at all gates that a post has to pass."""
    stop(store, GateScope.WORKSPACE, "slack")
    assert take(store) == 20.0


@pytest.mark.parametrize("jump", [-3600.0, 3600.0])
def test_a_clock_that_jumps_shuts_nothing_for_long(store: Store, clock: FakeClock, jump: float) -> None:
    limit(store, 30.0)
    [take(store, "C2") for _ in range(5)]
    clock.advance(jump)
    assert [take(store), take(store, "C2")] == [None, None]
