"""Slack's events that were refused because of their signature: one row, however many there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace

from relay.store.db.engine import Tx
from relay.store.operations.counting import Kept, keep, read_kept

REFUSED = "refused_events"  # what `counts` calls them


@dataclass(frozen=True, slots=True)
class RefusedEvents:
    """How many were refused in all; `in_a_row`: since the last one that was accepted, with why the last one was."""

    total: int = 0
    in_a_row: int = 0
    why: str = ""
    last_at: float | None = None


def read_refused_events(tx: Tx) -> RefusedEvents:
    """What the processes have written down so far; each writes about once a minute while it refuses."""
    return _read(read_kept(tx, REFUSED))


def add_refused_events(tx: Tx, number: int, why: str) -> None:
    """So many more were refused."""
    _change(tx, lambda now: RefusedEvents(now.total + number, now.in_a_row + number, why, tx.now))


def end_refused_events(tx: Tx) -> None:
    """One was accepted: those that come are taken again."""
    _change(tx, lambda now: replace(now, in_a_row=0) if now.in_a_row else now)


def _read(kept: Kept) -> RefusedEvents:
    known = {one.name for one in fields(RefusedEvents)}  # a later version may have written more
    return RefusedEvents(**{name: value for name, value in (kept.counted or {}).items() if name in known})


def _change(tx: Tx, change: Callable[[RefusedEvents], RefusedEvents]) -> None:
    before = read_kept(tx, REFUSED, locked=True)
    now = _read(before)
    changed = change(now)
    if changed != now:
        keep(tx, REFUSED, before, 0, asdict(changed))  # of two that are the first, one is enough
