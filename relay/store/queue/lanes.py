"""The life of a lane under a lease: claim it, hold it while writing, give it back.

A lane is an ordered queue of one conversation, one send in flight at a time. Whoever holds the lease has the
fencing token; a token that was overtaken makes every later write void (`Fenced`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import cache
from typing import Any

from sqlalchemy import Double, Select, and_, exists, func, or_, select, union_all, update

from relay.errors import RelayError
from relay.store.db.dialects import BOUND, among, equals, past
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim, Conversation, to_conversation, to_send
from relay.store.db.statements import given, one_of
from relay.store.db.tables import OPEN_DELIVERIES, OPEN_SENDS, conversations, deliveries, lanes, sends
from relay.store.queue.due import PLACE, claimable
from relay.store.queue.gates import Limits
from relay.vocabulary import Lane, SendState

LATE_COPY_LOOK = 60.0  # seconds after a resend until the last look for a second copy

_LANE = and_(lanes.c.conversation_id == given("conversation_id"), lanes.c.kind == given("kind"))
SENDS = and_(sends.c.conversation_id == given("conversation_id"), sends.c.lane == given("kind"))
_FIRST_SEND = select(sends).where(SENDS).order_by(sends.c.seq).limit(1)

TO_DO = and_(
    deliveries.c.conversation_id == given("conversation_id"),
    deliveries.c.lane == given("kind"),
    or_(among(deliveries.c.state, OPEN_DELIVERIES), deliveries.c.notice_due),
)
"""A lane's deliveries that are not done with: open ones, and the dead ones whose thread has not been told."""

