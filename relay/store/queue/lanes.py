"""The life of a lane under a lease: claim it, hold it while writing, give it back.

A lane is an ordered queue of one conversation, one send in flight at a time. Whoever holds the lease has the
fencing token; a token that was overtaken makes every later write void (`Fenced`).
"""

from __future__ import annotations

import json
from collections.abc import Collection
from functools import cache
from typing import Any

from sqlalchemy import Double, Select, and_, exists, func, or_, select, union_all, update

from relay.errors import RelayError
from relay.messages import ConversationKey, Form
from relay.store.conversations.state import to_state
from relay.store.db.dialects import BOUND, among, past
from relay.store.db.engine import Tx, given
from relay.store.db.rows import Claim, Conversation, Send
from relay.store.db.tables import OPEN_DELIVERIES, OPEN_SENDS, conversations, deliveries, lanes, sends
from relay.store.queue.claimable import claimable
from relay.store.queue.gates import Pace

LATE_COPY_LOOK = 60.0  # seconds after a resend until the last look for a second copy


_OF = and_(lanes.c.conversation_id == given("of"), lanes.c.kind == given("kind"))
SENDS = and_(sends.c.conversation_id == given("of"), sends.c.lane == given("kind"))
_FIRST_SEND = select(sends).where(SENDS).order_by(sends.c.seq).limit(1)

TO_DO = and_(
    deliveries.c.conversation_id == given("of"),
    deliveries.c.lane == given("kind"),
    or_(among(deliveries.c.state, OPEN_DELIVERIES), deliveries.c.notice_due),
)
"""A lane's deliveries that are not done with: open ones, and the dead ones whose thread has not been told."""

TAKE = (
    update(lanes)
    .where(_OF)
    .values(token=lanes.c.token + 1, lease_owner=given("owner"), lease_until=given("until"))
    .returning(lanes.c.token, lanes.c.attempts, lanes.c.spent, lanes.c.events_applied_to, lanes.c.broadcast_from)
)
HOLD = update(lanes).where(_OF, lanes.c.token == given("token")).values(token=lanes.c.token).returning(lanes.c.token)
RENEW = HOLD.values(lease_until=given("until"))
EVENTS_APPLIED = update(lanes).where(_OF).values(events_applied_to=given("delivery"))
CALLED = update(lanes).where(_OF).values(broadcast_from=None)
GIVE_BACK = (
    update(lanes)
    .where(_OF)
    .values(
        lease_owner=None,
        lease_until=None,
        **{name: given(name) for name in ("due", "delay", "waiting_since", "attempts", "spent", "looking")},
    )
)
CONVERSATION = select(conversations).where(conversations.c.id == given("of"))
_HEAD = _FIRST_SEND.where(among(sends.c.state, OPEN_SENDS))
_COPIED = _FIRST_SEND.where(
    sends.c.state == "delivered", past(BOUND, sends.c.look_again_at, given("believable", Double))
)
FIRST_SENDS = union_all(select(_HEAD.subquery()), select(_COPIED.subquery()))
"""The send to go on with, and the one whose copy is to be looked for."""
LEFT = select(
    select(func.min(deliveries.c.created_at)).where(TO_DO).scalar_subquery().label("waiting_since"),
    exists().where(SENDS, among(sends.c.state, OPEN_SENDS)).label("under_way"),
    select(func.min(sends.c.look_again_at))
    .where(SENDS, sends.c.look_again_at.is_not(None))
    .scalar_subquery()
    .label("next_look"),
)
"""What a lane has to do yet."""


class Fenced(RelayError):
    """The lane was taken over by another worker; nothing was written."""


def claim(tx: Tx, owner: str, *, lease: float, pace: Pace, dead: Collection[str] = ()) -> Claim | None:
    """Take the longest-waiting lane that is due, free and not held back by a gate; cards last. None: there is none.

    `lease` is in seconds; the leases of owners in `dead` are free at once.
    """
    picked = tx.run(_longest_waiting(lease, pace), now=tx.now, dead=list(dead)).one_or_none()
    if picked is None:
        return None
    mine = {"of": picked.conversation_id, "kind": picked.kind}
    lane = tx.run(TAKE, **mine, owner=owner, until=tx.now + lease).one()
    first = tx.run(FIRST_SENDS, **mine, now=tx.now, believable=LATE_COPY_LOOK).all()
    return Claim(
        conversation=conversation(tx, picked.conversation_id),
        lane=picked.kind,
        token=lane.token,
        attempts=lane.attempts,
        spent=lane.spent,
        at=tx.now,
        head=next((to_send(row) for row in first if row.state != "delivered"), None),
        check_copies=next((to_send(row) for row in first if row.state == "delivered"), None),
        events_applied_to=lane.events_applied_to,
        broadcast_from=lane.broadcast_from,
    )


@cache
def _longest_waiting(lease: float, pace: Pace) -> Select[Any]:
    """The lane to claim."""
    return (
        claimable(BOUND, lease, pace, dead=given("dead", several=True))
        .order_by(lanes.c.kind == "card", func.coalesce(lanes.c.waiting_since, lanes.c.due))
        .limit(1)
        .with_for_update(of=lanes, skip_locked=True)
    )


def conversation(tx: Tx, conversation_id: int) -> Conversation:
    """Read one conversation."""
    row = tx.run(CONVERSATION, of=conversation_id).one()
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
        state=to_state(row),
        wanted=row.wanted,
        shown=row.shown,
    )


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
        version=row.version,
    )


def of_claim(held: Claim) -> Any:
    """The lane row of a claim, whoever holds it now."""
    return and_(lanes.c.conversation_id == held.conversation.id, lanes.c.kind == held.lane)


def hold(tx: Tx, held: Claim, *, lease: float | None = None) -> None:
    """Lock the lane's row until the end of the transaction, renewing the lease if one is given.

    Raises Fenced when the token was overtaken. What waits must be read in a later statement than this one:
    on PostgreSQL the other order misses what an accept commits in between.
    """
    lane = (held.conversation.id, held.lane, held.token)
    if lease is None and lane in tx.held:
        return
    mine = {"of": held.conversation.id, "kind": held.lane, "token": held.token}
    row = tx.run(HOLD, **mine) if lease is None else tx.run(RENEW, **mine, until=tx.now + lease)
    if row.one_or_none() is None:
        raise Fenced
    tx.held.add(lane)


def record_events_applied(tx: Tx, held: Claim, delivery_id: int) -> None:
    """What the deliveries up to this one say of the conversation is taken in, and never again. The lane is held."""
    last = max(delivery_id, held.events_applied_to)
    tx.run(EVENTS_APPLIED, of=held.conversation.id, kind=held.lane, delivery=last)


def clear_broadcast(tx: Tx, held: Claim) -> None:
    """The channel is called by what goes out next. The lane is held."""
    tx.run(CALLED, of=held.conversation.id, kind=held.lane)


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
    mine = {"of": held.conversation.id, "kind": held.lane}
    left = tx.run(LEFT, **mine).one()
    if wait is None:
        wait = _next_wait(tx, left)
    tx.run(
        GIVE_BACK,
        **mine,
        due=None if wait is None else tx.now + wait,
        delay=wait or 0.0,
        waiting_since=left.waiting_since,
        attempts=attempts,
        spent=spent,
        looking=looking,
    )


def _next_wait(tx: Tx, left: Any) -> float | None:
    """Seconds until this lane has something to do: at once, at its next look at a copy, or never (None)."""
    if left.waiting_since is not None or left.under_way:
        return 0.0
    return None if left.next_look is None else max(0.0, left.next_look - tx.now)


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
