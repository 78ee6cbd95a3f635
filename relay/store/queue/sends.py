"""The life of a send: freeze, start, and settle, each under the lane's token.

    frozen -> sending -> delivered    it stands in Slack
                      -> frozen       certainly not done: the same again later
                      -> unsure       may have been done: looked for, then delivered or frozen to go out again
                      -> refused      Slack will never take it: its deliveries are rendered anew
    frozen -> void                    overtaken before it was sent (thread replaced, channel mapped anew)

Lock order: conversation, lanes, gates. Only `sending` can become unsure.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import and_, case, exists, func, insert, or_, select, update

from relay.store.db.dialects import among
from relay.store.db.engine import Tx, given
from relay.store.db.rows import Claim, Draft, Send
from relay.store.db.tables import UNDER_WAY, deliveries, send_parts, sends
from relay.store.queue import gates as gate
from relay.store.queue.gates import Pace
from relay.store.queue.lanes import (
    LATE_COPY_LOOK,
    SENDS,
    clear_broadcast,
    conversation,
    give_back,
    hold,
    record_events_applied,
    to_send,
)

WHOLE_NOTICE = -1  # the part number of the notice that stands where a message is missing


def freeze(
    tx: Tx, held: Claim, drafts: Sequence[Draft], *, lease: float, heard: int = 0, calls: bool = False
) -> Send | None:
    """Store `drafts` as this lane's next sends and return the first; None if the conversation moved meanwhile.

    `heard` is the last delivery whose news is taken in; `calls`: this calls the channel, and nothing else need. A root
    shows the card's newest version, or is void too.
    """
    hold(tx, held, lease=lease)
    now_at = conversation(tx, held.conversation.id)
    if now_at.place != held.conversation.place or now_at.channel_id is None or not drafts:
        return None
    if drafts[0].version not in (None, now_at.wanted):
        return None
    record_events_applied(tx, held, heard)
    if calls:  # only then: an answer or a click may have said something else meanwhile
        clear_broadcast(tx, held)
    rows = _rows(tx, held, drafts, now_at.channel_id, now_at.thread_ts)
    first = tx.conn.execute(NEW_SENDS, rows).first()
    parts = [
        {"send_id": row["id"], "delivery_id": delivery_id, "part": part, "live": True}
        for row, draft in zip(rows, drafts, strict=True)
        for delivery_id, part in draft.parts
    ]
    if parts:
        tx.conn.execute(NEW_PARTS, parts)
        tx.run(SET_OUT, among=list({part["delivery_id"] for part in parts}))
    return to_send(first)


def _rows(tx: Tx, held: Claim, drafts: Sequence[Draft], channel: str, thread_ts: str | None) -> list[dict[str, Any]]:
    latest = tx.run(LATEST, of=held.conversation.id, kind=held.lane, channel=channel).one()
    return [
        {
            "id": uuid.uuid4().hex,
            "conversation_id": held.conversation.id,
            "lane": held.lane,
            "seq": latest.seq + number,
            "kind": draft.kind,
            "payload": json.dumps(draft.payload),
            "channel": channel,
            "thread_ts": None if draft.kind == "root" else thread_ts,
            "since_ts": latest.ts,
            "version": draft.version,
            "created_at": tx.now,
        }
        for number, draft in enumerate(drafts)
    ]


NEW_SENDS = insert(sends).returning(sends, sort_by_parameter_order=True)
NEW_PARTS = insert(send_parts)
SET_OUT = (
    update(deliveries)
    .where(deliveries.c.id.in_(given("among", several=True)), deliveries.c.state == "waiting")
    .values(state="sending")
)


def start(tx: Tx, held: Claim, send: Send, *, lease: float, pace: Pace) -> Send | float | None:
    """The re-check right before the call: mark `send` as sending and take the channel's slot.

    Returns the started send; or the seconds to wait for a slot; or None when the conversation's place has
    changed since it was frozen, which makes everything frozen in this lane void.
    """
    hold(tx, held, lease=lease)
    now_at = conversation(tx, held.conversation.id)  # after the lane is locked: whoever moves it locks that too
    if (send.channel, send.thread_ts) != (now_at.channel_id, now_at.thread_ts):
        void_frozen(tx, held)
        return None
    wait = gate.take_slot(tx, send.channel, pace)
    if wait is not None:
        return wait
    tx.run(START, id=send.id, now=tx.now)
    return replace(send, state="sending", started_at=tx.now, looks=0)


START = (
    update(sends)
    .where(sends.c.id == given("id"), sends.c.state == "frozen")
    .values(state="sending", started_at=given("now"), looks=0, look_again_at=None)
)


def settle(tx: Tx, held: Claim, send: Send, ts: str) -> None:
    """Mark exactly the parts that went out, and give the lane back."""
    hold(tx, held)
    tx.run(ARRIVED, id=send.id, ts=ts, again=tx.now + LATE_COPY_LOOK if send.resent else None)
    tx.run(FINISH, id=send.id, now=tx.now)
    gate.reopen(tx, send.channel)
    give_back(tx, held)


ARRIVED = (
    update(sends)
    .where(sends.c.id == given("id"))
    .values(state="delivered", ts=given("ts"), look_again_at=given("again"))
)


CARRIED = select(send_parts.c.delivery_id).where(send_parts.c.send_id == given("id"), send_parts.c.live)
_OTHER = send_parts.alias()
_PENDING = exists(
    select(_OTHER.c.send_id)
    .join(sends, sends.c.id == _OTHER.c.send_id)
    .where(_OTHER.c.delivery_id == deliveries.c.id, _OTHER.c.live, sends.c.state != "delivered")
    .correlate(deliveries)
)
_ALL_THERE = and_(among(deliveries.c.state, UNDER_WAY), ~_PENDING)
_NOTICED = and_(deliveries.c.notice_due, deliveries.c.id.in_(CARRIED.where(send_parts.c.part == WHOLE_NOTICE)))
FINISH = (
    update(deliveries)
    .where(deliveries.c.id.in_(CARRIED), or_(_ALL_THERE, _NOTICED))
    .values(
        state=case((deliveries.c.notice_due, deliveries.c.state), else_="delivered"),
        settled_at=case((deliveries.c.notice_due, deliveries.c.settled_at), else_=given("now")),
        notice_due=False,
    )
)
"""A delivery is delivered when no part of it is still on its way; a notice leaves it dead."""


def retry_later(tx: Tx, held: Claim, send: Send, wait: float, cause: str) -> None:
    """The same send again after `wait` seconds; the delay counts towards giving up."""
    hold(tx, held)
    _back_to_frozen(tx, send, cause)
    give_back(tx, held, wait=wait, attempts=held.attempts + 1, spent=held.spent + wait)


def wait_at_gate(tx: Tx, held: Claim, send: Send, cause: str) -> None:
    """The same send again when its gate opens; this uses up no attempt."""
    hold(tx, held)
    _back_to_frozen(tx, send, cause)
    give_back(tx, held, wait=0.0, attempts=held.attempts, spent=held.spent)


def _back_to_frozen(tx: Tx, send: Send, cause: str) -> None:
    tx.conn.execute(update(sends).where(sends.c.id == send.id).values(state="frozen", cause=cause))


def mark_unsure(tx: Tx, held: Claim, send: Send, wait: float, cause: str, *, at_gate: bool = False) -> None:
    """It may stand in Slack: nothing else of this lane moves until a look has told.

    A wait `at_gate` does not count towards giving up.
    """
    hold(tx, held)
    started_at = case((sends.c.started_at > tx.now, tx.now), else_=sends.c.started_at)  # the clock may have jumped back
    tx.conn.execute(
        update(sends)
        .where(sends.c.id == send.id)
        .values(state="unsure", started_at=started_at, look_again_at=tx.now + wait, looks=send.looks, cause=cause)
    )
    _set_deliveries(tx, send, "unsure")
    spent = held.spent if at_gate else held.spent + wait
    give_back(tx, held, wait=wait, looking=True, attempts=held.attempts, spent=spent)


def looked_in_vain(tx: Tx, held: Claim, send: Send, wait: float, cause: str, *, at_gate: bool = False) -> None:
    """One look more without a trace of it; the next in `wait` seconds."""
    mark_unsure(tx, held, replace(send, looks=send.looks + 1), wait, cause, at_gate=at_gate)


def refreeze_for_resend(tx: Tx, held: Claim, send: Send, payload: Mapping[str, Any]) -> Send:
    """No look found it: freeze it to go out once more, with the same id, in the same place."""
    hold(tx, held)
    again = replace(send, state="frozen", resent=send.resent + 1, payload=dict(payload))
    tx.conn.execute(
        update(sends)
        .where(sends.c.id == send.id)
        .values(state="frozen", resent=again.resent, payload=json.dumps(again.payload), look_again_at=None)
    )
    _set_deliveries(tx, send, "sending")
    return again


def _set_deliveries(tx: Tx, send: Send, state: str) -> None:
    tx.run(MOVE_DELIVERIES, id=send.id, state=state)


MOVE_DELIVERIES = (
    update(deliveries)
    .where(deliveries.c.id.in_(CARRIED), among(deliveries.c.state, UNDER_WAY))
    .values(state=given("state"))
)


def drop(tx: Tx, send: Send, state: str, cause: str = "") -> None:
    """End a send without effect (refused or void): its parts are free to be rendered again."""
    tx.run(DROP, id=send.id, state=state, cause=cause)
    _set_deliveries(tx, send, "waiting")
    tx.run(LET_GO, id=send.id)


DROP = (
    update(sends)
    .where(sends.c.id == given("id"))
    .values(state=given("state"), cause=given("cause"), look_again_at=None)
)
LET_GO = update(send_parts).where(send_parts.c.send_id == given("id")).values(live=False)


def void_frozen(tx: Tx, held: Claim) -> None:
    """Make void whatever is frozen in a held lane; it certainly did not arrive, so it can be rendered anew."""
    for row in tx.run(FROZEN, of=held.conversation.id, kind=held.lane).all():
        drop(tx, to_send(row), "void")


FROZEN = select(sends).where(SENDS, sends.c.state == "frozen")


def next_seq(tx: Tx, held: Claim) -> int:
    """The number of a lane's next send."""
    return int(tx.run(NEXT_SEQ, of=held.conversation.id, kind=held.lane).scalar_one())


NEXT_SEQ = select(func.coalesce(func.max(sends.c.seq), 0) + 1).where(SENDS)
# Slack's last known ts in a channel; all are equally long, so text order is time order.
_LAST_TS = select(func.max(sends.c.ts)).where(sends.c.channel == given("channel"), sends.c.ts.is_not(None))
LATEST = select(NEXT_SEQ.scalar_subquery().label("seq"), _LAST_TS.scalar_subquery().label("ts"))
