"""Locks and steps that only show when two workers meet in one lane."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from relay.errors import OperatorNeeded, RateLimited
from relay.store.queue import gates, lanes, sends
from relay.vocabulary import GateScope
from tests.delivery.rig import Rig
from tests.harness import PATIENCE
from tests.statements import listed


@pytest.fixture
def line(rig: Callable[..., Rig]) -> Rig:
    """With a thread, and a message that waits."""
    line = rig()
    line.write("m1")
    line.run()
    line.write("m2")
    return line


@pytest.mark.parametrize(
    "error", [RateLimited(5.0, method="chat.postMessage"), OperatorNeeded(GateScope.CHANNEL)], ids=str
)
def test_a_refusal_locks_its_lane_before_its_gate(line: Rig, error: RateLimited | OperatorNeeded) -> None:
    """As everybody does: whoever holds the lane gets the gate while the refusal waits for the lane."""
    held, send = line.set_out()
    line.clock.advance(10)
    refused = threading.Thread(target=line.fail, args=(held, send, error))
    with line.store.begin() as tx:
        lanes.hold(tx, held)
        refused.start()
        refused.join(0.3)
        assert gates.take_slot(tx, send.channel, line.out.limits) is None
    refused.join(PATIENCE)
    assert not refused.is_alive()
    line.run(60)
    assert (line.told(), line.waiting()) == (["m1", "m2"], [])


def test_a_message_of_which_nothing_is_left_to_show_holds_up_nobody(line: Rig) -> None:
    """All its parts stand in Slack, and it waits all the same: an upgrade may cut texts in another way."""
    held, send = line.set_out()
    posted = line.out.slack.post(send.channel, send.payload, thread_ts=send.thread_ts, send_id=send.id)
    with line.store.begin() as tx:
        lanes.hold(tx, held)
        sends.mark_delivered(tx, send, posted.ts)
        lanes.give_back(tx, held)
        tx.conn.exec_driver_sql("UPDATE deliveries SET state = 'waiting'")
        tx.conn.exec_driver_sql(f"UPDATE lanes SET due = {tx.now}")
    line.write("m3")
    line.run(60)
    assert (line.told(), line.waiting()) == (["m1", "m2", "m3"], [])


def test_a_message_takes_no_more_statements_than_it_needs(rig: Callable[..., Rig]) -> None:
    """From the endpoint to settled, in a thread that stands: each is a way to the database and back."""
    line = rig()
    line.write("m1")
    line.run(60)
    with listed(line.store.engine) as ran:
        line.write("m2")
        assert line.worker.run_once()
    assert line.told() == ["m1", "m2"]
    assert len(ran) <= 23, "\n".join(ran)
