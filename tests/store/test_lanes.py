"""Who works on which lane, for how long, and when it is due again."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import update

from relay.messages import Decision
from relay.store.db.engine import Store
from relay.store.db.rows import Claim
from relay.store.db.tables import lanes as lane_table
from relay.store.queue import closing, lanes, lost
from relay.store.queue.due import check_claimable
from relay.store.queue.lanes import Fenced
from relay.vocabulary import GateScope, SendState
from tests.harness import PATIENCE, FakeClock
from tests.store.shelf import (
    LEASE,
    LIMITS,
    claim,
    claimed,
    give_back,
    holding,
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


def test_the_longest_due_comes_first(store: Store, clock: FakeClock) -> None:
    """Since its oldest message: writing often gets nobody ahead."""
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
    """Whatever the stale worker tries."""
    open_thread(store)
    stale = claimed(store, "stale")
    send = started(store, stale)
    clock.advance(LEASE)
    claimed(store, "fresh")
    late = (
        lambda: settle(store, stale, send),
        lambda: started(store, stale),
        lambda: give_back(store, stale),
        lambda: again(store, stale),
    )
    for write in late:
        with pytest.raises(Fenced):
            write()
    assert (rows(store, "sends", kind="post")[0].state, lane(store).lease_owner) == ("sending", "fresh")


def again(store: Store, held: Claim) -> Claim:
    with store.begin() as tx:
        return lanes.hold_again(tx, held, lease=LEASE)


def test_a_lease_is_renewed_while_something_is_looked_up(store: Store, clock: FakeClock) -> None:
    take_in(store)
    held = claimed(store, "a")
    clock.advance(LEASE - 1)
    again(store, held)
    clock.advance(LEASE - 1)
    assert claim(store, "b") is None
    holding(store, held, lambda tx: None)


def test_whoever_was_given_back_is_due_behind_the_others(store: Store, clock: FakeClock) -> None:
    """The probe of a gate is not always the same conversation's."""
    for number in range(3):
        take_in(store, f"k{number}", str(number))
        clock.advance(1)
    seen = []
    for _ in range(6):
        held = claimed(store)
        seen.append(held.conversation.key.group_id)
        with store.begin() as tx:
            lanes.put_off(tx, held, 0.0)
        clock.advance(1)
    assert seen == ["0", "1", "2"] * 2


def test_a_kind_of_lane_that_this_version_does_not_know_is_left_alone(store: Store) -> None:
    """A newer version runs beside this one."""
    take_in(store)
    with store.begin() as tx:
        tx.conn.execute(update(lane_table).values(kind="of_tomorrow"))
    with store.read() as tx:
        assert not check_claimable(tx, lease=LEASE, limits=LIMITS).ready
    assert claim(store) is None


def test_nothing_is_claimed_for_channels_that_have_their_share(store: Store) -> None:
    take_in(store, "k1", "1")
    take_in(store, "k2", "2", Decision("C0VIP", "channels", "listed"))
    with store.begin() as tx:
        found = lanes.claim(tx, "me", lease=LEASE, limits=LIMITS, most=9, besides=["C0SUPPORT"])
        assert [one.conversation.channel for one in found] == ["C0VIP"]


def test_what_a_lost_commit_has_taken_is_free_again(store: Store, clock: FakeClock) -> None:
    """Its send was never called, and may be; what had set out before is to be looked for."""
    open_thread(store)
    mine = claimed(store, "me")
    open_thread(store, "7")
    left = claimed(store, "me")
    kept = started(store, mine)
    started(store, left)
    taken = clock.now()
    with store.begin() as tx:
        working_on = {(mine.lane_key, mine.token)}
        assert lost.release_lost(tx, "me", working_on=working_on, lost={taken}) == 1
    again = claimed(store, "me")
    assert again.lane_key == left.lane_key
    assert again.head is not None
    assert again.head.state is SendState.FROZEN
    assert rows(store, "sends", id=kept.id)[0].state == "sending"


def test_what_may_have_been_called_before_stays_so(store: Store, clock: FakeClock) -> None:
    open_thread(store)
    started(store, claimed(store, "me"))
    clock.advance(1)
    with store.begin() as tx:
        assert lost.release_lost(tx, "me", working_on=(), lost={clock.now()}) == 1
    head = claimed(store).head
    assert head is not None
    assert head.state is SendState.SENDING


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


def shut(store: Store, scope: GateScope, name: str, seconds: float) -> None:
    with store.begin() as tx:
        closing.close_for_failure(tx, scope, name, seconds, cause="a test")


def test_a_shut_workspace_holds_everything_back(store: Store, clock: FakeClock) -> None:
    """Posts and looks, in all channels."""
    for key, how in (("k1", {}), ("k2", {"looking": True, "wait": 0.0})):
        take_in(store, key, key)
        give_back(store, claimed(store), wait=how.pop("wait", 1.0), **how)
    shut(store, GateScope.WORKSPACE, "slack", 20.0)
    clock.advance(19)
    assert claim(store) is None
    clock.advance(1)
    assert [claim(store) is not None for _ in range(2)] == [True, True]


def test_a_shut_channel_holds_posts_back_and_looks_not(store: Store) -> None:
    take_in(store)
    with store.begin() as tx:
        closing.close_for_failure(tx, GateScope.CHANNEL, "C0SUPPORT", 20.0, cause="archived")
    assert claim(store) is None
    with store.begin() as tx:
        tx.conn.execute(update(lane_table).values(looking=True))
    assert claim(store) is not None


def test_a_limited_history_holds_looks_back_and_posts_not(store: Store, clock: FakeClock) -> None:
    """All lanes keep to the limit that one of them was told."""
    take_in(store)
    with store.begin() as tx:
        closing.close_for_failure(tx, GateScope.METHOD, "conversations.history", 20.0, cause="rate limited")
        tx.conn.execute(update(lane_table).values(looking=True))
    assert claim(store) is None
    clock.advance(20)
    give_back(store, claimed(store))
    shut(store, GateScope.METHOD, "conversations.history", 20.0)
    assert claim(store) is not None
