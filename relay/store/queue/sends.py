"""The states of a send: stored, started, and its result. The caller holds its lane.

    frozen -> sending -> delivered    it was accepted
                      -> frozen       certainly not done: the same again later
                      -> unsure       may have been done: looked for, then delivered, or frozen to be sent again
                      -> refused      it will never be accepted: its deliveries are prepared again, or given up
    frozen -> void                    overtaken before it was sent (thread replaced, channel mapped anew)

Only `sending` can become unsure.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from sqlalchemy import Double, Text, and_, case, cast, delete, exists, func, insert, or_, select, update

from relay.owners import owner_of
from relay.store.db.dialects import among, equals, joined
from relay.store.db.engine import Insert, Tx
from relay.store.db.rows import Claim, Draft, Send, to_send
from relay.store.db.statements import given, given_rows, one_of
from relay.store.db.tables import UNDER_WAY, deliveries, gates, send_parts, sends
from relay.store.db.tables import lanes as lane_rows
from relay.store.queue import lanes
from relay.store.queue.lanes import SENDS
from relay.vocabulary import DeliveryState, GateScope, Lane, SendKind, SendState

WHOLE_NOTICE = -1  # the part number of the notice in place of a missing message


def store(tx: Tx, claim: Claim, drafts: Sequence[Draft]) -> Send:
    """Store `drafts`, all for one channel, as this lane's next sends, the first one as being sent; returns that one."""
    stored = [
        _store(tx, claim, draft, SendState.FROZEN if number else SendState.SENDING)
        for number, draft in enumerate(drafts)
    ]
    parts = [
        {"send_id": send.id, "delivery_id": delivery_id, "part": part}
        for send, draft in zip(stored, drafts, strict=True)
        for delivery_id, part in draft.parts
    ]
    if parts:
        tx.run_set_later(_new_parts, parts)
        tx.run_later(SET_OUT, among={part["delivery_id"] for part in parts})
    return stored[0]


def _store(tx: Tx, claim: Claim, draft: Draft, state: SendState) -> Send:
    new: dict[str, Any] = {
        "id": uuid.uuid4().hex,
        "channel": draft.channel,
        "thread_ts": draft.thread_ts,
        "version": draft.version,
        "started_at": tx.now if state is SendState.SENDING else None,
    }
    conversation_id, lane = claim.lane_key
    here = {"conversation_id": conversation_id, "kind": lane.value}
    stands = {"send_kind": draft.kind.value, "state": state.value, "payload": json.dumps(draft.payload), "now": tx.now}
    row = tx.run(NEW_SEND, **new, **here, **stands, about=draft.about).one()
    return Send(
        **new, kind=draft.kind, state=state, payload=draft.payload, since_ts=row.since_ts,
        looks=0, failed_looks=0, resent=0, ts=None, received_ids=row.received_ids,
    )  # fmt: skip


SET_OUT = (
    update(deliveries)
    .where(one_of(deliveries.c.id, "among"), equals(deliveries.c.state, DeliveryState.WAITING))
    .values(state=DeliveryState.SENDING.value)
)
NEXT_SEQ = select(func.coalesce(func.max(sends.c.seq), 0) + 1).where(SENDS)
# Slack's last known ts in a channel; all have the same length, so text order is time order. If nothing was ever posted
# there, it is the last known one anywhere: also Slack's time, and earlier than what is posted now.
_LAST_IN_CHANNEL = (
    select(func.max(sends.c.ts)).where(sends.c.channel == given("channel"), sends.c.ts.is_not(None)).scalar_subquery()
)
_IN_SLACK = and_(sends.c.ts.is_not(None), equals(sends.c.lane, Lane.WORDS))
_LAST_ANYWHERE = select(sends.c.ts).where(_IN_SLACK).order_by(sends.c.created_at.desc()).limit(1).scalar_subquery()
_RECEIVED = (
    select(joined(cast(deliveries.c.received_id, Text))).where(one_of(deliveries.c.id, "about")).scalar_subquery()
)
NEW_SEND = (
    insert(sends)
    .values(
        received_ids=_RECEIVED,
        lane=given("kind"),
        kind=given("send_kind"),
        seq=NEXT_SEQ.scalar_subquery(),
        since_ts=func.coalesce(_LAST_IN_CHANNEL, _LAST_ANYWHERE),
        created_at=given("now"),
        channel=given("channel"),
        **{
            name: given(name)
            for name in ("id", "conversation_id", "payload", "thread_ts", "version", "state", "started_at")
        },
    )
    .returning(sends.c.since_ts, sends.c.received_ids)
)


