"""Erases one conversation: its texts, names and files; ids, keys, states and counts stay.

In one transaction. Nothing of it waits any more, and a worker with a call in flight loses its lane: what it records
afterwards has no effect, so no text returns. A conversation that continues starts from scratch. Lock order:
conversation, lanes.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, and_, case, delete, func, or_, select, update

from relay.store.conversations.cards import last_id
from relay.store.db.dialects import among, equals
from relay.store.db.engine import Tx
from relay.store.db.file_tables import HAS_CONTENT, kept_files
from relay.store.db.tables import (
    OPEN_DELIVERIES,
    OPEN_SENDS,
    OUTDATED,
    TO_DELETE,
    TO_LOOK_FOR,
    conversations,
    deliveries,
    lanes,
    people,
    received,
    send_parts,
    sends,
)
from relay.store.operations.customers import in_steps, is_person
from relay.store.queue.due import lock
from relay.vocabulary import DeliveryState, KeptState, Lane, Outcome, SendKind, SendState

ERASED = "erased"
LISTED = (TO_DELETE, TO_LOOK_FOR)
IS_LISTED = among(sends.c.cause, LISTED)  # as the index has it
# They leave nothing behind that would have to be found.
PASSING = (
    SendKind.CARD,
    SendKind.CORRECTION,
    SendKind.MARK,
    SendKind.UPLOAD,
    SendKind.RECALL,
    SendKind.FETCH,
    SendKind.TAKEOVER,
)
SHOWN = (Lane.WORDS, Lane.FILES)  # the lanes of what is in Slack


def erase_conversation(tx: Tx, conversation_id: int, *, in_slack: bool) -> int:
    """Erase it; returns how many bodies were erased.

    `in_slack`: its posts in Slack are to be deleted, and it has no thread any more; see `erased`.
    """
    lock(tx, conversation_id)
    _overtake(tx, conversation_id)
    _forget_held(tx, conversation_id)
    _end_sends(tx, conversation_id, in_slack=in_slack)
    _end_deliveries(tx, conversation_id)
    revoke_files(tx, conversation_id)
    _begin_anew(tx, conversation_id, in_slack=in_slack)
    return _forget(tx, received.c.conversation_id == conversation_id)


def revoke_files(tx: Tx, conversation_id: int) -> None:
    """Revoke the links of its files, and stop writing them; the caller deletes their content."""
    mine = and_(kept_files.c.conversation_id == conversation_id, HAS_CONTENT)
    nothing = {"state": KeptState.REVOKED.value, "name": "", "cause": "", "content_type": ""}
    tx.conn.execute(update(kept_files).where(mine).values(**nothing))


def count_bodies(tx: Tx, conversation_ids: Collection[int]) -> int:
    """How many bodies of these conversations are stored."""
    kept = select(func.count()).select_from(received).where(received.c.body.is_not(None))
    return sum(
        tx.conn.execute(kept.where(received.c.conversation_id.in_(ids))).scalar_one()
        for ids in in_steps(conversation_ids)
    )


def forget_bodies(tx: Tx, ids: Collection[int]) -> int:
    """Erase the received bodies with these ids; returns how many."""
    return sum(_forget(tx, received.c.id.in_(some)) for some in in_steps(ids))


def forget_name(tx: Tx, user_id: str) -> int:
    """Erase the name of this Kommunicate user; returns in how many accounts."""
    return len(tx.conn.execute(delete(people).where(is_person(user_id)).returning(people.c.user_id)).all())


def _overtake(tx: Tx, conversation_id: int) -> None:
    here = lanes.c.conversation_id == conversation_id
    tx.conn.execute(select(lanes.c.kind).where(here).order_by(lanes.c.kind).with_for_update())
    idle = {"due": None, "delay": 0.0, "waiting_since": None, "attempts": 0, "spent": 0.0, "looking": False}
    free = {"token": lanes.c.token + 1, "lease_owner": None, "lease_until": None, "mentioned": None}
    tx.conn.execute(update(lanes).where(here).values(**idle, **free))


def _forget(tx: Tx, which: ColumnElement[bool]) -> int:
    kept = and_(which, received.c.body.is_not(None))
    return len(tx.conn.execute(update(received).where(kept).values(body=None).returning(received.c.id)).all())


def _forget_held(tx: Tx, conversation_id: int) -> None:
    """What agents wrote in its threads before those were known, and what was given up of that."""
    roots = and_(sends.c.conversation_id == conversation_id, equals(sends.c.kind, SendKind.ROOT))
    threads = select(sends.c.channel, sends.c.ts).where(roots, sends.c.ts.is_not(None))
    outcome = case((received.c.outcome == Outcome.HELD.value, Outcome.IGNORED.value), else_=received.c.outcome)
    for channel, ts in tx.conn.execute(threads).all():
        there = and_(received.c.thread_channel == channel, received.c.thread_ts == ts)
        held = and_(there, received.c.thread_ts.is_not(None), received.c.conversation_id.is_(None))
        tx.conn.execute(update(received).where(held).values(body=None, outcome=outcome))


def _end_sends(tx: Tx, conversation_id: int, *, in_slack: bool) -> None:
    here = sends.c.conversation_id == conversation_id
    passing = select(sends.c.id).where(here, among(sends.c.kind, PASSING))
    tx.conn.execute(delete(send_parts).where(send_parts.c.send_id.in_(passing)))
    tx.conn.execute(delete(sends).where(here, among(sends.c.kind, PASSING)))
    kept = _ids_to_keep(tx, here, in_slack=in_slack)
    is_open, of_slack = among(sends.c.state, OPEN_SENDS), among(sends.c.lane, SHOWN)
    may_stand = and_(of_slack, or_(and_(is_open, sends.c.started_at.is_not(None)), sends.c.look_again_at.is_not(None)))
    listed = sends.c.cause.in_(LISTED)  # by an earlier, unfinished purge
    if in_slack:
        known = (sends.c.cause == TO_LOOK_FOR, sends.c.cause)
        stands = and_(of_slack, sends.c.ts.is_not(None))
        cause = case(known, (may_stand, TO_LOOK_FOR), (stands, TO_DELETE), else_=ERASED)
    else:
        cause = case((listed, sends.c.cause), else_=ERASED)
    ended = {"state": case((is_open, SendState.VOID.value), else_=sends.c.state), "look_again_at": None, "outdated": 0}
    voided = select(sends.c.id).where(here, is_open)
    tx.conn.execute(update(send_parts).where(send_parts.c.send_id.in_(voided)).values(live=False))
    tx.conn.execute(update(sends).where(here).values(**ended, cause=cause, payload="{}"))
    for send_id, payload in kept.items():
        tx.conn.execute(update(sends).where(sends.c.id == send_id).values(payload=payload))


def _ids_to_keep(tx: Tx, here: ColumnElement[bool], *, in_slack: bool) -> dict[str, str]:
    """What stays in payloads, by send: the id of a file until it is deleted, and of the sender of a reply whose echo
    is still to come.
    """
    kept: dict[str, dict[str, Any]] = {}
    with_ids = among(sends.c.kind, (SendKind.SHARE, SendKind.REPLY))
    for row in tx.conn.execute(select(sends).where(here, with_ids)):
        payload = json.loads(row.payload)
        if row.kind == SendKind.SHARE and (in_slack or row.cause in LISTED):
            kept[row.id] = {name: payload[name] for name in ("file",) if name in payload}
        elif row.kind == SendKind.REPLY and row.ts is None:
            kept[row.id] = {name: payload[name] for name in ("sender",) if name in payload}
    return {send_id: json.dumps(ids) for send_id, ids in kept.items() if ids}


def _end_deliveries(tx: Tx, conversation_id: int) -> None:
    """Nothing of it waits, can be sent again, or gets a mark; causes may name files."""
    came_in = select(received.c.id).where(received.c.conversation_id == conversation_id)
    here = deliveries.c.received_id.in_(came_in)  # which has an index
    left = among(deliveries.c.state, (*OPEN_DELIVERIES, DeliveryState.DEAD))
    may_be_marked = or_(deliveries.c.late_id.is_not(None), deliveries.c.notice_due, deliveries.c.asks != "", OUTDATED)
    ended = {
        "state": case((left, DeliveryState.IGNORED.value), else_=deliveries.c.state),
        "settled_at": case((left, tx.now), else_=deliveries.c.settled_at),
        "cause": case((or_(left, deliveries.c.cause != ""), ERASED), else_=""),
    }
    marked = {"mark_shown": deliveries.c.mark, "late_id": None, "notice_due": False, "asks": ""}
    mine = and_(here, or_(left, deliveries.c.cause != "", may_be_marked))  # most are done with, and stay as they are
    tx.conn.execute(update(deliveries).where(mine).values(**ended, **marked))


def _begin_anew(tx: Tx, conversation_id: int, *, in_slack: bool) -> None:
    """As if nobody had written yet; the agent and the resolved state stay."""
    nobody = {"title": "", "opener_id": None, "opener_rank": -1, "opener_sender": "", "since": None}
    waits = {"waits_since": None, "remind_at": None, "reminders": 0, "remind_delay": 0.0}
    card = {"shown": conversations.c.wanted, "card_fingerprint": None, "card_last_id": last_id(tx, conversation_id)}
    place = {"thread_ts": None, "dead_ts": None, "root_form": "full"} if in_slack else {}
    mine = conversations.c.id == conversation_id
    tx.conn.execute(update(conversations).where(mine).values(**nobody, **waits, **card, **place))
