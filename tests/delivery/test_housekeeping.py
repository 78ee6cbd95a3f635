"""The minute's chores: in small steps that hold nobody up, and none that fails keeps the others from being done."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import event, select, update

from bench.chores import fill
from relay.delivery import forgetting, reminding
from relay.delivery.forgetting import forget_old
from relay.delivery.housekeeping import BATCH, LATELY, STEP
from relay.store.db.tables import conversations, deliveries
from tests.delivery.rig import Rig
from tests.statements import noted

MANY = 1000


@pytest.fixture
def line(rig: Callable[..., Rig]) -> Rig:
    """A thousand conversations that nothing names."""
    line = rig(channels={}, default_channel=None)
    fill(line.store, MANY)
    return line


def test_the_mapping_is_asked_again_for_thousands_in_small_steps(line: Rig) -> None:
    """Deciding happens outside of any transaction, and none moves more than a few."""
    pool, moved, open_while_deciding = line.store.engine.pool, [0], []

    def note(statement: str, _values: object, _connection: object) -> None:
        moved[-1] += statement.startswith("UPDATE conversations")

    event.listen(pool, "checkout", lambda *_: moved.append(0))
    choose = line.relay.choose

    def deciding(*facts: object) -> object:
        open_while_deciding.append(pool.checkedout())  # type: ignore[attr-defined]
        return choose(*facts)  # type: ignore[arg-type]

    with noted(line.store.engine, note):
        line.restart(default_channel="C0SUPPORT", channels={})
    with line.store.read() as tx:
        left = tx.conn.execute(select(conversations.c.id).where(conversations.c.channel.is_(None))).all()
    assert left == []
    assert (max(moved), sum(moved)) == (STEP, MANY)
    line.housekeeping._choose = deciding  # type: ignore[assignment]
    with line.store.begin() as tx:
        tx.conn.exec_driver_sql("UPDATE conversations SET channel = NULL, channel_id = NULL")
    line.chores()
    assert (len(open_while_deciding), set(open_while_deciding)) == (MANY, {0})
    assert BATCH < MANY


def test_those_that_nothing_names_are_not_looked_at_for_ever(line: Rig) -> None:
    """A round ends, though all of them stay where they are."""
    line.chores()
    with line.store.read() as tx:
        left = tx.conn.execute(select(conversations.c.id).where(conversations.c.channel.is_(None))).all()
    assert len(left) == MANY


def test_those_that_nothing_names_are_decided_once_for_each_edit(line: Rig) -> None:
    """A minute of asking for tens of thousands would take seconds of everybody's time."""
    asked: list[object] = []
    choose = line.relay.choose

    def count(*facts: object) -> object:
        asked.append(facts)
        return choose(*facts)  # type: ignore[arg-type]

    line.chores()
    line.housekeeping._choose = count  # type: ignore[assignment]
    line.clock.advance(LATELY + 60)
    line.write("new", group="another")
    line.chores()
    assert len(asked) == 1
    line.housekeeping.use(line.out, 86400.0)
    line.chores()
    assert len(asked) == 1 + MANY + 1


def test_when_thousands_are_called_for_is_decided_in_small_steps(rig: Callable[..., Rig]) -> None:
    """After a restart it is decided anew for everybody who waits."""
    line = rig(remind={"after": 7200.0})
    fill(line.store, MANY)
    waits = {"thread_ts": "1.1", "rule": "channels", "channel": "C0SUPPORT", "waits_since": line.clock.now()}
    with line.store.begin() as tx:
        tx.conn.execute(update(conversations).values(**waits))
    decided = [0]

    def note(statement: str, _values: object, _connection: object) -> None:
        decided[-1] += statement.startswith("UPDATE conversations")

    event.listen(line.store.engine.pool, "checkout", lambda *_: decided.append(0))
    with noted(line.store.engine, note):
        line.chores()
    assert (max(decided), sum(decided)) == (reminding.STEP, MANY)


def test_thousands_of_old_messages_are_erased_in_small_steps(line: Rig) -> None:
    with line.store.begin() as tx:
        tx.conn.execute(update(deliveries).values(state="delivered"))
    line.clock.advance(10.0)
    transactions: list[int] = []
    event.listen(line.store.engine.pool, "checkout", lambda *_: transactions.append(1))
    assert forget_old(line.store, 5.0) == forgetting.STEP * forgetting.STEPS < MANY
    assert len(transactions) == forgetting.STEPS