@cache
def _new_parts(insert: Insert, count: int) -> Any:
    return insert(send_parts).values(
        [{**row, "live": True} for row in given_rows(("send_id", "delivery_id", "part"), count)]
    )


def start(tx: Tx, send: Send) -> Send:
    """Mark a stored send as being sent."""
    tx.run_later(START, id=send.id, now=tx.now)
    return replace(send, state=SendState.SENDING, started_at=tx.now, looks=0)


START = (
    update(sends)
    .where(sends.c.id == given("id"))
    .values(state=SendState.SENDING.value, started_at=given("now"), looks=0, look_again_at=None)
)


def is_settled(tx: Tx, send: Send) -> bool:
    """True if its result is recorded already: a commit may succeed and its answer be lost."""
    found = tx.run(STATE, id=send.id).one_or_none()
    return found is None or found.started_at != send.started_at or found.state not in UNDER_WAY


STATE = select(sends.c.state, sends.c.started_at).where(sends.c.id == given("id"))


def as_stored(tx: Tx, send: Send) -> Send:
    """With its current content: a message that it shows may have been withdrawn since. Its lane is held."""
    row = tx.conn.execute(select(sends.c.payload, sends.c.outdated).where(sends.c.id == send.id)).one()
    return replace(send, payload=json.loads(row.payload), outdated=row.outdated)


def mark_delivered(tx: Tx, send: Send, ts: str) -> bool:
    """It is at `ts`: exactly the parts that were sent are done. True if a gate on its way has recorded failures."""
    again = tx.now + lanes.LATE_COPY_LOOK if send.resent else None
    row = tx.run(ARRIVED, id=send.id, ts=ts, again=again, workspace=owner_of(send.channel)).one_or_none()
    tx.run_later(FINISH, id=send.id, now=tx.now)
    return row is not None and bool(row.had_failures)


_OF_ITS_CHANNEL = and_(equals(gates.c.scope, GateScope.CHANNEL), gates.c.name == sends.c.channel)
_OF_ALL = and_(among(gates.c.scope, (GateScope.WORKSPACE, GateScope.METHOD)), gates.c.workspace == given("workspace"))
_FAILED = or_(gates.c.strikes > 0, gates.c.refusals > 0)
_HAD_FAILURES = or_(
    exists(select(gates.c.name).where(_OF_ITS_CHANNEL, _FAILED).correlate(sends)),
    exists(select(gates.c.name).where(_OF_ALL, _FAILED)),
)
ARRIVED = (
    update(sends)
    .where(sends.c.id == given("id"))
    .values(state=SendState.DELIVERED.value, ts=given("ts", Text), look_again_at=given("again"))
    .returning(_HAD_FAILURES.label("had_failures"))
)
CARRIED = select(send_parts.c.delivery_id).where(send_parts.c.send_id == given("id"), send_parts.c.live)
_OTHER = send_parts.alias()
_PENDING = exists(
    select(_OTHER.c.send_id)
    .join(sends, sends.c.id == _OTHER.c.send_id)
    .where(_OTHER.c.delivery_id == deliveries.c.id, _OTHER.c.live, sends.c.state != SendState.DELIVERED.value)
    .correlate(deliveries)
)
_ALL_THERE = and_(among(deliveries.c.state, UNDER_WAY), ~_PENDING)
_NOTICED = and_(deliveries.c.notice_due, deliveries.c.id.in_(CARRIED.where(send_parts.c.part == WHOLE_NOTICE)))
FINISH = (
    update(deliveries)
    .where(deliveries.c.id.in_(CARRIED), or_(_ALL_THERE, _NOTICED))
    .values(
        state=case((deliveries.c.notice_due, deliveries.c.state), else_=DeliveryState.DELIVERED.value),
        settled_at=case((deliveries.c.notice_due, deliveries.c.settled_at), else_=given("now")),
        notice_due=False,
    )
)
"""A delivery is delivered when no part of it is still on its way; a notice leaves it dead."""


def freeze_again(tx: Tx, send: Send, cause: str) -> None:
    """It was certainly not done: it will be sent unchanged."""
    tx.conn.execute(update(sends).where(sends.c.id == send.id).values(state=SendState.FROZEN.value, cause=cause))


def refreeze_for_resend(tx: Tx, send: Send, payload: Mapping[str, Any]) -> Send:
    """No look found it: it is sent once more, with the same id, in the same place."""
    again = replace(send, state=SendState.FROZEN, resent=send.resent + 1, payload=payload)
    tx.conn.execute(
        update(sends)
        .where(sends.c.id == send.id)
        .values(
            state=SendState.FROZEN.value, resent=again.resent, payload=json.dumps(payload), look_again_at=None,
        )
    )  # fmt: skip
    set_deliveries(tx, send, DeliveryState.SENDING)
    return again


