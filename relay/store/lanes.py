"""The life of a lane under a lease: claim it, hold it while writing, give it back.

A lane is an ordered queue of one conversation, one send in flight at a time. Whoever holds the lease has the
fencing token; a token that was overtaken makes every later write void (`Fenced`).
"""

from __future__ import annotations

import json
from collections.abc import Collection
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, func, or_, select, update

from relay.errors import RelayError
from relay.messages import ConversationKey, Form
from relay.store.engine import Tx
from relay.store.gates import Pace
from relay.store.outlook import claimable
from relay.store.rows import Claim, Conversation, Send
from relay.store.sql import BOUND, among, past
from relay.store.tables import OPEN_DELIVERIES, OPEN_SENDS, conversations, deliveries, lanes, sends

LATE_COPY_LOOK = 60.0  # seconds after a resend until the last look for a second copy


class Fenced(RelayError):
    """The lane was taken over by another worker; nothing was written."""


def claim(tx: Tx, owner: str, *, lease: float, pace: Pace, dead: Collection[str] = ()) -> Claim | None:
    """Take the longest-waiting lane that is due, free and not held back by a gate; cards last. None: there is none.

    `lease` is in seconds; the leases of owners in `dead` are free at once.
    """
    picked = tx.conn.execute(_longest_waiting(lease, pace), {"now": tx.now, "dead": list(dead)}).one_or_none()
    if picked is None:
        return None
    lane = tx.conn.execute(
        update(lanes)
        .where(lanes.c.conversation_id == picked.conversation_id, lanes.c.kind == picked.kind)
        .values(token=lanes.c.token + 1, lease_owner=owner, lease_until=tx.now + lease)
        .returning(lanes.c.token, lanes.c.attempts, lanes.c.spent)
    ).one()
    copied = sends.c.state == "delivered"
    return Claim(
        conversation=conversation(tx, picked.conversation_id),
        lane=picked.kind,
        token=lane.token,
        attempts=lane.attempts,
        spent=lane.spent,
        at=tx.now,
        head=_first_send(tx, picked, among(sends.c.state, OPEN_SENDS)),
        check_copies=_first_send(tx, picked, past(tx, sends.c.look_again_at, LATE_COPY_LOOK), copied),
    )


@cache
def _longest_waiting(lease: float, pace: Pace) -> Select[Any]:
    """Built once: to build it costs more than to run it, and every claim asks it."""
    return (
        claimable(BOUND, lease, pace, dead=bindparam("dead", expanding=True))
        .order_by(lanes.c.kind == "card", func.coalesce(lanes.c.waiting_since, lanes.c.due))
        .limit(1)
        .with_for_update(of=lanes, skip_locked=True)
    )


def conversation(tx: Tx, conversation_id: int) -> Conversation:
    """Read one conversation."""
    row = tx.conn.execute(select(conversations).where(conversations.c.id == conversation_id)).one()
    return Conversation(
        id=row.id,
        key=ConversationKey(row.account, row.group_id),
        title=row.title,
        channel=row.channel,
        channel_id=row.channel_id,
        thread_ts=row.thread_ts,
        dead_ts=row.dead_ts,
        root_form=Form(row.root_form),
        created_at=row.created_at,
    )


def _first_send(tx: Tx, lane: Any, *conditions: Any) -> Send | None:
    row = tx.conn.execute(
        select(sends)
        .where(sends.c.conversation_id == lane.conversation_id, sends.c.lane == lane.kind, *conditions)
        .order_by(sends.c.seq)
        .limit(1)
    ).one_or_none()
    return None if row is None else to_send(row)


def to_send(row: Any) -> Send:
    """A row of `sends` as a value."""
    return Send(
        id=row.id,
        kind=row.kind,
        payload=json.loads(row.payload),
        channel=row.channel,
        thread_ts=row.thread_ts,
        since_ts=row.since_ts,
        state=row.state,
        started_at=row.started_at,
        looks=row.looks,
        resent=row.resent,
        look_again_at=row.look_again_at,
        ts=row.ts,
    )


def of_claim(held: Claim) -> Any:
    """The lane row of a claim, whoever holds it now."""
    return and_(lanes.c.conversation_id == held.conversation.id, lanes.c.kind == held.lane)


def hold(tx: Tx, held: Claim, *, lease: float | None = None) -> None:
    """Lock the lane's row until the end of the transaction, renewing the lease if one is given.

    Raises Fenced when the token was overtaken. What waits must be read in a later statement than this one:
    on PostgreSQL the other order misses what an accept commits in between.
    """
    renewed = {} if lease is None else {"lease_until": tx.now + lease}
    row = tx.conn.execute(
        update(lanes)
        .where(of_claim(held), lanes.c.token == held.token)
        .values(token=lanes.c.token, **renewed)
        .returning(lanes.c.token)
    ).one_or_none()
    if row is None:
        raise Fenced


def give_back(
    tx: Tx,
    held: Claim,
    *,
    wait: float | None = None,
    attempts: int = 0,
    spent: float = 0.0,
    looking: bool = False,
) -> None:
    """End the lease of a held lane. It is due again after `wait` seconds, or as soon as there is something to do.

    Raises Fenced like `hold`, which this repeats so that no caller can forget it.
    """
    hold(tx, held)
    waiting_since = tx.conn.execute(select(func.min(deliveries.c.created_at)).where(to_do(held))).scalar_one()
    if wait is None:
        wait = _next_wait(tx, held, busy=waiting_since is not None)
    tx.conn.execute(
        update(lanes)
        .where(of_claim(held))
        .values(
            lease_owner=None,
            lease_until=None,
            due=None if wait is None else tx.now + wait,
            delay=wait or 0.0,
            waiting_since=waiting_since,
            attempts=attempts,
            spent=spent,
            looking=looking,
        )
    )


def to_do(held: Claim) -> ColumnElement[bool]:
    """The lane's deliveries that are not done with: open ones, and the dead ones whose thread has not been told."""
    unfinished = or_(among(deliveries.c.state, OPEN_DELIVERIES), deliveries.c.notice_due)
    return and_(deliveries.c.conversation_id == held.conversation.id, deliveries.c.lane == held.lane, unfinished)


def _next_wait(tx: Tx, held: Claim, *, busy: bool) -> float | None:
    """Seconds until this lane has something to do: at once, at its next look at a copy, or never (None)."""
    mine = (sends.c.conversation_id == held.conversation.id, sends.c.lane == held.lane)
    if busy or tx.conn.execute(select(exists().where(*mine, among(sends.c.state, OPEN_SENDS)))).scalar_one():
        return 0.0
    look = tx.conn.execute(
        select(func.min(sends.c.look_again_at)).where(*mine, sends.c.look_again_at.is_not(None))
    ).scalar_one()
    return None if look is None else max(0.0, look - tx.now)


def arm_all(tx: Tx, conversation_id: int) -> None:
    """Make every lane of a conversation due that has something waiting: its root is there now."""
    tx.conn.execute(
        update(lanes)
        .where(
            lanes.c.conversation_id == conversation_id,
            lanes.c.waiting_since.is_not(None),
            lanes.c.attempts == 0,
            ~lanes.c.looking,
        )
        .values(due=tx.now, delay=0.0)
    )
