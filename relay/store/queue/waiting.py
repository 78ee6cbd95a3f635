"""What a lane has to show next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Integer, exists, func, or_, select

from relay.messages import Fate, Form
from relay.store.db.dialects import among, equals
from relay.store.db.engine import Tx
from relay.store.db.file_tables import kept_files
from relay.store.db.rows import BROUGHT_BACK, About, Claim, Send, Waiting
from relay.store.db.statements import given, one_of
from relay.store.db.tables import deliveries, received, send_parts, sends
from relay.store.queue.lanes import TO_DO
from relay.store.queue.sends import WHOLE_NOTICE
from relay.vocabulary import DeliveryState, KeptState, Mark, SendState, ThreadNotice

BATCH = 100  # more would not fit into a handful of posts anyway


_SUBJECT, _CORRECTION = deliveries.alias(), deliveries.alias()
_FIRST, _EDIT, _LATE, _CORRECTED = received.alias(), received.alias(), received.alias(), received.alias()

_FATE = (
    deliveries.c.state,
    deliveries.c.mark,
    deliveries.c.cause,
    deliveries.c.pressed_by,
    deliveries.c.settled_at,
    deliveries.c.tries_until,
)
SUBJECTS = (
    select(
        _SUBJECT,
        func.coalesce(_EDIT.c.body, _FIRST.c.body).label("in_words"),
        _CORRECTION.c.id.label("correction"),
        *(_CORRECTION.c[column.key].label(f"correction_{column.key}") for column in _FATE),
        _CORRECTED.c.body.label("correction_words"),
        _LATE.c.body.label("late_words"),
        exists()
        .where(
            kept_files.c.delivery_id == _SUBJECT.c.id,
            kept_files.c.size > 0,
            among(kept_files.c.state, (KeptState.REVOKED, KeptState.GONE)),
        )
        .label("links_ended"),
    )
    .join(_FIRST, _FIRST.c.id == _SUBJECT.c.received_id)
    .outerjoin(_EDIT, _EDIT.c.id == _SUBJECT.c.words_id)
    .outerjoin(_LATE, _LATE.c.id == _SUBJECT.c.late_id)
    .outerjoin(_CORRECTION, _CORRECTION.c.id == _SUBJECT.c.correction_id)
    .outerjoin(_CORRECTED, _CORRECTED.c.id == _CORRECTION.c.received_id)
    .where(one_of(_SUBJECT.c.id, "among"))
)
_DELIVERIES = (
    select(
        deliveries,
        received.c.body,
        received.c.gone,
        exists().where(send_parts.c.delivery_id == deliveries.c.id, send_parts.c.live).label("has_parts"),
    )
    .join(received, received.c.id == deliveries.c.received_id)
    .order_by(deliveries.c.id)
)
WAITING = _DELIVERIES.where(
    TO_DO, or_(equals(deliveries.c.state, DeliveryState.WAITING), deliveries.c.notice_due)
).limit(given("limit", Integer))
PARTS_DONE = (
    select(send_parts.c.delivery_id, send_parts.c.part)
    .join(sends, sends.c.id == send_parts.c.send_id)
    .where(
        one_of(send_parts.c.delivery_id, "among"),
        send_parts.c.live,
        equals(sends.c.state, SendState.DELIVERED),
    )
)


def waiting(tx: Tx, claim: Claim, limit: int = BATCH) -> list[Waiting]:
    """The lane's waiting deliveries, in order, and the dead ones whose thread has not been told."""
    rows = tx.run(WAITING, conversation_id=claim.conversation.id, kind=claim.lane, limit=limit).all()
    done, about = _parts_done(tx, [row.id for row in rows if row.has_parts]), _subjects(tx, rows)
    return [_waiting(row, about, lost=row.notice_due, parts_done=done.get(row.id, ())) for row in rows]


def one_waiting(tx: Tx, delivery_id: int) -> Waiting:
    """One delivery by its id, whatever its state."""
    row = tx.conn.execute(_DELIVERIES.where(deliveries.c.id == delivery_id)).one()
    return _waiting(row, {}, lost=False)


def carried(tx: Tx, send: Send) -> tuple[list[Waiting], set[tuple[int, int]]]:
    """What a live send carries, whatever its state, and which parts of that, as (delivery id, part number)."""
    live = select(send_parts.c.delivery_id, send_parts.c.part).where(send_parts.c.send_id == send.id, send_parts.c.live)
    parts = {(row.delivery_id, row.part) for row in tx.conn.execute(live)}
    rows = tx.conn.execute(_DELIVERIES.where(deliveries.c.id.in_({delivery_id for delivery_id, _ in parts}))).all()
    about = _subjects(tx, rows)
    return [_waiting(row, about, lost=(row.id, WHOLE_NOTICE) in parts) for row in rows], parts


def fate_of(row: Any, prefix: str = "") -> Fate:
    """The state of the delivery of a row, whose columns may have a prefix."""
    state, mark, cause, by, at, until = (getattr(row, prefix + column.key) for column in _FATE)
    return Fate(DeliveryState(state), Mark(mark), cause, by, at, until)


def _subjects(tx: Tx, rows: Sequence[Any]) -> dict[int, Any]:
    """What lines in the thread are about, by id; most rows are not such lines."""
    wanted = {row.about for row in rows if row.about is not None}
    return {row.id: row for row in tx.run(SUBJECTS, among=sorted(wanted))} if wanted else {}


def about_reply(tx: Tx, delivery_id: int) -> About:
    """What a line about this reply says."""
    return _about(delivery_id, ThreadNotice.FAILED, tx.run(SUBJECTS, among=[delivery_id]).one())


def _about(delivery_id: int, topic: ThreadNotice, subject: Any) -> About:
    corrected = None if subject.correction is None else fate_of(subject, "correction_")
    return About(
        delivery_id,
        topic,
        fate_of(subject),
        words=subject.in_words,
        is_edited=subject.late_id is not None,
        late_words=subject.late_words,
        correction=subject.correction,
        corrected=corrected,
        correction_words=subject.correction_words,
        links_ended=subject.links_ended,
    )


def _waiting(row: Any, about: dict[int, Any], *, lost: bool, parts_done: Iterable[int] = ()) -> Waiting:
    return Waiting(
        id=row.id,
        received_id=row.received_id,
        body=row.body,
        form=Form(row.form),
        alone=row.alone,
        may_repeat=row.may_repeat,
        lost=row.cause if lost else None,
        about=None if row.about is None else _about(row.about, ThreadNotice(row.topic), about[row.about]),
        parts_done=frozenset(parts_done),
        is_withdrawn=row.gone and row.about is None,
        queued_at=row.created_at,
        is_brought_back=row.cause == BROUGHT_BACK,
    )


def body_of(tx: Tx, received_id: int | None) -> bytes | None:
    """A received body, while it is stored."""
    body: bytes | None = tx.run(BODY, id=received_id).scalar_one_or_none()
    return body


BODY = select(received.c.body).where(received.c.id == given("id"))


def _parts_done(tx: Tx, delivery_ids: Sequence[int]) -> dict[int, set[int]]:
    done: dict[int, set[int]] = {}
    if not delivery_ids:
        return done
    for row in tx.run(PARTS_DONE, among=delivery_ids):
        done.setdefault(row.delivery_id, set()).add(row.part)
    return done
