"""What a lane has to show next, and what already stands above it in the thread."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Integer, or_, select

from relay.messages import Form
from relay.store.db.engine import Tx, given
from relay.store.db.rows import About, Claim, Waiting
from relay.store.db.tables import deliveries, received, send_parts, sends
from relay.store.queue.lanes import SENDS, TO_DO

BATCH = 100  # more would not fit into a handful of posts anyway
RECENT = 10  # sends to look through for what stands last in the thread; further back the author is named again


_TOLD = deliveries.alias()

WAITING = (
    select(
        deliveries,
        received.c.body,
        _TOLD.c.cause.label("told_cause"),
    )
    .join(received, received.c.id == deliveries.c.received_id)
    .outerjoin(_TOLD, _TOLD.c.id == deliveries.c.about)
    .where(TO_DO, or_(deliveries.c.state == "waiting", deliveries.c.notice_due))
    .order_by(deliveries.c.id)
    .limit(given("limit", Integer))
)
_LATELY = (
    select(sends.c.id, sends.c.seq, sends.c.kind, sends.c.state, sends.c.thread_ts)
    .where(SENDS)
    .order_by(sends.c.seq.desc())
    .limit(RECENT)
    .subquery()
)
_LAST = (
    select(_LATELY.c.id)
    .where(_LATELY.c.kind == "post", _LATELY.c.state == "delivered", _LATELY.c.thread_ts == given("thread_ts"))
    .order_by(_LATELY.c.seq.desc())
    .limit(1)
)
LAST_BODY = (
    select(received.c.body)
    .join(deliveries, deliveries.c.received_id == received.c.id)
    .join(send_parts, send_parts.c.delivery_id == deliveries.c.id)
    .where(send_parts.c.send_id == _LAST.scalar_subquery(), send_parts.c.part >= 0)
    .order_by(deliveries.c.id.desc())
    .limit(1)
)
PARTS_DONE = (
    select(send_parts.c.delivery_id, send_parts.c.part)
    .join(sends, sends.c.id == send_parts.c.send_id)
    .where(send_parts.c.delivery_id.in_(given("among", several=True)), send_parts.c.live, sends.c.state == "delivered")
)


def waiting(tx: Tx, held: Claim, limit: int = BATCH) -> list[Waiting]:
    """The lane's deliveries that wait, in order, and the dead ones whose thread has not been told."""
    rows = tx.run(WAITING, of=held.conversation.id, kind=held.lane, limit=limit).all()
    done = _parts_done(tx, [row.id for row in rows])
    return [
        Waiting(
            id=row.id,
            received_id=row.received_id,
            body=row.body,
            form=Form(row.form),
            alone=row.alone,
            lost=row.cause if row.notice_due else None,
            about=row.about and About(row.about, row.topic, row.told_cause),
            parts_done=frozenset(done.get(row.id, ())),
        )
        for row in rows
    ]


def last_shown(tx: Tx, held: Claim) -> bytes | None:
    """The body of the message that stands last in the present thread, as far as we posted it; None if unknown."""
    place = held.conversation
    body: bytes | None = tx.run(LAST_BODY, of=place.id, kind=held.lane, thread_ts=place.thread_ts).scalar_one_or_none()
    return body


def _parts_done(tx: Tx, delivery_ids: Sequence[int]) -> dict[int, set[int]]:
    done: dict[int, set[int]] = {}
    for row in tx.run(PARTS_DONE, among=delivery_ids):
        done.setdefault(row.delivery_id, set()).add(row.part)
    return done
