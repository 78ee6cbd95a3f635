"""Two transactions at the same moment in one lane: what one brings is never overlooked by the other."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import exists, or_, select, update

from relay.store.db.engine import Store
from relay.store.db.rows import Claim, Send
from relay.store.db.tables import deliveries
from relay.store.db.tables import lanes as lane_rows
from relay.store.intake.webhooks import accept
from relay.store.operations.replay import replay_all, replay_one
from relay.store.queue import lanes, sends
from tests.harness import PATIENCE, raw
from tests.store.shelf import LEASE, LIMITS, MAPPED, claimed, message, open_thread, settle, started, states, take_in

ROUNDS = 48


def finish(store: Store, held: Claim, send: Send | None) -> None:
    """Settle, or give back a lane in which there was nothing to do."""
    with store.begin() as tx:
        lanes.hold(tx, held)
        if send is not None:
            sends.mark_delivered(tx, send, "1712345678.000200")
        lanes.give_back(tx, held)


def stranded(store: Store) -> bool:
    """Something waits in a lane that nobody holds and that will never be due."""
    left = or_(deliveries.c.state.in_(("waiting", "sending", "unsure")), deliveries.c.notice_due)
    of_lane = deliveries.c.conversation_id == lane_rows.c.conversation_id
    never = lane_rows.c.due.is_(None) & lane_rows.c.lease_until.is_(None)
    with store.read() as tx:
        return bool(tx.conn.execute(select(exists().where(left, of_lane, never))).scalar_one())


@pytest.mark.parametrize("nothing_to_do", [False, True])
def test_ending_a_claim_waits_for_an_accept_and_sees_what_it_brought(store: Store, nothing_to_do: bool) -> None:
    """It locks the lane first and reads what waits in a later statement: PostgreSQL shows nothing new to an earlier."""
    open_thread(store)
    held = claimed(store)
    send = started(store, held)
    if nothing_to_do:
        settle(store, held, send)
        with store.begin() as tx:
            tx.conn.execute(update(lane_rows).values(due=tx.now))
        held = claimed(store)
    ending = threading.Thread(target=finish, args=(store, held, None if nothing_to_do else send))
    with store.begin() as tx:
        accept(tx, message("k2"), raw("k2"), MAPPED)
        assert tx.conn  # now the server has all of it
        ending.start()
        ending.join(0.3)
        assert ending.is_alive()
    ending.join(PATIENCE)
    assert (states(store), stranded(store)) == (["delivered", "waiting"], False)
    assert claimed(store)


def test_no_wake_up_is_lost_when_settling_races_accepting(store: Store) -> None:
    """One that accepts and one that settles, both at the same moment, again and again."""
    open_thread(store)
    together = threading.Barrier(2)

    def write(key: str) -> str:
        together.wait(PATIENCE)
        return take_in(store, key).outcome

    def end(held: Claim, send: Send) -> None:
        together.wait(PATIENCE)
        finish(store, held, send)

    with ThreadPoolExecutor(2) as pool:
        for number in range(ROUNDS):
            held = claimed(store)
            ending = pool.submit(end, held, started(store, held))
            assert pool.submit(write, f"k{number}").result(PATIENCE) == "accepted"
            ending.result(PATIENCE)
            assert not stranded(store)
    settle(store, held := claimed(store), started(store, held))
    assert states(store) == ["delivered"] * (ROUNDS + 1)


def test_two_replays_at_the_same_moment_double_nothing(store: Store) -> None:
    """The second finds the dead letter, waits for the first, and by then it has been shown."""
    open_thread(store)
    held = claimed(store)
    settle(store, held, started(store, held))
    with store.begin() as tx:
        tx.conn.execute(update(deliveries).values(state="dead"))

    def replay() -> None:
        with store.begin() as tx:
            replay_all(tx)

    second = threading.Thread(target=replay)
    with store.begin() as tx:
        replay_one(tx, 1)
        second.start()
        second.join(0.3)
        (again,) = lanes.claim(tx, "me", lease=LEASE, limits=LIMITS)
        tx.conn.execute(update(deliveries).values(state="delivered"))
        lanes.give_back(tx, again)
    second.join(PATIENCE)
    assert (states(store), stranded(store)) == (["delivered"], False)
