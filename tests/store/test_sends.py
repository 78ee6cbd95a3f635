"""The life of a send: exactly the parts that went out are marked, and nothing is on its way twice."""

from __future__ import annotations

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from relay.delivery.starting import is_overtaken
from relay.store.db.engine import Store
from relay.store.db.rows import Claim
from relay.store.db.tables import send_parts
from relay.store.queue import copies, sends
from relay.store.queue.waiting import waiting
from relay.vocabulary import SendState
from tests.harness import FakeClock, raw
from tests.store.shelf import (
    GROUP,
    claimed,
    frozen,
    give_back,
    holding,
    lane,
    open_thread,
    rows,
    settle,
    start,
    started,
    states,
    take_in,
)


@pytest.fixture
def held(store: Store) -> Claim:
    """A claimed lane with a thread and two messages that wait."""
    open_thread(store)
    take_in(store, "k2")
    return claimed(store)


def lives(store: Store) -> list[str]:
    """The states of all posts, in order."""
    return [row.state for row in sorted(rows(store, "sends", kind="post"), key=lambda row: row.seq)]


def test_a_frozen_send_comes_first_and_as_it_was(store: Store, held: Claim) -> None:
    """Whoever claims the lane next sends the same payload under the same id."""
    send = frozen(store, held)
    give_back(store, held)
    take_in(store, "k3")
    again = claimed(store)
    assert again.head is not None
    assert (again.head.id, again.head.payload, again.head.state) == (send.id, send.payload, SendState.FROZEN)


def test_a_send_starts_looking_at_the_last_ts_known_in_its_channel(store: Store, held: Claim) -> None:
    """Slack's own, whatever our clock says; the very first has none before it."""
    assert started(store, held).since_ts == "1712345678.000100"
    assert rows(store, "sends", kind="root")[0].since_ts is None


def test_the_first_send_of_a_channel_starts_looking_at_the_last_ts_known_anywhere(store: Store) -> None:
    """It is Slack's too, and earlier: nobody has to read through a long history for it."""
    open_thread(store, ts="1712345678.000100")
    with store.begin() as tx:
        tx.conn.exec_driver_sql("UPDATE conversations SET channel_id = 'C0VIP'")
    assert started(store, claimed(store)).since_ts == "1712345678.000100"


def test_only_parts_that_went_out_are_delivered(store: Store, held: Claim) -> None:
    """Two posts: the first with a message and half of another, the second with the rest."""
    first = started(store, held, [(1, 0), (2, 0)], [(2, 1)])
    settle(store, held, first)
    assert (states(store), lives(store)) == (["delivered", "sending"], ["delivered", "frozen"])
    held = claimed(store)
    assert held.head is not None
    settle(store, held, start(store, held, held.head), "1712345678.000300")
    assert (states(store), lane(store).due) == (["delivered", "delivered"], None)


def test_a_second_part_that_is_dropped_leaves_the_first_done(store: Store, held: Claim) -> None:
    """And is free to be stored again."""
    settle(store, held, started(store, held, [(1, 0), (2, 0)], [(2, 1)]))
    held = claimed(store)
    head = held.head
    assert head is not None
    holding(store, held, lambda tx: sends.drop(tx, head, SendState.REFUSED, "too long"))
    with store.read() as tx:
        (left,) = waiting(tx, held)
    assert (left.id, left.parts_done) == (2, {0})
    assert started(store, held, [(2, 1)]).state is SendState.SENDING


def test_no_part_can_be_in_two_living_sends(store: Store, held: Claim) -> None:
    """The database itself refuses it."""
    started(store, held, [(1, 0)])
    of_root = rows(store, "sends", kind="root")[0].id
    copy = insert(send_parts).values(send_id=of_root, delivery_id=1, part=0, live=True)
    with pytest.raises(IntegrityError), store.begin() as tx:
        tx.conn.execute(copy)