def mark_unsure(tx: Tx, send: Send, wait: float, cause: str) -> None:
    """It may have been done: nothing else in its lane moves until that is known."""
    started_at = case((sends.c.started_at > tx.now, tx.now), else_=sends.c.started_at)  # the clock may have jumped back
    tx.conn.execute(
        update(sends)
        .where(sends.c.id == send.id)
        .values(
            state=SendState.UNSURE.value,
            started_at=started_at,
            look_again_at=tx.now + wait,
            looks=send.looks,
            failed_looks=send.failed_looks,
            cause=cause,
        )
    )
    set_deliveries(tx, send, DeliveryState.UNSURE)


def looked(send: Send, *, failed: int | None = None) -> Send:
    """One more look found nothing; or failed."""
    if failed is None:
        return replace(send, looks=send.looks + 1)
    return replace(send, failed_looks=failed)


def set_deliveries(tx: Tx, send: Send, state: DeliveryState) -> None:
    """Change the state of the deliveries that a send carries, if they are in flight."""
    tx.run_later(MOVE_DELIVERIES, id=send.id, state=state.value)


MOVE_DELIVERIES = (
    update(deliveries)
    .where(deliveries.c.id.in_(CARRIED), among(deliveries.c.state, UNDER_WAY))
    .values(state=given("state", Text))
)


def drop(tx: Tx, send: Send, state: SendState, cause: str = "") -> None:
    """End a send without effect (refused or void): its parts can be prepared again."""
    tx.run_later(DROP, id=send.id, state=state.value, cause=cause)
    set_deliveries(tx, send, DeliveryState.WAITING)
    tx.run_later(LET_GO, id=send.id)
    if send.kind is SendKind.POST:  # nobody has seen whom it mentions, or that it notifies the channel
        calls = send.payload.get("reply_broadcast")
        tx.run_later(UNSEEN, id=send.id, calls=tx.now if calls else None)


DROP = (
    update(sends)
    .where(sends.c.id == given("id"))
    .values(state=given("state", Text), cause=given("cause", Text), look_again_at=None)
)
_OF_THIS = select(sends.c.conversation_id).where(sends.c.id == given("id")).scalar_subquery()
UNSEEN = (
    update(lane_rows)
    .where(lane_rows.c.conversation_id == _OF_THIS, equals(lane_rows.c.kind, Lane.WORDS))
    .values(mentioned=None, broadcast_from=func.coalesce(given("calls", Double), lane_rows.c.broadcast_from))
)
LET_GO = update(send_parts).where(send_parts.c.send_id == given("id")).values(live=False)


def void_frozen(tx: Tx, claim: Claim) -> None:
    """Void what is frozen in a held lane; it certainly did not arrive, so it can be prepared again."""
    conversation_id, kind = claim.lane_key
    for row in tx.run(FROZEN, conversation_id=conversation_id, kind=kind).all():
        drop(tx, to_send(row), SendState.VOID)


FROZEN = select(sends).where(SENDS, equals(sends.c.state, SendState.FROZEN))


def end(tx: Tx, send: Send, state: SendState, cause: str = "") -> None:
    """It is done, or never will be; the caller settles its deliveries."""
    tx.run_later(DROP, id=send.id, state=state.value, cause=cause)


def forget(tx: Tx, send: Send) -> None:
    """Delete a send that set a state: the visible state says everything."""
    tx.conn.execute(delete(sends).where(sends.c.id == send.id))


def carried_deliveries(tx: Tx, send: Send) -> list[int]:
    """The ids of the deliveries that a live send carries, in order."""
    return sorted(set(tx.run(CARRIED, id=send.id).scalars()))


def roots_in_vain(tx: Tx, conversation_id: int) -> int:
    """How many threads were opened for a conversation since the last post that one of them accepted."""
    words = and_(sends.c.conversation_id == conversation_id, equals(sends.c.lane, Lane.WORDS), sends.c.ts.is_not(None))
    last = select(func.max(sends.c.seq)).where(words, equals(sends.c.kind, SendKind.POST)).scalar_subquery()
    later = and_(words, equals(sends.c.kind, SendKind.ROOT), sends.c.seq > func.coalesce(last, 0))
    return int(tx.conn.execute(select(func.count()).select_from(sends).where(later)).scalar_one())
