"""The life of a send: exactly the parts that went out are marked, and nothing is on its way twice."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from relay.store.db.engine import Store
from relay.store.db.rows import Claim, Send
from relay.store.db.tables import send_parts
from relay.store.queue import copies, sends
from relay.store.queue.waiting import last_shown, waiting
from tests.harness import FakeClock, raw
from tests.store.shelf import GROUP, claimed, freeze, lane, open_thread, rows, settle, start, started, states, take_in


@pytest.fixture
def held(store: Store) -> Claim:
    """A claimed lane with a thread and two messages that wait."""
    open_thread(store)
    take_in(store, "k2")
    return claimed(store)


def do(store: Store, step: object, *args: object) -> object:
    with store.begin() as tx:
        return step(tx, *args)  # type: ignore[operator]


def lives(store: Store) -> list[str]:
    """The states of all posts, in order."""
    return [row.state for row in sorted(rows(store, "sends", kind="post"), key=lambda row: row.seq)]


def test_a_frozen_send_comes_first_and_as_it_was(store: Store, held: Claim) -> None:
    """Whoever claims the lane next sends the same payload under the same id."""
    frozen = freeze(store, held)
    do(store, sends.retry_later, held, frozen, 0.0, "try again")
    take_in(store, "k3")
    again = claimed(store)
    assert again.head is not None
    assert (again.head.id, again.head.payload, again.head.state) == (frozen.id, frozen.payload, "frozen")


def test_a_send_starts_looking_at_the_last_ts_known_in_its_channel(store: Store, held: Claim) -> None:
    """Slack's own, whatever our clock says; a root has none before it."""
    assert freeze(store, held).since_ts == "1712345678.000100"
    assert rows(store, "sends", kind="root")[0].since_ts is None


def test_only_parts_that_went_out_are_delivered(store: Store, held: Claim) -> None:
    """Two posts: the first with a message and half of another, the second with the rest."""
    first = started(store, held, [(1, 0), (2, 0)], [(2, 1)])
    settle(store, held, first)
    assert (states(store), lives(store)) == (["delivered", "sending"], ["delivered", "frozen"])
    held = claimed(store)
    assert held.head is not None
    settle(store, held, start(store, held, held.head), "1712345678.000300")  # type: ignore[arg-type]
    assert (states(store), lane(store).due) == (["delivered", "delivered"], None)


def test_a_second_part_that_is_dropped_leaves_the_first_done(store: Store, held: Claim) -> None:
    """And is free to be frozen again."""
    settle(store, held, started(store, held, [(1, 0), (2, 0)], [(2, 1)]))
    held = claimed(store)
    do(store, sends.drop, held.head, "refused", "too long")
    with store.read() as tx:
        (left,) = waiting(tx, held)
    assert (left.id, left.parts_done) == (2, {0})
    assert freeze(store, held, [(2, 1)]).state == "frozen"


def test_no_part_can_be_in_two_living_sends(store: Store, held: Claim) -> None:
    """The database itself refuses it."""
    freeze(store, held, [(1, 0)])
    root = rows(store, "sends", kind="root")[0].id
    copy = insert(send_parts).values(send_id=root, delivery_id=1, part=0, live=True)
    with pytest.raises(IntegrityError):
        do(store, lambda tx: tx.conn.execute(copy))


def test_it_freezes_nothing_for_a_place_that_changed(store: Store, held: Claim) -> None:
    """The post was rendered for the old one."""
    do(store, lambda tx: tx.conn.exec_driver_sql("UPDATE conversations SET thread_ts = '9.9'"))
    with store.begin() as tx:
        draft = sends.Draft("post", {"text": "x"}, ((1, 0),))
        assert sends.freeze(tx, held, [draft], lease=30) is None
    assert states(store) == ["waiting", "waiting"]


