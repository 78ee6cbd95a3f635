"""Traffic over time, for charts: the stored minutes, and the latest minutes counted live."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import ColumnElement, and_, literal_column, or_, select, union_all

from relay.histogram import Histogram, exact_percentile, percentile
from relay.store.db.dialects import among, equals
from relay.store.db.engine import Tx
from relay.store.db.file_tables import counts, minutes
from relay.store.db.tables import deliveries, received
from relay.store.operations.counting import read_kept
from relay.store.operations.minutes import (
    COUNTED,
    ENDED,
    KEPT_FOR,
    MINUTE,
    RECEIVED,
    Numbers,
    minute_of,
    read_ended,
    read_received,
    read_summed,
)
from relay.store.operations.reports import KINDS, Kind
from relay.vocabulary import DeliveryState

__all__ = [
    "KEPT_FOR",
    "MESSAGES",
    "Histogram",
    "Interval",
    "ended_so_far",
    "exact_percentile",
    "history",
    "percentile",
    "times_since",
]

MESSAGES = (Kind.MESSAGE, Kind.REPLY)  # people's messages


@dataclass(frozen=True, slots=True)
class Interval:
    """What happened from `start` on, in seconds since 1970, until the next interval.

    `received` is what arrived to be delivered; `failed` was given up; `seconds` has the times from arrival until each
    delivered one was visible. What was delivered here may have arrived earlier.
    """

    start: float
    received: int = 0
    delivered: int = 0
    failed: int = 0
    seconds: Histogram = field(default_factory=Histogram)


def history(tx: Tx, *, since: float, step: float, kinds: Collection[Kind] = MESSAGES) -> list[Interval]:
    """The time from the minute of `since` to now in intervals of `step` seconds, which are whole minutes; oldest first.

    The last one is not over yet. What is older than `KEPT_FOR` seconds, or than the relay's upgrade to the version that
    counts it, is shown as nothing. Raises ValueError for other steps.
    """
    if step < MINUTE or step % MINUTE:
        raise ValueError("step must be a whole number of minutes")
    begin = minute_of(since)
    intervals = [Numbers() for _ in range(begin, minute_of(tx.now) + 1, int(step))]
    up_to = {RECEIVED: 0, ENDED: 0}
    kept = _kept(and_(minutes.c.minute >= begin, among(minutes.c.kind, sorted(kinds))))
    for minute, kind, came, delivered, failed, seconds in tx.conn.execute(kept):
        if kind in up_to:
            up_to[kind] = minute
        elif interval := _at(intervals, minute - begin, step):
            interval.add(came, delivered, failed, json.loads(seconds))
    for live in read_received(tx, received.c.id > up_to[RECEIVED]), read_ended(tx, max(begin, up_to[ENDED])):
        for (minute, kind), found in live.items():
            if kind in kinds and (interval := _at(intervals, minute - begin, step)):
                interval.merge(found)
    return [
        Interval(begin + place * step, one.received, one.delivered, one.failed, one.seconds)
        for place, one in enumerate(intervals)
    ]


def times_since(tx: Tx, since: float, most: int, kinds: Collection[Kind] = MESSAGES) -> list[float] | None:
    """How many seconds each one took that was delivered since then, the quickest first; None of more than `most`."""
    lanes = [
        and_(equals(deliveries.c.lane, lane), deliveries.c.topic == topic)
        for (lane, topic), kind in KINDS.items()
        if kind in kinds
    ]
    delivered = and_(deliveries.c.settled_at >= since, equals(deliveries.c.state, DeliveryState.DELIVERED), or_(*lanes))
    took = select(deliveries.c.settled_at - deliveries.c.created_at).where(delivered).limit(most + 1)
    found = sorted(max(0.0, seconds) for seconds in tx.conn.execute(took).scalars())
    return found if len(found) <= most else None


def _at(intervals: list[Numbers], seconds: int, step: float) -> Numbers | None:
    """The interval of a moment, in seconds after the first begins; a clock that had jumped yields others."""
    place = int(seconds // step)
    return intervals[place] if 0 <= place < len(intervals) else None


def ended_so_far(tx: Tx) -> dict[Kind, Numbers]:
    """How many were delivered, how long they took, and how many were given up, since counting began.

    These never decrease: a dead letter is counted with its minute, even if it is replayed later.
    """
    kept = read_kept(tx, ENDED)
    found = read_summed(kept)
    for (_, kind), numbers in read_ended(tx, kept.up_to).items():
        found[kind].merge(replace(numbers, failed=0))
    return dict(found)


def _kept(these: ColumnElement[bool]) -> Any:
    """Those minutes, and how far they are counted, read at one moment."""
    none: list[ColumnElement[int]] = [literal_column("0").label(one.name) for one in COUNTED]
    marks = select(
        counts.c.up_to.label("minute"), counts.c.what.label("kind"), *none, counts.c.counted.label("seconds")
    )
    return union_all(
        select(minutes).where(these),
        marks.where(among(counts.c.what, (RECEIVED, ENDED))),
    )
