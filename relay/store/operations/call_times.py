"""How long calls to Slack took, of all processes together: each adds what it has measured, about once a minute."""

from __future__ import annotations

from collections.abc import Mapping

from relay.histogram import Histogram
from relay.store.db.engine import Tx
from relay.store.operations.counting import keep, read_kept

CALLS = "slack_calls"  # what `counts` calls them
OF_METHOD = " "  # between a method and how its call ended


def add_call_times(tx: Tx, times: Mapping[tuple[str, str], Histogram]) -> bool:
    """Add what a process has measured, by method and status; False, and nothing is added, where it is to try again."""
    before = read_kept(tx, CALLS, locked=True)
    kept = {which: Histogram.from_json(stored) for which, stored in (before.counted or {}).items()}
    for (method, status), histogram in times.items():
        kept.setdefault(f"{method}{OF_METHOD}{status}", Histogram()).merge(histogram)
    return keep(tx, CALLS, before, 0, {which: one.as_json() for which, one in kept.items()})


def read_call_times(tx: Tx) -> dict[tuple[str, str], Histogram]:
    """What all processes have added so far, by method and status."""
    found = {}
    for which, stored in (read_kept(tx, CALLS).counted or {}).items():
        method, _, status = which.partition(OF_METHOD)
        found[method, status] = Histogram.from_json(stored)
    return found