@pytest.mark.parametrize("resent", [0, 1])
def test_it_sends_nothing_to_a_place_that_changed(store: Store, held: Claim, resent: int) -> None:
    """Also not what was sent before, looked for and found nowhere: it would wait for its old channel for ever."""
    frozen(store, held)
    give_back(store, held)
    with store.begin() as tx:
        tx.conn.exec_driver_sql(f"UPDATE sends SET resent = {resent} WHERE kind = 'post'")
        tx.conn.exec_driver_sql("UPDATE conversations SET channel_id = 'C0VIP'")
    again = claimed(store)
    assert again.head is not None
    assert is_overtaken(again, again.head)
    holding(store, again, lambda tx: sends.void_frozen(tx, again))
    assert (lives(store), states(store)) == (["void"], ["waiting", "waiting"])


def test_a_look_holds_the_lane_until_it_has_told(store: Store, held: Claim, clock: FakeClock) -> None:
    send = started(store, held)
    holding(store, held, lambda tx: sends.mark_unsure(tx, send, 2.0, "reset"))
    give_back(store, held, wait=2.0, looking=True)
    take_in(store, "k3")
    clock.advance(2)
    head = claimed(store).head
    assert (head and head.state, states(store)) == (SendState.UNSURE, ["unsure", "unsure", "waiting"])


def test_a_start_in_the_future_is_mended(store: Store, held: Claim, clock: FakeClock) -> None:
    """The clock was set back an hour between the call and the look."""
    send = started(store, held)
    clock.advance(-3600)
    holding(store, held, lambda tx: sends.mark_unsure(tx, sends.looked(send), 2.0, "not yet"))
    (post,) = rows(store, "sends", kind="post")
    assert (post.started_at, post.looks) == (clock.now(), 1)


def test_a_resend_is_looked_for_once_more_a_minute_later(store: Store, held: Claim, clock: FakeClock) -> None:
    send = started(store, held)
    again = holding(store, held, lambda tx: sends.refreeze_for_resend(tx, send, send.payload))
    settle(store, held, start(store, held, again))
    clock.advance(60)
    late = claimed(store)
    copied = late.copied
    assert copied is not None
    assert (late.head, copied.id) == (None, send.id)
    with store.begin() as tx:
        copies.one_copy_left(tx, late, copied, "1712345678.000200")
    assert lane(store).due is None


def test_a_late_copy_is_looked_for_at_once(store: Store, held: Claim, clock: FakeClock) -> None:
    """Its worker was overtaken, so it may only ask."""
    send = started(store, held)
    clock.advance(30)
    fresh = claimed(store, "fresh")
    settle(store, fresh, send, "1712345678.000200")
    with store.begin() as tx:
        copies.report_late(tx, held, send, "1712345678.000200")
    assert lane(store).due is None
    with store.begin() as tx:
        copies.report_late(tx, held, send, "1712345678.000900")
    assert claimed(store).copied is not None


def test_what_is_settled_is_known(store: Store, held: Claim, clock: FakeClock) -> None:
    """A commit may succeed, and its answer be lost: before another try it is asked. A later start is another call."""
    send = started(store, held)
    with store.read() as tx:
        assert not sends.is_settled(tx, send)
    holding(store, held, lambda tx: sends.freeze_again(tx, send, "unreachable"))
    with store.read() as tx:
        assert sends.is_settled(tx, send)
    clock.advance(1)
    again = start(store, held, send)
    with store.read() as tx:
        assert (sends.is_settled(tx, send), sends.is_settled(tx, again)) == (True, False)


def test_the_author_of_what_stands_above_is_known(store: Store, held: Claim) -> None:
    """The body of the last message posted in this thread; what stands in an earlier thread is not above."""
    settle(store, held, started(store, held))
    take_in(store, "k3")
    assert claimed(store).above == raw("k2", GROUP)
    with store.begin() as tx:
        tx.conn.exec_driver_sql("UPDATE conversations SET thread_ts = '1712345678.999999'")
        tx.conn.exec_driver_sql("UPDATE lanes SET lease_until = NULL")
    assert claimed(store).above is None
