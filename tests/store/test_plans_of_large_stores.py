"""What costs the same however many lanes are due, things were ignored and messages were edited."""

from __future__ import annotations

import re

from sqlalchemy import text

from relay.store.db.engine import Store
from relay.store.operations import versions
from relay.store.operations.erasing import erase_conversation
from relay.store.operations.reports import Which, list_deliveries
from tests.statements import listed
from tests.store.planned import NUMBERS, planned
from tests.store.shelf import LIMITS, claimed
from tests.store.test_plans import one_alert

IGNORED_BEFORE = (
    "INSERT INTO received (door, account, kind, key, outcome, received_at) "
    f"{NUMBERS} SELECT 'kommunicate', 'default', 'message', 'ignored' || i, 'ignored', 0 FROM n"
)


def test_a_take_looks_up_the_conversations_of_due_lanes_alone(full: Store) -> None:
    """However many are due: PostgreSQL would rather read all conversations than look up many."""
    with full.engine.begin() as conn:
        conn.execute(text("UPDATE lanes SET due = 0, waiting_since = 0"))
        conn.execute(text("ANALYZE" if not full.on_sqlite else "SELECT 1"))
    with planned(full) as plans:
        claimed(full)
        one_alert(full)
    assert [plan for plan in plans if re.search(r"(SCAN|Seq Scan on) conversations", plan)] == []


def test_what_was_held_in_a_thread_is_found_by_the_thread(full: Store) -> None:
    """Not among everything that belongs to no conversation: most of that was ignored."""
    with full.engine.begin() as conn:
        conn.execute(text(IGNORED_BEFORE))
        conn.execute(text("ANALYZE" if not full.on_sqlite else "SELECT 1"))
    with planned(full) as plans, full.begin() as tx:
        erase_conversation(tx, 1, in_slack=True)
    (held,) = (plan for plan in plans if plan.startswith("UPDATE received") and "conversation_id IS NULL" in plan)
    assert "received_in_thread" in held


def test_versions_are_read_by_the_message(full: Store) -> None:
    """Not all edits compared with each message."""
    with planned(full) as plans, full.read() as tx:
        versions.versions_of(tx, ["T0TEAM/C0VIP/17.1", "T0TEAM/C0VIP/17.2"])
    (plan,) = plans
    assert len(re.findall(r"key\W*>", plan.split("\n", 3)[-1])) == 2


def test_a_long_list_asks_for_each_channel_once(full: Store) -> None:
    with full.engine.begin() as conn:
        conn.execute(text("UPDATE deliveries SET state = 'waiting' WHERE id <= 500"))
    with listed(full.engine) as ran, full.read() as tx:
        assert len(list_deliveries(tx, Which.WAITING, LIMITS, 1000)) > 400
    assert len(ran) < 10
