"""What a refusal does to the messages a send carried."""

from __future__ import annotations

import pytest

from relay.messages import Form
from relay.store.db.engine import Store
from relay.store.db.rows import Claim
from relay.store.queue import refusals
from relay.store.queue.waiting import waiting
from tests.store.shelf import claimed, lane, open_thread, root, rows, settle, started, states, take_in

NOTICE = -1


@pytest.fixture
def held(store: Store) -> Claim:
    """A claimed lane with a thread and two messages that wait."""
    open_thread(store)
    take_in(store, "k2")
    return claimed(store)


def do(store: Store, step: object, *args: object) -> None:
    with store.begin() as tx:
        step(tx, *args)  # type: ignore[operator]


def shown_next(store: Store) -> list[tuple[int, Form, bool, str | None]]:
    held = claimed(store)
    with store.read() as tx:
        found = [(one.id, one.form, one.alone, one.lost) for one in waiting(tx, held)]
    do(store, refusals.give_back, held)
    return found


def test_a_refused_batch_goes_singly(store: Store, held: Claim) -> None:
    do(store, refusals.dissolve, held, started(store, held), "invalid_blocks")
    assert shown_next(store) == [(1, Form.FULL, True, None), (2, Form.FULL, True, None)]


def test_a_refused_message_steps_down_a_form(store: Store, held: Claim) -> None:
    """What else was frozen behind it is rendered anew, so that the order stays."""
    do(store, refusals.degrade, held, started(store, held, [(1, 0)], [(2, 0)]), "invalid_blocks", Form.PLAIN)
    assert shown_next(store) == [(1, Form.PLAIN, False, None), (2, Form.FULL, False, None)]


def test_a_buried_message_keeps_its_cause_and_leaves_a_notice_in_its_place(store: Store, held: Claim) -> None:
    do(store, refusals.bury, held, started(store, held, [(1, 0)]), "too long")
    assert shown_next(store) == [(1, Form.FULL, False, "too long"), (2, Form.FULL, False, None)]
    assert (states(store), rows(store, "deliveries")[0].cause) == (["dead", "waiting"], "too long")


def test_a_notice_that_was_shown_is_not_shown_again(store: Store, held: Claim) -> None:
    do(store, refusals.bury, held, started(store, held, [(1, 0)]), "too long")
    held = claimed(store)
    settle(store, held, started(store, held, [(1, NOTICE), (2, 0)]))
    assert (states(store), lane(store).due) == (["dead", "delivered"], None)


def test_a_notice_that_is_refused_causes_no_notice(store: Store, held: Claim) -> None:
    """And the message keeps the cause of its own."""
    do(store, refusals.bury, held, started(store, held, [(1, 0)]), "too long")
    held = claimed(store)
    do(store, refusals.bury, held, started(store, held, [(1, NOTICE)]), "the notice too")
    assert (shown_next(store), rows(store, "deliveries")[0].cause) == ([(2, Form.FULL, False, None)], "too long")


def test_a_message_that_cannot_be_rendered_is_buried(store: Store, held: Claim) -> None:
    """Twice, and not even its notice is tried again."""
    do(store, refusals.bury_unrendered, held, 1, "broken")
    assert shown_next(store)[0] == (1, Form.FULL, False, "broken")
    do(store, refusals.bury_unrendered, claimed(store), 1, "the notice too")
    assert shown_next(store) == [(2, Form.FULL, False, None)]


def test_a_refused_root_becomes_plainer(store: Store) -> None:
    take_in(store)
    held = claimed(store)
    do(store, refusals.degrade_root, held, root(store, held), "invalid_blocks", Form.PLAIN)
    assert (claimed(store).conversation.root_form, states(store)) == (Form.PLAIN, ["waiting"])


def test_a_root_refused_for_good_shuts_its_channel(store: Store) -> None:
    """A person must look; the next try begins with the full card again."""
    take_in(store)
    held = claimed(store)
    do(store, refusals.close_channel_for_root, held, root(store, held), "no_text", "no_text")
    (gate,) = rows(store, "gates", operator=True)
    assert (gate.scope, gate.name, gate.cause) == ("channel", "C0SUPPORT", "no_text")
    assert (rows(store, "conversations")[0].root_form, states(store)) == ("full", ["waiting"])


def test_a_lane_with_a_send_under_way_is_due_though_nothing_waits(store: Store) -> None:
    """All its messages are dead and told of, and a card has set out for them: what became of it must be seen."""
    take_in(store)
    held = claimed(store)
    root(store, held)
    for _ in ("the message", "its notice"):
        do(store, refusals.bury_unrendered, held, 1, "cannot be shown")
    assert (lane(store).waiting_since, lane(store).due is not None) == (None, True)
