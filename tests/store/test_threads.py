"""Which thread and channel a conversation has, and what may change them."""

from __future__ import annotations

from relay.messages import Decision
from relay.store.conversations import threads
from relay.store.db.engine import Store
from relay.store.db.rows import Claim
from relay.store.queue import closing, gates, sends
from relay.store.queue.lanes import conversation, give_back
from relay.vocabulary import GateScope, SendState
from tests.harness import FakeClock
from tests.store.shelf import (
    GROUP,
    UNMAPPED,
    claim,
    claimed,
    frozen,
    holding,
    lane,
    open_thread,
    root,
    rows,
    started,
    states,
    take_in,
)

VIP = Decision("C0VIP", "channels", "listed")


def place(store: Store) -> tuple[str | None, ...]:
    row = rows(store, "conversations")[0]
    return (row.channel, row.channel_id, row.thread_ts, row.dead_ts)


def redecide(store: Store, decision: Decision = VIP) -> int:
    """Decide outside of any transaction, then move, as the chores do."""
    with store.read() as tx:
        found = threads.undecided(tx, 0, 100)
    with store.begin() as tx:
        return sum(threads.move(tx, one, decision) for one in found if decision.channel not in (None, one.channel))


def archive(store: Store, name: str = "C0SUPPORT") -> None:
    with store.begin() as tx:
        closing.close_for_operator(tx, GateScope.CHANNEL, name, cause="archived", code="is_archived")


def save_root(store: Store, held: Claim, ts: str) -> bool:
    send = root(store, held)
    with store.begin() as tx:
        saved = threads.save_root(tx, held, send, ts, "as drawn")
        give_back(tx, held)
    return saved


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
        assert not threads.save_root(tx, held, send, "2.2", "as drawn")
        sends.drop(tx, send, SendState.VOID, "not needed")
        give_back(tx, held)
    assert (place(store)[2], rows(store, "sends")[0].state, claim(store) is None) == ("1.1", "void", False)


def test_a_thread_given_up_is_replaced_by_one_that_knows_it(store: Store) -> None:
    """Everything frozen for it is void, nothing of it is lost."""
    open_thread(store, ts="1.1")
    take_in(store, "k2")
    held = claimed(store)
    send = started(store, held, [(1, 0)], [(2, 0)])
    holding(store, held, lambda tx: threads.give_up_thread(tx, held, send, "locked"))
    assert (place(store)[2:], states(store)) == ((None, "1.1"), ["waiting", "waiting"])
    assert [row.state for row in rows(store, "sends", kind="post")] == ["void", "void"]


def test_a_name_becomes_an_id_and_its_gate_is_forgotten(store: Store, clock: FakeClock) -> None:
    take_in(store, decision=Decision("#support", "channels", "listed"))
    archive(store, "#support")
    clock.advance(20)
    held = claimed(store)
    with store.begin() as tx:
        threads.name_channel(tx, held.conversation, "C0SUPPORT")
        gates.reopen(tx, GateScope.CHANNEL, "#support")
    assert (place(store)[:2], rows(store, "gates")[0].operator) == (("#support", "C0SUPPORT"), False)


def test_an_unmapped_conversation_goes_once_a_channel_is_named(store: Store) -> None:
    """With everything that came meanwhile."""
    take_in(store, decision=UNMAPPED)
    assert (redecide(store, UNMAPPED), claim(store)) == (0, None)
    assert (redecide(store), redecide(store)) == (1, 0)
    assert (place(store)[:2], claim(store) is not None) == (("C0VIP", "C0VIP"), True)


def test_a_conversation_in_a_stopped_channel_moves_when_the_mapping_does(store: Store) -> None:
    """What was stored for the old channel goes nowhere: it is made ready anew."""
    open_thread(store, ts="1.1")
    held = claimed(store)
    frozen(store, held)
    archive(store)
    assert redecide(store) == 1
    assert place(store) == ("C0VIP", "C0VIP", None, "1.1")
    holding(store, held, lambda tx: sends.void_frozen(tx, held))
    assert states(store) == ["waiting"]


def test_a_channel_by_name_whose_id_is_gone_is_looked_up_again(store: Store) -> None:
    """The channel was deleted, and one with the same name made."""
    take_in(store, decision=Decision("#support", "channels", "listed"))
    held = claimed(store)
    with store.begin() as tx:
        threads.name_channel(tx, held.conversation, "C0OLD")
        tx.conn.exec_driver_sql("UPDATE conversations SET thread_ts = '1.1'")
        threads.forget_channel(tx, conversation(tx, held.conversation.id))
    assert place(store) == ("#support", None, None, "1.1")


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
    holding(store, held, lambda tx: sends.mark_unsure(tx, send, 2.0, "reset"))
    assert redecide(store) == 0


def test_what_was_looked_for_in_vain_does_not_keep_it(store: Store) -> None:
    """It was refused on its second way: it goes to the new channel, or it would wait for the old one for ever."""
    open_thread(store)
    held = claimed(store)
    send = started(store, held)
    archive(store)
    holding(store, held, lambda tx: sends.refreeze_for_resend(tx, send, send.payload))
    assert (redecide(store), lane(store).due is not None) == (1, True)


def test_a_conversation_that_moved_meanwhile_is_left_where_it_is(store: Store) -> None:
    """The mapping was asked before: what it said counts only for the place it was asked about."""
    take_in(store, decision=UNMAPPED)
    with store.read() as tx:
        (one,) = threads.undecided(tx, 0, 100)
    take_in(store, "k2", decision=Decision("C0SUPPORT", "channels", "listed"))
    with store.begin() as tx:
        assert not threads.move(tx, one, VIP)
    assert place(store)[0] == "C0SUPPORT"


def test_the_undecided_are_read_a_few_at_a_time(store: Store) -> None:
    """With the body that tells their metadata."""
    for number in range(3):
        take_in(store, f"k{number}", str(number), UNMAPPED)
    with store.read() as tx:
        first = threads.undecided(tx, 0, 2)
        rest = threads.undecided(tx, first[-1].id, 2)
    assert [[one.group_id for one in some] for some in (first, rest)] == [["0", "1"], ["2"]]
    assert b'"k0"' in (first[0].body or b"")
