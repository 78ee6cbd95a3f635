"""What is promised about the relay's speed, each against a counterpart in the same run."""

from __future__ import annotations

from collections.abc import Sequence

from bench.speed.parts import accept, backlog, growth, loss, memory, pace
from bench.speed.records import Promise

_EMPTY, _NAIVE = "empty endpoint", "naive inline"
PROMISES = (
    Promise("P1", accept.ACCEPTS, "relay, SQLite", _EMPTY, 0.6, at_least=True),
    Promise("P1", accept.ACCEPTS, "relay, PostgreSQL", _EMPTY, 0.4, at_least=True),
    Promise("P1", accept.ACCEPTS, "relay", "Node-RED", 1.0, at_least=True),
    Promise("P2", pace.answer(200, 99), "relay", _EMPTY, 2.0),
    Promise("P2", accept.SLOWEST, "relay", _EMPTY, 3.0),
    Promise("P3", pace.arrival(20, 50), "relay", _NAIVE, 1.5),
    Promise("P3", pace.arrival(20, 99), "relay", _NAIVE, 2.0),
    Promise("P3", pace.arrival(200, 50), "relay", _NAIVE, 10.0),
    Promise("P3", pace.arrival(200, 99), "relay, PostgreSQL, apart", "", 500.0),
    Promise("P3", pace.CAUGHT_UP, "relay", "", 1.0),
    Promise("P4", backlog.VISIBLE, "relay", "", backlog.ALL, at_least=True),
    Promise("P5", memory.START, "relay", "", 1.5),
    Promise("P5", memory.HELP, "relay", "", 0.3),
    Promise("P7", accept.POSTS, "relay", "", 50.0, at_least=True),
    Promise("P8", pace.COST, "relay", _NAIVE, 2.5),
    Promise("none lost", loss.LOST, "relay", "", 0.0),
    Promise("none doubled", loss.DOUBLED, "relay", "", 0.0),
    Promise("in order", loss.DISORDERED, "relay", "", 0.0),
)


def promises(kinds: Sequence[str], stored: int, messages: int) -> list[Promise]:
    """All of them, for these databases, this many stored messages, and memory after this many."""
    flat = [
        Promise("P6", growth.cost(step), growth.stocked(kind, stored), growth.stocked(kind, growth.FEW), 1.2)
        for kind in kinds
        for step in growth.STEPS
    ]
    return [*PROMISES, Promise("P5", memory.resident(messages), "relay", "", 120.0), *flat]
