"""Replays dead letters: the same delivery, under the same key, so that it cannot appear twice."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from itertools import groupby
from typing import Any

from sqlalchemy import and_, func, or_, select, update

from relay.messages import Form
from relay.store.conversations.replies import send_again
from relay.store.conversations.thread_notices import redraw_lines
from relay.store.db.dialects import among, equals, upsert
from relay.store.db.engine import Store, Tx
from relay.store.db.tables import NOT_DELIVERED, conversations, deliveries, lanes, received, send_parts
from relay.store.queue.sends import WHOLE_NOTICE
from relay.vocabulary import DeliveryState, Lane, Mark

STEP = 200  # dead letters in one transaction


class Replayed(StrEnum):
    """The result of a replay."""

    QUEUED = "queued"
    MAY_REPEAT = "queued, and may arrive twice"  # a reply that Kommunicate did not answer
    PRUNED = "pruned"  # its content is no longer stored
    UNKNOWN = "unknown"


_OF_ONE = (deliveries.c.conversation_id, deliveries.c.lane, deliveries.c.state, deliveries.c.mark)


def replay_one(tx: Tx, delivery_id: int) -> Replayed | DeliveryState:
    """Queue a dead letter again; for another delivery, return its state."""
    row = tx.conn.execute(
        select(*_OF_ONE, received.c.body, received.c.gone)
        .join(received, received.c.id == deliveries.c.received_id)
        .where(deliveries.c.id == delivery_id)
    ).one_or_none()
    if row is None:
        return Replayed.UNKNOWN
    if row.state != DeliveryState.DEAD:
        return DeliveryState(row.state)
    if row.body is None and not _is_recall(row):
        return Replayed.PRUNED
    if row.lane == Lane.REPLIES:
        send_again(tx, delivery_id)
        return Replayed.MAY_REPEAT if row.mark == Mark.UNSURE else Replayed.QUEUED
    _revive(tx, row.conversation_id, Lane(row.lane), [delivery_id])
    return Replayed.QUEUED


def replay_all(tx: Tx, *, within: float | None = None, until: float | None = None, most: int | None = None) -> int:
    """Queue every dead letter for Slack again, or those buried within so many seconds, or `most`; returns how many.

    None that was buried after `until`, in seconds since 1970. Replies are left out: they may have reached the customer,
    and only a person can know.
    """
    dead = and_(equals(deliveries.c.state, DeliveryState.DEAD), NOT_DELIVERED)
    stored, recall = received.c.body.is_not(None), and_(equals(deliveries.c.lane, Lane.FILES), received.c.gone)
    query = (
        select(deliveries.c.conversation_id, deliveries.c.lane, deliveries.c.id)
        .join(received, received.c.id == deliveries.c.received_id)
        .where(dead, or_(and_(among(deliveries.c.lane, (Lane.WORDS, Lane.FILES)), stored), recall))
        .order_by(deliveries.c.conversation_id, deliveries.c.lane, deliveries.c.id)
    )
    if within is not None:
        query = query.where(deliveries.c.settled_at >= tx.now - within)
    if until is not None:
        since_then = and_(deliveries.c.settled_at > until, deliveries.c.settled_at <= tx.now)  # later: the clock jumped
        query = query.where(~since_then)
    if most is not None:
        query = query.limit(most)
    rows = tx.conn.execute(query).all()
    for (conversation_id, lane), found in groupby(rows, key=lambda row: (row.conversation_id, row.lane)):
        _revive(tx, conversation_id, Lane(lane), [row.id for row in found])
    return len(rows)


def replay_in_steps(store: Store, *, within: float | None = None, most: int | None = None, step: int = STEP) -> int:
    """The same in transactions for which nobody waits long; what is given up meanwhile is left to the next replay."""
    with store.read() as tx:
        begun = tx.now
    count, more = 0, True
    while more and (most is None or count < most):
        with store.begin() as tx:
            since = None if within is None else within + tx.now - begun
            found = replay_all(tx, within=since, until=begun, most=step)
        count, more = count + found, found == step
    return count


def _is_recall(row: Any) -> bool:
    """A withdrawn file that Slack has not deleted: it needs no stored content."""
    return bool(row.lane == Lane.FILES and row.gone)


def _revive(tx: Tx, conversation_id: int, lane: Lane, ids: Sequence[int]) -> None:
    """Lock the conversation, then its lane, as `accept` does; revive the dead letters and make the lane due."""
    channel = tx.conn.execute(
        select(conversations.c.channel).where(conversations.c.id == conversation_id).with_for_update(key_share=True)
    ).scalar_one()
    due = None if channel is None else tx.now
    again = {"due": func.coalesce(lanes.c.due, due), "waiting_since": func.coalesce(lanes.c.waiting_since, tx.now)}
    mine = {"conversation_id": conversation_id, "kind": lane.value}
    new = upsert(tx, lanes).values(**mine, due=due, waiting_since=tx.now)
    tx.conn.execute(new.on_conflict_do_update(index_elements=["conversation_id", "kind"], set_=again))
    waiting = {"state": DeliveryState.WAITING.value, "form": Form.FULL.value, "cause": "", "settled_at": None}
    tx.conn.execute(
        update(deliveries)
        .where(deliveries.c.id.in_(ids), deliveries.c.state == DeliveryState.DEAD.value)
        .values(**waiting, alone=False, notice_due=False, may_repeat=False)
    )
    # Its notice is posted; if it dies again, another is posted.
    notice = and_(send_parts.c.part == WHOLE_NOTICE, send_parts.c.live)
    tx.conn.execute(update(send_parts).where(send_parts.c.delivery_id.in_(ids), notice).values(live=False))
    for delivery_id in ids if lane is Lane.FILES else ():
        redraw_lines(tx, conversation_id, delivery_id)
