"""Counts what happened in each minute, in a chore, so that nobody has to scan the history.

Received rows are counted with the totals, by id. Deliveries and dead letters are counted by their time, once no
transaction of that minute can still be open. A minute is counted once, however many workers run their chores and
whenever one is killed: its numbers and the progress are one transaction, of one worker.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, and_, case, delete, func, literal_column, select, update

from relay.histogram import BOUNDS, Histogram
from relay.store.db.dialects import among, equals, floored, upsert
from relay.store.db.engine import Tx
from relay.store.db.file_tables import minutes
from relay.store.db.tables import deliveries, received
from relay.store.operations.counting import Kept, keep, read_kept
from relay.store.operations.reports import KINDS, Kind
from relay.vocabulary import DeliveryState, Lane, Outcome, ReceivedKind, Source

MINUTE = 60
KEPT_FOR = 8 * 86400  # seconds
SETTLED = 60.0  # seconds after which no transaction with a lower id, or an earlier time, can still be open
STEP = 2000  # deliveries counted in one transaction, except for those of a single minute
RECEIVED = received.name
COUNTED = (minutes.c.received, minutes.c.delivered, minutes.c.failed)
ENDED = "settled"  # the entry in `counts` for how far the deliveries are counted, and how long they took until then

_KINDS_RECEIVED = {
    (Source.KOMMUNICATE, ReceivedKind.MESSAGE): Kind.MESSAGE,
    (Source.SLACK, ReceivedKind.MESSAGE): Kind.REPLY,
    (Source.SLACK, ReceivedKind.FORM): Kind.REPLY,
    (Source.SLACK, ReceivedKind.CLICK): Kind.CLICK,
}


@dataclass(slots=True)
class Numbers:
    """For one kind and time: how many arrived, were delivered and given up, and how long the delivered ones took."""

    received: int = 0
    delivered: int = 0
    failed: int = 0
    seconds: Histogram = field(default_factory=Histogram)

    def merge(self, other: Numbers, sign: int = 1) -> None:
        """Add another time or kind, or subtract it."""
        self.received += sign * other.received
        self.delivered += sign * other.delivered
        self.failed += sign * other.failed
        self.seconds.merge(other.seconds, sign)

    def add(self, received: int, delivered: int, failed: int, seconds: Mapping[str, float]) -> None:
        """Add a row of `minutes`."""
        self.received += received
        self.delivered += delivered
        self.failed += failed
        self.seconds.merge_json(seconds)


ByMinute = dict[tuple[int, Kind], Numbers]


def minute_of(moment: float) -> int:
    """The beginning of the minute of this moment."""
    return int(moment // MINUTE) * MINUTE


def read_received(tx: Tx, these: ColumnElement[bool]) -> ByMinute:
    """The accepted rows among these, by minute."""
    minute = floored(tx, received.c.received_at / MINUTE).label("minute")
    source = received.c.source.label("source")
    query = select(minute, source, received.c.kind, func.count().label("number"))
    taken = and_(these, equals(received.c.outcome, Outcome.ACCEPTED))
    found: ByMinute = defaultdict(Numbers)
    for row in tx.conn.execute(query.where(taken).group_by("minute", "source", received.c.kind)):
        kind = _KINDS_RECEIVED.get((Source(row.source), ReceivedKind(row.kind)))
        if kind is not None:
            found[row.minute * MINUTE, kind].received += row.number
    return found


def read_ended(tx: Tx, since: float, until: float | None = None) -> ByMinute:
    """What was delivered or given up from `since` on, by minute."""
    at = deliveries.c.settled_at
    took = at - deliveries.c.created_at
    took = case((took > literal_column("0.0"), took), else_=literal_column("0.0"))
    within = ((took <= literal_column(str(bound)), number) for number, bound in enumerate(BOUNDS))
    bucket = case(*within, else_=len(BOUNDS))
    query = select(
        floored(tx, at / MINUTE).label("minute"),
        deliveries.c.lane,
        deliveries.c.topic,
        deliveries.c.state,
        bucket.label("bucket"),
        func.count().label("number"),
        func.sum(took).label("total"),
    ).where(at >= since, among(deliveries.c.state, (DeliveryState.DELIVERED, DeliveryState.DEAD)))
    if until is not None:
        query = query.where(at < until)
    found: ByMinute = defaultdict(Numbers)
    grouped = query.group_by("minute", deliveries.c.lane, deliveries.c.topic, deliveries.c.state, "bucket")
    for row in tx.conn.execute(grouped):
        numbers = found[row.minute * MINUTE, KINDS.get((Lane(row.lane), row.topic), Kind.LINE)]
        if row.state == DeliveryState.DEAD:
            numbers.failed += row.number
        else:
            numbers.delivered += row.number
            numbers.seconds.add(_bound(row.bucket), row.number, row.total)
    return found


def _bound(bucket: int) -> float:
    return BOUNDS[bucket] if bucket < len(BOUNDS) else math.inf


def add_received(tx: Tx, these: ColumnElement[bool]) -> None:
    """Store by minute what arrived with those rows, which were not counted before."""
    _add(tx, read_received(tx, these))


def roll_up(tx: Tx, step: int = STEP) -> bool:
    """Count the next minutes that are over, and delete old ones; True if there may be more."""
    before = read_kept(tx, ENDED, locked=True)
    last = minute_of(tx.now - SETTLED)
    if last < before.up_to:
        return _go_back(tx, before, last)
    end = min(last, _end_of_step(tx, before.up_to, step))
    if end <= before.up_to:
        return False
    found = read_ended(tx, before.up_to, end)
    if not keep(tx, ENDED, before, int(end), _summed(before, found)):
        return True
    _add(tx, found)
    tx.conn.execute(delete(minutes).where(minutes.c.minute < int(tx.now - KEPT_FOR)))
    return end < last


def read_summed(kept: Kept) -> dict[Kind, Numbers]:
    """How many deliveries ended, and how long they took, by kind, as far as they are counted."""
    found: dict[Kind, Numbers] = defaultdict(Numbers)
    for kind, (delivered, failed, seconds) in (kept.counted or {}).items():
        found[Kind(kind)] = Numbers(0, delivered, failed, Histogram.from_json(seconds))
    return found


def _summed(before: Kept, more: ByMinute, sign: int = 1) -> dict[str, Any]:
    found = read_summed(before)
    for (_, kind), numbers in more.items():
        found[kind].merge(numbers, sign)
    return {kind.value: (one.delivered, one.failed, one.seconds.as_json()) for kind, one in found.items()}


def to_numbers(row: Any) -> Numbers:
    """A row of `minutes` as a value."""
    return Numbers(row.received, row.delivered, row.failed, Histogram.from_json(json.loads(row.seconds)))


def _end_of_step(tx: Tx, up_to: int, step: int) -> float:
    """The end of the last minute that fits into a step, infinity if all do."""
    at = deliveries.c.settled_at
    beyond = select(at).where(at >= up_to).order_by(at).offset(step).limit(1)
    found: float | None = tx.conn.execute(beyond).scalar_one_or_none()
    return math.inf if found is None else max(minute_of(found), up_to + MINUTE)


def _go_back(tx: Tx, before: Kept, last: int) -> bool:
    """The clock had jumped ahead: future minutes are counted when they are over."""
    rows = tx.conn.execute(select(minutes).where(minutes.c.minute >= last))
    keep(tx, ENDED, before, last, _summed(before, {(row.minute, Kind(row.kind)): to_numbers(row) for row in rows}, -1))
    to_come = update(minutes).where(minutes.c.minute >= last)
    tx.conn.execute(to_come.values(delivered=0, failed=0, seconds="{}"))
    return False


def _add(tx: Tx, found: ByMinute) -> None:
    """Each number is added once: deliveries by their minute, received rows by ids, which may take several steps."""
    rows = [
        {
            minutes.c.minute.name: minute,
            minutes.c.kind.name: kind.value,
            minutes.c.received.name: numbers.received,
            minutes.c.delivered.name: numbers.delivered,
            minutes.c.failed.name: numbers.failed,
            minutes.c.seconds.name: json.dumps(numbers.seconds.as_json()),
        }
        for (minute, kind), numbers in sorted(found.items())
    ]
    if not rows:
        return
    new = upsert(tx, minutes)
    ended = new.excluded.delivered + new.excluded.failed > 0
    summed = {one.name: one + new.excluded[one.name] for one in COUNTED}
    seconds = case((ended, new.excluded.seconds), else_=minutes.c.seconds)
    tx.conn.execute(
        new.on_conflict_do_update(index_elements=["minute", "kind"], set_={**summed, "seconds": seconds}), rows
    )
