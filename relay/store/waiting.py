"""What a lane has to show next, and what already stands above it in the thread."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, select

from relay.messages import Form
from relay.store.engine import Tx
from relay.store.lanes import to_do
from relay.store.rows import About, Claim, Waiting
from relay.store.tables import deliveries, received, send_parts, sends

BATCH = 100  # more would not fit into a handful of posts anyway
RECENT = 10  # sends to look through for what stands last in the thread; further back the author is named again


def waiting(tx: Tx, held: Claim, limit: int = BATCH) -> list[Waiting]:
    """The lane's deliveries that wait, in order, and the dead ones whose thread has not been told."""
    told = deliveries.alias()
    rows = tx.conn.execute(
        select(
            deliveries,
            received.c.body,
            told.c.state.label("told_state"),
            told.c.mark.label("told_mark"),
            told.c.cause.label("told_cause"),
        )
        .join(received, received.c.id == deliveries.c.received_id)
        .outerjoin(told, told.c.id == deliveries.c.about)
        .where(to_do(held), or_(deliveries.c.state == "waiting", deliveries.c.notice_due))
        .order_by(deliveries.c.id)
        .limit(limit)
    ).all()
    done = _parts_done(tx, [row.id for row in rows])
    return [
        Waiting(
            id=row.id,
            body=row.body,
            form=Form(row.form),
            alone=row.alone,
            lost=row.cause if row.notice_due else None,
            about=row.about and About(row.about, row.told_state, row.told_mark, row.told_cause),
            parts_done=frozenset(done.get(row.id, ())),
        )
        for row in rows
    ]


def last_shown(tx: Tx, held: Claim) -> bytes | None:
    """The body of the message that stands last in the present thread, as far as we posted it; None if unknown."""
    place = held.conversation
    lately = tx.conn.execute(
        select(sends.c.id, sends.c.kind, sends.c.state, sends.c.thread_ts)
        .where(sends.c.conversation_id == place.id, sends.c.lane == held.lane)
        .order_by(sends.c.seq.desc())
        .limit(RECENT)
    ).all()
    here = (one.id for one in lately if (one.kind, one.state, one.thread_ts) == ("post", "delivered", place.thread_ts))
    last = next(here, None)
    if last is None:
        return None
    row = tx.conn.execute(
        select(received.c.body)
        .join(deliveries, deliveries.c.received_id == received.c.id)
        .join(send_parts, send_parts.c.delivery_id == deliveries.c.id)
        .where(send_parts.c.send_id == last, send_parts.c.part >= 0)
        .order_by(deliveries.c.id.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else row.body


def _parts_done(tx: Tx, delivery_ids: Sequence[int]) -> dict[int, set[int]]:
    rows = tx.conn.execute(
        select(send_parts.c.delivery_id, send_parts.c.part)
        .join(sends, sends.c.id == send_parts.c.send_id)
        .where(send_parts.c.delivery_id.in_(delivery_ids), send_parts.c.live, sends.c.state == "delivered")
    )
    done: dict[int, set[int]] = {}
    for row in rows:
        done.setdefault(row.delivery_id, set()).add(row.part)
    return done