@pytest.mark.parametrize("resent", [0, 1])
def test_it_sends_nothing_frozen_to_a_place_that_changed(store: Store, held: Claim, resent: int) -> None:
    """Also not what was sent before, looked for and found nowhere: it would wait for its old channel for ever."""
    frozen = freeze(store, held)
    change = f"UPDATE sends SET resent = {resent} WHERE kind = 'post'"
    do(store, lambda tx: tx.conn.exec_driver_sql(change))
    do(store, lambda tx: tx.conn.exec_driver_sql("UPDATE conversations SET channel_id = 'C0VIP'"))
    assert start(store, held, Send(**{**as_dict(frozen), "resent": resent})) is None
    assert (lives(store), states(store)) == (["void"], ["waiting", "waiting"])


def as_dict(send: Send) -> dict[str, object]:
    return {name: getattr(send, name) for name in Send.__slots__}


def test_a_retry_counts_its_delay_and_the_attempt(store: Store, held: Claim) -> None:
    do(store, sends.retry_later, held, started(store, held), 5.0, "unreachable")
    assert (lane(store).attempts, lane(store).spent, lane(store).delay) == (1, 5.0, 5.0)
    assert lives(store) == ["frozen"]


def test_waiting_at_a_gate_counts_nothing(store: Store, held: Claim) -> None:
    do(store, sends.wait_at_gate, held, started(store, held), "limited")
    assert (lane(store).attempts, lane(store).spent, lives(store)) == (0, 0.0, ["frozen"])


@pytest.mark.parametrize(("at_gate", "spent"), [(False, 2.0), (True, 0.0)])
def test_waiting_for_a_look_counts_unless_a_gate_is_shut(
    store: Store, held: Claim, at_gate: bool, spent: float
) -> None:
    """A token that was revoked over a long weekend buries nothing."""
    send = started(store, held)
    with store.begin() as tx:
        sends.looked_in_vain(tx, held, send, 2.0, "the look failed", at_gate=at_gate)
    assert (lane(store).spent, states(store), lives(store)) == (spent, ["unsure", "unsure"], ["unsure"])


def test_an_unsure_send_holds_its_lane_until_a_look_has_told(store: Store, held: Claim, clock: FakeClock) -> None:
    do(store, sends.mark_unsure, held, started(store, held), 2.0, "reset")
    take_in(store, "k3")
    clock.advance(2)
    head = claimed(store).head
    assert (head and head.state, states(store)) == ("unsure", ["unsure", "unsure", "waiting"])


def test_a_start_in_the_future_is_mended(store: Store, held: Claim, clock: FakeClock) -> None:
    """The clock was set back an hour between the call and the look."""
    send = started(store, held)
    clock.advance(-3600)
    do(store, sends.looked_in_vain, held, send, 2.0, "not yet")
    assert rows(store, "sends", kind="post")[0].started_at == clock.now()


def test_a_resend_is_looked_for_once_more_a_minute_later(store: Store, held: Claim, clock: FakeClock) -> None:
    send = started(store, held)
    again = do(store, sends.refreeze_for_resend, held, send, send.payload)
    settle(store, held, start(store, held, again))  # type: ignore[arg-type]
    clock.advance(60)
    late = claimed(store)
    assert (late.head, late.check_copies and late.check_copies.id) == (None, send.id)
    do(store, copies.one_copy_left, late, late.check_copies, "1712345678.000200")
    assert lane(store).due is None


def test_a_late_copy_is_looked_for_at_once(store: Store, held: Claim, clock: FakeClock) -> None:
    """Its worker was overtaken, so it may only ask."""
    send = started(store, held)
    clock.advance(30)
    fresh = claimed(store, "fresh")
    settle(store, fresh, send, "1712345678.000200")
    do(store, copies.report_late, held, send, "1712345678.000200")
    assert lane(store).due is None
    do(store, copies.report_late, held, send, "1712345678.000900")
    assert claimed(store).check_copies is not None


def test_the_author_of_what_stands_above_is_known(store: Store, held: Claim) -> None:
    """The body of the last message posted in this thread; what stands in an earlier thread is not above."""
    settle(store, held, started(store, held))
    elsewhere = replace(held, conversation=replace(held.conversation, thread_ts="1712345678.999999"))
    with store.read() as tx:
        assert last_shown(tx, held) == raw("k2", GROUP)
        assert last_shown(tx, elsewhere) is None
