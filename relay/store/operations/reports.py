"""Read-only questions: what waits, what is dead, what was rejected, and the totals for `/metrics`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, func, select

from relay.store.db.dialects import ahead
from relay.store.db.engine import Tx
from relay.store.db.tables import OPEN_DELIVERIES, conversations, deliveries, gates, lanes, received, send_parts, sends
from relay.store.intake.clicks import CLICK
from relay.store.queue.arming import REPLIES, WORDS
from relay.store.queue.gates import gates_for_post, gates_for_reply

# What a delivery is, by its lane and its topic; any other topic is a line that the relay says in a thread.
KINDS = {(WORDS, ""): "message", (REPLIES, ""): "reply", (REPLIES, CLICK): "click"}
LINE = "line"


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts over everything stored, `delivered` by kind and state; ages are in seconds, None when nothing waits."""

    received: dict[str, int]
    delivered: dict[tuple[str, str], int]
    queue: dict[str, int]
    oldest_waiting: float | None


def list_deliveries(tx: Tx, which: str, limit: int = 100) -> list[dict[str, Any]]:
    """The newest deliveries, as plain rows: `which` is all, waiting, dead or rejected. No message text."""
    if which == "rejected":
        return [_rejected(row) for row in tx.conn.execute(_rejected_bodies().limit(limit))]
    states = {"all": None, "waiting": OPEN_DELIVERIES, "dead": ("dead",)}[which]
    query = _deliveries().limit(limit)
    if states is not None:
        query = query.where(deliveries.c.state.in_(states))
    return [_delivery(tx, row) for row in tx.conn.execute(query).all()]


def show_delivery(tx: Tx, delivery_id: int) -> dict[str, Any] | None:
    """One delivery with its sends; None when there is no such id."""
    row = tx.conn.execute(_deliveries().where(deliveries.c.id == delivery_id)).one_or_none()
    if row is None:
        return None
    made = select(sends, send_parts.c.part, send_parts.c.live).join(send_parts, send_parts.c.send_id == sends.c.id)
    rows = tx.conn.execute(made.where(send_parts.c.delivery_id == delivery_id).order_by(sends.c.seq)).all()
    keys = ("state", "channel", "thread_ts", "ts", "part", "live", "resent", "cause", "started_at")
    return {**_delivery(tx, row), "sends": [{"id": one.id, **{key: getattr(one, key) for key in keys}} for one in rows]}


def show_rejected(tx: Tx, received_id: int) -> dict[str, Any] | None:
    """One rejected body as it came; None when there is no such id. The only report that shows what was sent."""
    row = tx.conn.execute(_rejected_bodies().where(received.c.id == received_id)).one_or_none()
    if row is None:
        return None
    body = None if row.body is None else bytes(row.body).decode("utf-8", "replace")
    return {**_rejected(row), "body": body}


def totals(tx: Tx) -> Totals:
    """Everything `/metrics` tells, right with any number of processes."""
    by_outcome = tx.conn.execute(
        select(received.c.outcome, func.count(), func.sum(received.c.copies)).group_by(received.c.outcome)
    ).all()
    counted = {outcome: int(count) for outcome, count, _ in by_outcome}
    counted["duplicate"] = sum(int(copies or 0) for _, _, copies in by_outcome)
    columns = (deliveries.c.state, deliveries.c.lane, deliveries.c.topic)
    by_kind: Counter[tuple[str, str]] = Counter()
    by_state: Counter[str] = Counter()
    for state, lane, topic, count in tx.conn.execute(select(*columns, func.count()).group_by(*columns)):
        by_kind[KINDS.get((lane, topic), LINE), state] += int(count)
        by_state[state] += int(count)
    roots = tx.conn.execute(
        select(func.count()).select_from(sends).where(sends.c.kind == "root", sends.c.state == "delivered")
    ).scalar_one()
    oldest = tx.conn.execute(select(func.min(lanes.c.waiting_since))).scalar_one()
    return Totals(
        received=counted,
        delivered={**by_kind, ("root", "delivered"): int(roots)},
        queue={state: by_state[state] for state in OPEN_DELIVERIES},
        oldest_waiting=None if oldest is None else max(0.0, tx.now - oldest),
    )


def _deliveries() -> Select[Any]:
    return (
        select(
            deliveries,
            conversations.c.account,
            conversations.c.group_id,
            conversations.c.channel,
            conversations.c.channel_id,
            conversations.c.thread_ts,
            conversations.c.why,
            lanes.c.attempts,
            received.c.key,
        )
        .join(conversations, conversations.c.id == deliveries.c.conversation_id)
        .join(received, received.c.id == deliveries.c.received_id)
        .outerjoin(
            lanes, and_(lanes.c.conversation_id == deliveries.c.conversation_id, lanes.c.kind == deliveries.c.lane)
        )
        .order_by(deliveries.c.id.desc())
    )


def _delivery(tx: Tx, row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": KINDS.get((row.lane, row.topic), LINE),
        "state": row.state,
        "group_id": row.group_id,
        "channel": row.channel_id or row.channel,
        "thread_ts": row.thread_ts,
        "key": row.key,
        "form": row.form,
        "age": max(0.0, tx.now - row.created_at),
        "attempts": row.attempts or 0,
        "cause": _cause(tx, row),
    }


def _cause(tx: Tx, row: Any) -> str:
    """Why it is not delivered: its own cause, the mapping's, or the gate's that holds it back."""
    if row.cause or row.state not in OPEN_DELIVERIES:
        return str(row.cause)
    if row.channel is None:
        return str(row.why)
    shut = ahead(tx, gates.c.closed_until, gates.c.delay)
    holding = gates_for_reply(row.account) if row.lane == REPLIES else gates_for_post(row.channel_id or row.channel)
    found = tx.conn.execute(select(gates.c.cause).where(holding, shut).limit(1)).scalar_one_or_none()
    return found or ""


def _rejected_bodies() -> Select[Any]:
    return select(received).where(received.c.outcome == "rejected").order_by(received.c.id.desc())


def _rejected(row: Any) -> dict[str, Any]:
    return {"id": f"r{row.id}", "state": "rejected", "received_at": row.received_at, "cause": row.reason}
