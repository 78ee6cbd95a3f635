"""Which thread and channel a conversation has, and what may change them."""

from __future__ import annotations

from relay.messages import Decision
from relay.store.conversations import threads
from relay.store.db.engine import Store
from relay.store.db.rows import Claim
from relay.store.queue import gates, sends
from tests.harness import FakeClock
from tests.store.shelf import (
    GROUP,
    UNMAPPED,
    claim,
    claimed,
    freeze,
    lane,
    open_thread,
    root,
    rows,
    start,
    started,
    states,
    take_in,
)

VIP = Decision("C0VIP", "channels", "listed")


def place(store: Store) -> tuple[str | None, ...]:
    row = rows(store, "conversations")[0]
    return (row.channel, row.channel_id, row.thread_ts, row.dead_ts)


def redecide(store: Store, decision: Decision = VIP) -> int:
    with store.begin() as tx:
        return threads.redecide(tx, lambda group_id, title, body: decision)


def archive(store: Store, name: str = "C0SUPPORT") -> None:
    with store.begin() as tx:
        gates.close_for_operator(tx, "channel", name, cause="archived", code="is_archived")


def save_root(store: Store, held: Claim, ts: str) -> bool:
    send = root(store, held)
    with store.begin() as tx:
        return threads.save_root(tx, held, send, ts)


def test_a_saved_root_wakes_its_conversation(store: Store) -> None:
    take_in(store)
    assert save_root(store, claimed(store), "1.1")
    assert (place(store), claim(store) is not None) == (("C0SUPPORT", "C0SUPPORT", "1.1", None), True)


def test_of_two_roots_the_first_is_saved(store: Store) -> None:
    """Compare and set: the second is an orphan, which its worker deletes."""
    take_in(store)
    held = claimed(store)
    send = root(store, held)
    with store.begin() as tx:
        tx.conn.exec_driver_sql("UPDATE conversations SET thread_ts = '1.1'")
        assert not threads.save_root(tx, held, send, "2.2")
        threads.drop_orphan_root(tx, held, send)
    assert (place(store)[2], rows(store, "sends")[0].state, claim(store) is None) == ("1.1", "void", False)


def test_a_thread_given_up_is_replaced_by_one_that_knows_it(store: Store) -> None:
    """Everything frozen for it is void, nothing of it is lost."""
    open_thread(store, ts="1.1")
    take_in(store, "k2")
    held = claimed(store)
    send = started(store, held, [(1, 0)], [(2, 0)])
    with store.begin() as tx:
        threads.give_up_thread(tx, held, send, "locked")
    assert (place(store)[2:], states(store)) == ((None, "1.1"), ["waiting", "waiting"])
    assert [row.state for row in rows(store, "sends", kind="post")] == ["void", "void"]


def test_a_name_becomes_an_id_and_its_gate_is_forgotten(store: Store, clock: FakeClock) -> None:
    take_in(store, decision=Decision("#support", "channels", "listed"))
    archive(store, "#support")
    clock.advance(20)
    held = claimed(store)
    with store.begin() as tx:
        threads.name_channel(tx, held, "C0SUPPORT")
    assert (place(store)[:2], rows(store, "gates")[0].operator) == (("#support", "C0SUPPORT"), False)


def test_an_unmapped_conversation_goes_once_a_channel_is_named(store: Store) -> None:
    """With everything that came meanwhile."""
    take_in(store, decision=UNMAPPED)
    assert (redecide(store, UNMAPPED), claim(store)) == (0, None)
    assert (redecide(store), redecide(store)) == (1, 0)
    assert (place(store)[:2], claim(store) is not None) == (("C0VIP", "C0VIP"), True)


def test_a_conversation_in_a_stopped_channel_moves_when_the_mapping_does(store: Store) -> None:
    """What was frozen for the old channel is void."""
    open_thread(store, ts="1.1")
    held = claimed(store)
    frozen = freeze(store, held)
    archive(store)
    assert redecide(store) == 1
    assert place(store) == ("C0VIP", "C0VIP", None, "1.1")
    assert (start(store, held, frozen), states(store)) == (None, ["waiting"])


def test_a_conversation_in_a_working_channel_stays(store: Store) -> None:
    """Its thread is there, whatever the mapping says now."""
    open_thread(store)
    assert (redecide(store), place(store)[0]) == (0, "C0SUPPORT")


def test_a_conversation_at_rest_stays_where_it_is(store: Store) -> None:
    """In a stopped channel too: nothing of it waits."""
    take_in(store, group=GROUP)
    archive(store)
    with store.begin() as tx:
        tx.conn.exec_driver_sql("UPDATE deliveries SET state = 'delivered'")
    assert redecide(store) == 0


def test_a_conversation_stays_while_something_may_stand_in_its_channel(store: Store) -> None:
    """First the look, then the move."""
    open_thread(store)
    held = claimed(store)
    send = started(store, held)
    archive(store)
    assert redecide(store) == 0
    with store.begin() as tx:
        sends.mark_unsure(tx, held, send, 2.0, "reset")
    assert redecide(store) == 0


def test_what_was_looked_for_in_vain_does_not_keep_it(store: Store) -> None:
    """It was refused on its second way: it goes to the new channel, or it would wait for the old one for ever."""
    open_thread(store)
    held = claimed(store)
    send = started(store, held)
    archive(store)
    with store.begin() as tx:
        sends.refreeze_for_resend(tx, held, send, send.payload)
    assert redecide(store) == 1
    assert (start(store, held, send), lane(store).due is not None, states(store)) == (None, True, ["waiting"])
