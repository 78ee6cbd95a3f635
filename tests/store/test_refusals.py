"""What a refusal does to the messages a send carried."""

from __future__ import annotations

import pytest

from relay.messages import Form
from relay.store.db.engine import Store, Tx
from relay.store.db.rows import Claim
from relay.store.queue import lanes, refusals
from relay.store.queue.waiting import waiting
from tests.store.shelf import claimed, give_back, lane, open_thread, root, rows, settle, started, states, take_in

NOTICE = -1


@pytest.fixture
def held(store: Store) -> Claim:
    """A claimed lane with a thread and two messages that wait."""
    open_thread(store)
    take_in(store, "k2")
    return claimed(store)


def do(store: Store, held: Claim, step: object, *args: object) -> None:
    """One step of a held lane, which is given back."""

    def work(tx: Tx) -> None:
        step(tx, held, *args)  # type: ignore[operator]
        lanes.give_back(tx, held)

    with store.begin() as tx:
        lanes.hold(tx, held)
        work(tx)


def unrendered(store: Store, held: Claim, cause: str) -> None:
    with store.begin() as tx:
        refusals.bury_unrendered(tx, 1, cause)
    give_back(store, held)


def shown_next(store: Store) -> list[tuple[int, Form, bool, str | None]]:
    held = claimed(store)
    with store.read() as tx:
        found = [(one.id, one.form, one.alone, one.lost) for one in waiting(tx, held)]
    give_back(store, held)
    return found


def test_a_refused_batch_goes_singly(store: Store, held: Claim) -> None:
    do(store, held, refusals.dissolve, started(store, held), "invalid_blocks")
    assert shown_next(store) == [(1, Form.FULL, True, None), (2, Form.FULL, True, None)]


def test_a_refused_message_steps_down_a_form(store: Store, held: Claim) -> None:
    """What else was stored behind it is rendered anew, so that the order stays."""
    do(store, held, refusals.degrade, started(store, held, [(1, 0)], [(2, 0)]), "invalid_blocks", Form.PLAIN)
    assert shown_next(store) == [(1, Form.PLAIN, False, None), (2, Form.FULL, False, None)]


def test_a_buried_message_keeps_its_cause_and_leaves_a_notice_in_its_place(store: Store, held: Claim) -> None:
    do(store, held, refusals.bury, started(store, held, [(1, 0)]), "too long")
    assert shown_next(store) == [(1, Form.FULL, False, "too long"), (2, Form.FULL, False, None)]
    assert (states(store), rows(store, "deliveries")[0].cause) == (["dead", "waiting"], "too long")


def test_a_notice_that_was_shown_is_not_shown_again(store: Store, held: Claim) -> None:
    do(store, held, refusals.bury, started(store, held, [(1, 0)]), "too long")
    held = claimed(store)
    settle(store, held, started(store, held, [(1, NOTICE), (2, 0)]))
    assert (states(store), lane(store).due) == (["dead", "delivered"], None)


def test_a_notice_that_is_refused_causes_no_notice(store: Store, held: Claim) -> None:
    """And the message keeps the cause of its own."""
    do(store, held, refusals.bury, started(store, held, [(1, 0)]), "too long")
    held = claimed(store)
    do(store, held, refusals.bury, started(store, held, [(1, NOTICE)]), "the notice too")
    assert (shown_next(store), rows(store, "deliveries")[0].cause) == ([(2, Form.FULL, False, None)], "too long")


def test_a_message_that_cannot_be_rendered_is_buried(store: Store, held: Claim) -> None:
    """Twice, and not even its notice is tried again."""
    unrendered(store, held, "broken")
    assert shown_next(store)[0] == (1, Form.FULL, False, "broken")
    unrendered(store, claimed(store), "the notice too")
    assert shown_next(store) == [(2, Form.FULL, False, None)]


def test_a_refused_root_becomes_plainer(store: Store) -> None:
    take_in(store)
    held = claimed(store)
    do(store, held, refusals.degrade, root(store, held), "invalid_blocks", Form.PLAIN)
    assert (claimed(store).conversation.root_form, states(store)) == (Form.PLAIN, ["waiting"])


def test_what_was_no_messages_fault_waits_as_it_was(store: Store, held: Claim) -> None:
    do(store, held, refusals.take_back, started(store, held), "no_text")
    assert shown_next(store) == [(1, Form.FULL, False, None), (2, Form.FULL, False, None)]


def test_what_may_be_repeated_is_known_until_it_is_replaced(store: Store, held: Claim) -> None:
    """The second time it could not be looked for either."""
    send = started(store, held)
    with store.read() as tx:
        assert not refusals.may_repeat(tx, send)
    do(store, held, refusals.repeat_marked, send, "nobody could look")
    held = claimed(store)
    again = started(store, held)
    with store.read() as tx:
        assert refusals.may_repeat(tx, again)


def test_a_lane_with_a_send_under_way_is_due_though_nothing_waits(store: Store) -> None:
    """All its messages are dead and told of, and a card has set out for them: what became of it must be seen."""
    take_in(store)
    held = claimed(store)
    root(store, held)
    with store.begin() as tx:
        for _ in ("the message", "its notice"):
            refusals.bury_unrendered(tx, 1, "cannot be shown")
    give_back(store, held)
    assert (lane(store).waiting_since, lane(store).due is not None) == (None, True)