TAKE = (
    update(lanes)
    .where(_LANE)
    .values(token=lanes.c.token + 1, lease_owner=given("owner"), lease_until=given("until"))
    .returning(lanes.c.token, lanes.c.attempts, lanes.c.spent, lanes.c.events_applied_to, lanes.c.broadcast_from)
)
HOLD = update(lanes).where(_LANE, lanes.c.token == given("token")).values(token=lanes.c.token)
HOLD = HOLD.returning(lanes.c.events_applied_to, lanes.c.broadcast_from)
OURS = select(lanes.c.token).where(_LANE, lanes.c.token == given("token"))
RENEW = HOLD.values(lease_until=given("until"))
EVENTS_APPLIED = update(lanes).where(_LANE).values(events_applied_to=given("delivery"))
BROADCAST_CLEARED = update(lanes).where(_LANE).values(broadcast_from=None)
GIVE_BACK = (
    update(lanes)
    .where(_LANE)
    .values(
        lease_owner=None,
        lease_until=None,
        **{name: given(name) for name in ("due", "delay", "waiting_since", "attempts", "spent", "looking")},
    )
)
CONVERSATION = select(conversations).where(conversations.c.id == given("conversation_id"))
_HEAD = _FIRST_SEND.where(among(sends.c.state, OPEN_SENDS))
_COPIED = _FIRST_SEND.where(
    equals(sends.c.state, SendState.DELIVERED), past(BOUND, sends.c.look_again_at, given("believable", Double))
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


def claim(
    tx: Tx,
    owner: str,
    *,
    lease: float,
    limits: Limits,
    dead: Collection[str] = (),
    kinds: tuple[Lane, ...] = tuple(Lane),
    besides: Collection[str] = (),
) -> Claim | None:
    """Take the lane of these kinds that has been due longest, free and not held back by a gate; cards last.

    `lease` is in seconds; the leases of owners in `dead` are free at once. Nothing is taken for the channels `besides`.
    None: there is no such lane.
    """
    picked = tx.run(
        _longest_due(lease, limits, kinds), now=tx.now, dead=list(dead), besides=list(besides)
    ).one_or_none()
    if picked is None:
        return None
    mine = {"conversation_id": picked.conversation_id, "kind": picked.kind}
    lane = tx.run(TAKE, **mine, owner=owner, until=tx.now + lease).one()
    first = tx.run(FIRST_SENDS, **mine, now=tx.now, believable=LATE_COPY_LOOK).all()
    found = [to_send(row) for row in first]
    claim = Claim(
        conversation=conversation(tx, picked.conversation_id),
        lane=Lane(picked.kind),
        token=lane.token,
        attempts=lane.attempts,
        spent=lane.spent,
        at=tx.now,
        head=next((send for send in found if send.state is not SendState.DELIVERED), None),
        copied=next((send for send in found if send.state is SendState.DELIVERED), None),
        events_applied_to=lane.events_applied_to,
        broadcast_from=lane.broadcast_from,
    )
    tx.held.add((claim.lane_key, claim.token))
    return claim


@cache
def _longest_due(lease: float, limits: Limits, kinds: tuple[Lane, ...]) -> Select[Any]:
    """The lane to claim. Whoever was taken and given back is due later than those behind it: all come in turn."""
    last = equals(lanes.c.kind, Lane.CARD)
    elsewhere = or_(equals(lanes.c.kind, Lane.REPLIES), ~one_of(PLACE, "besides"))
    return (
        claimable(BOUND, lease, limits, kinds, dead=one_of(lanes.c.lease_owner, "dead"))
        .where(elsewhere)
        .order_by(last, lanes.c.due, lanes.c.conversation_id)
        .limit(1)
        .with_for_update(of=lanes, skip_locked=True)
    )


def conversation(tx: Tx, conversation_id: int) -> Conversation:
    """Read one conversation."""
    return to_conversation(tx.run(CONVERSATION, conversation_id=conversation_id).one())


def lane_of(claim: Claim) -> Any:
    """The lane row of a claim, whoever holds it now."""
    return and_(lanes.c.conversation_id == claim.conversation.id, lanes.c.kind == claim.lane)


def hold(tx: Tx, claim: Claim) -> None:
    """Lock the lane's row until the end of the transaction; raises Fenced when the token was overtaken.

    What waits must be read in a later statement than this one: on PostgreSQL the other order misses what an accept
    commits in between.
    """
    if (claim.lane_key, claim.token) in tx.held:
        return
    if tx.run(HOLD, **_mine(claim)).one_or_none() is None:
        raise Fenced
    tx.held.add((claim.lane_key, claim.token))


def is_ours(tx: Tx, claim: Claim) -> bool:
    """True when nobody has taken the lane since, though its lease may be over; holds nothing."""
    return tx.run(OURS, **_mine(claim)).one_or_none() is not None


def hold_again(tx: Tx, claim: Claim, *, lease: float) -> Claim:
    """The same for another `lease` seconds, with the lane and its conversation as they are now."""
    row = tx.run(RENEW, **_mine(claim), until=tx.now + lease).one_or_none()
    if row is None:
        raise Fenced
    tx.held.add((claim.lane_key, claim.token))
    now_at = conversation(tx, claim.conversation.id)
    return replace(
        claim, conversation=now_at, events_applied_to=row.events_applied_to, broadcast_from=row.broadcast_from
    )


def _mine(claim: Claim) -> dict[str, Any]:
    return {"conversation_id": claim.conversation.id, "kind": claim.lane, "token": claim.token}


def record_events_applied(tx: Tx, claim: Claim, delivery_id: int) -> None:
    """What the deliveries up to this one say of the conversation is applied, and never again. The lane is held."""
    conversation_id, kind = claim.lane_key
    last = max(delivery_id, claim.events_applied_to)
    tx.run(EVENTS_APPLIED, conversation_id=conversation_id, kind=kind, delivery=last)


def clear_broadcast(tx: Tx, claim: Claim) -> None:
    """The channel is called by what goes out next. The lane is held."""
    conversation_id, kind = claim.lane_key
    tx.run(BROADCAST_CLEARED, conversation_id=conversation_id, kind=kind)


def give_back(
    tx: Tx,
    claim: Claim,
    *,
    wait: float | None = None,
    attempts: int = 0,
    spent: float = 0.0,
    looking: bool = False,
) -> None:
    """End the lease of a held lane. It is due again after `wait` seconds, or as soon as there is something to do.

    Raises Fenced like `hold`, which this repeats so that no caller can forget it.
    """
    hold(tx, claim)
    conversation_id, kind = claim.lane_key
    left = tx.run(LEFT, conversation_id=conversation_id, kind=kind).one()
    if wait is None:
        wait = _next_wait(tx, left)
    tx.run(
        GIVE_BACK,
        conversation_id=conversation_id,
        kind=kind,
        due=None if wait is None else tx.now + wait,
        delay=wait or 0.0,
        waiting_since=left.waiting_since,
        attempts=attempts,
        spent=spent,
        looking=looking,
    )


def put_off(tx: Tx, claim: Claim, wait: float | None) -> None:
    """Give the lane back as it was, to be taken again in `wait` seconds, or when its gate opens (None)."""
    give_back(tx, claim, wait=wait, attempts=claim.attempts, spent=claim.spent)


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


def put_aside(tx: Tx, claim: Claim, seconds: float) -> None:
    """Let a lane that nobody has wait for so many seconds, so that those behind it are taken."""
    nobody = and_(lane_of(claim), lanes.c.lease_owner.is_(None), lanes.c.due.is_not(None))
    tx.conn.execute(update(lanes).where(nobody).values(due=tx.now + seconds, delay=seconds))


def release_lost(
    tx: Tx, owner: str, *, working_on: Collection[tuple[tuple[int, Lane], int]], lost: Collection[float]
) -> int:
    """Free the lanes of this owner that it does not work on; returns how many.

    A commit whose answer was lost may have taken them, in a transaction whose `now` is one of `lost`: what it stored as
    sending was never called, and may be. Whatever else is sending there may have been called by somebody before.
    """
    mine = select(lanes.c.conversation_id, lanes.c.kind, lanes.c.token).where(lanes.c.lease_owner == owner)
    freed = 0
    for row in tx.conn.execute(mine.order_by(lanes.c.conversation_id, lanes.c.kind).with_for_update()).all():
        if ((row.conversation_id, Lane(row.kind)), row.token) not in working_on:
            lane = {"conversation_id": row.conversation_id, "kind": row.kind}
            tx.run(_NEVER_CALLED, **lane, times=list(lost))
            tx.run(_FREE, **lane, now=tx.now)
            freed += 1
    return freed


_NEVER_CALLED = (
    update(sends)
    .where(SENDS, equals(sends.c.state, SendState.SENDING), one_of(sends.c.started_at, "times"))
    .values(state=SendState.FROZEN.value, started_at=None)
)
_FREE = update(lanes).where(_LANE).values(lease_owner=None, lease_until=None, due=given("now"), delay=0.0)
