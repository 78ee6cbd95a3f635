"""The life of a lane under a lease: claim it, hold it while writing, release it.

A lane is an ordered queue of one conversation, with one send in flight at a time. The holder of the lease has the
fencing token; with an outdated token, every later write fails (`Fenced`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import cache
from typing import Any

from sqlalchemy import Double, Integer, Text, and_, case, exists, false, func, or_, select, union_all, update

from relay.errors import RelayError
from relay.store.db.dialects import BOUND, among, equals, past
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim, Conversation, Send, to_conversation, to_send
from relay.store.db.statements import given, one_of
from relay.store.db.tables import (
    OPEN_DELIVERIES,
    OPEN_SENDS,
    conversations,
    deliveries,
    lanes,
    received,
    send_parts,
    sends,
)
from relay.store.queue.due import PLACE, claimable
from relay.store.queue.gates import Limits
from relay.vocabulary import FILE_LANES, Lane, SendKind, SendState

LAST = (Lane.CARD, *FILE_LANES)  # taken when nothing else is due
RECENT = 10  # sends searched for the last post in the thread; further back, the author is named again
LATE_COPY_LOOK = 60.0  # seconds after a resend until the last look for a second copy

LANE = and_(lanes.c.conversation_id == given("conversation_id"), lanes.c.kind == given("kind"))
SENDS = and_(sends.c.conversation_id == given("conversation_id"), sends.c.lane == given("kind"))
_FIRST_SEND = select(sends).where(SENDS).order_by(sends.c.seq).limit(1)

TO_DO = and_(
    deliveries.c.conversation_id == given("conversation_id"),
    deliveries.c.lane == given("kind"),
    or_(among(deliveries.c.state, OPEN_DELIVERIES), deliveries.c.notice_due),
)
"""A lane's deliveries that are not done with: open ones, and the dead ones whose thread has not been told."""

HOLD = update(lanes).where(LANE, lanes.c.token == given("token")).values(token=lanes.c.token)
HOLD = HOLD.returning(lanes.c.events_applied_to, lanes.c.broadcast_from, lanes.c.mentioned)
OURS = select(lanes.c.token).where(LANE, lanes.c.token == given("token"))
RENEW = HOLD.values(lease_until=given("until"))
EVENTS_APPLIED = update(lanes).where(LANE).values(events_applied_to=given("delivery"))
MENTIONED = update(lanes).where(LANE).values(mentioned=given("user", Text))
BROADCAST_CLEARED = update(lanes).where(LANE).values(broadcast_from=None)
_HEAD = _FIRST_SEND.where(among(sends.c.state, OPEN_SENDS))
_COPIED = _FIRST_SEND.where(
    equals(sends.c.state, SendState.DELIVERED), past(BOUND, sends.c.look_again_at, given("believable", Double))
)
FIRST_SENDS = union_all(select(_HEAD.subquery()), select(_COPIED.subquery()))
"""The send to go on with, and the one whose copy is to be looked for."""
_LATELY = (
    select(sends.c.id, sends.c.seq, sends.c.kind, sends.c.state, sends.c.thread_ts, sends.c.ts)
    .where(SENDS)
    .order_by(sends.c.seq.desc())
    .limit(RECENT)
    .subquery()
)
_SHARES = sends.alias()
_FILE_SINCE = exists().where(  # an author below a file is named; a share in flight may be visible already
    _SHARES.c.conversation_id == given("conversation_id"),
    equals(_SHARES.c.lane, Lane.FILES),
    equals(_SHARES.c.kind, SendKind.SHARE),
    or_(among(_SHARES.c.state, OPEN_SENDS), _SHARES.c.ts > _LATELY.c.ts),
)
_LAST = (
    select(_LATELY.c.id)
    .where(
        equals(_LATELY.c.kind, SendKind.POST),
        equals(_LATELY.c.state, SendState.DELIVERED),
        _LATELY.c.thread_ts == conversations.c.thread_ts,
        ~_FILE_SINCE,
    )
    .order_by(_LATELY.c.seq.desc())
    .limit(1)
    .correlate(conversations)
)
_ABOVE = (
    select(case((deliveries.c.about.is_(None), received.c.body)))  # below one of our lines, the author is named again
    .join(deliveries, deliveries.c.received_id == received.c.id)
    .join(send_parts, send_parts.c.delivery_id == deliveries.c.id)
    .where(send_parts.c.send_id == _LAST.scalar_subquery(), send_parts.c.part >= 0)
    .order_by(deliveries.c.id.desc())
    .limit(1)
    .correlate(conversations)
)
_UNDER_WAY = exists().where(SENDS, among(sends.c.state, OPEN_SENDS))
_NEXT_LOOK = select(func.min(sends.c.look_again_at)).where(SENDS, sends.c.look_again_at.is_not(None)).scalar_subquery()
_WAITING_SINCE = select(func.min(deliveries.c.created_at)).where(TO_DO).scalar_subquery()
CONVERSATION = select(conversations).where(conversations.c.id == given("conversation_id"))
HERE = CONVERSATION.add_columns(
    _ABOVE.scalar_subquery().label("above"),
    or_(_UNDER_WAY, _NEXT_LOOK.is_not(None)).label("has_sends"),
)
"""The conversation of a lane; what stands last in its thread, as far as we posted it; and whether a send waits."""
_GIVEN_BACK = {
    "lease_owner": None,
    "lease_until": None,
    "waiting_since": _WAITING_SINCE,
    **{name: given(name) for name in ("attempts", "spent", "looking")},
}
GIVE_BACK = update(lanes).where(LANE).values(due=given("due"), delay=given("delay"), **_GIVEN_BACK)
_BUSY = or_(_WAITING_SINCE.is_not(None), _UNDER_WAY)
_TO_COME = func.coalesce(BOUND.now < _NEXT_LOOK, false())
GIVE_BACK_TO_GO_ON = (
    update(lanes)
    .where(LANE)
    .values(
        due=case((_BUSY, BOUND.now), (_TO_COME, _NEXT_LOOK), (_NEXT_LOOK.is_not(None), BOUND.now)),
        delay=case((and_(~_BUSY, _TO_COME), _NEXT_LOOK - BOUND.now), else_=0.0),
        **_GIVEN_BACK,
    )
    .returning(lanes.c.due)
)
"""It is due at once, at its next look at a copy, or never: as what it has to do yet says."""


class Fenced(RelayError):
    """The lane was taken over by another worker; nothing was written."""


def claim(
    tx: Tx,
    owner: str,
    *,
    lease: float,
    limits: Limits,
    most: int = 1,
    dead: Collection[str] = (),
    kinds: tuple[Lane, ...] = tuple(Lane),
    besides: Collection[str] = (),
) -> list[Claim]:
    """Take the lanes of these kinds that have been due longest, free and not held back by a gate; cards last.

    At most `most` of them; `lease` is in seconds; the leases of owners in `dead` are free at once. Nothing is taken for
    the channels in `besides`.
    """
    free = {"gone": dead, "besides": besides, "now": tx.now, "most": most}
    taken = tx.run(_take(lease, limits, kinds, postgres=tx.on_postgres), **free, owner=owner, until=tx.now + lease)
    in_turn = sorted(taken, key=lambda row: (row.kind in LAST, row.due, row.conversation_id))
    return [_claim(tx, row) for row in in_turn]


def _claim(tx: Tx, lane: Any) -> Claim:
    here = tx.run(HERE, conversation_id=lane.conversation_id, kind=lane.kind).one()
    found = _first_sends(tx, lane) if here.has_sends else []
    claim = Claim(
        conversation=to_conversation(here),
        lane=Lane(lane.kind),
        token=lane.token,
        attempts=lane.attempts,
        spent=lane.spent,
        at=tx.now,
        head=next((send for send in found if send.state is not SendState.DELIVERED), None),
        copied=next((send for send in found if send.state is SendState.DELIVERED), None),
        events_applied_to=lane.events_applied_to,
        broadcast_from=lane.broadcast_from,
        mentioned=lane.mentioned,
        above=here.above,
    )
    tx.held.add((claim.lane_key, claim.token))
    return claim


def _first_sends(tx: Tx, lane: Any) -> list[Send]:
    mine = {"conversation_id": lane.conversation_id, "kind": lane.kind}
    return [to_send(row) for row in tx.run(FIRST_SENDS, **mine, now=tx.now, believable=LATE_COPY_LOOK)]


@cache
def _take(lease: float, limits: Limits, kinds: tuple[Lane, ...], *, postgres: bool) -> Any:
    """Take lanes. A lane that was taken and released is due later than those behind it: all get their turn."""
    last = among(lanes.c.kind, LAST)
    elsewhere = or_(among(lanes.c.kind, (Lane.REPLIES, *FILE_LANES)), ~one_of(PLACE, "besides"))
    picked = (
        claimable(BOUND, lease, limits, kinds, one_of(lanes.c.lease_owner, "gone"), elsewhere, postgres=postgres)
        .order_by(last, lanes.c.due, lanes.c.conversation_id)
        .limit(given("most", Integer))
        .with_for_update(of=lanes, skip_locked=True)
        .cte("picked")
    )
    return (
        update(lanes)
        .where(lanes.c.conversation_id == picked.c.conversation_id, lanes.c.kind == picked.c.kind)
        .values(token=lanes.c.token + 1, lease_owner=given("owner"), lease_until=given("until"))
        .returning(
            *(lanes.c[name] for name in ("conversation_id", "kind", "due", "token", "attempts", "spent")),
            lanes.c.events_applied_to,
            lanes.c.broadcast_from,
            lanes.c.mentioned,
        )
    )


def conversation(tx: Tx, conversation_id: int) -> Conversation:
    """Read one conversation."""
    return to_conversation(tx.run(CONVERSATION, conversation_id=conversation_id).one())


def lane_of(claim: Claim) -> Any:
    """The lane row of a claim, whoever holds it now."""
    return and_(lanes.c.conversation_id == claim.conversation.id, lanes.c.kind == claim.lane)


def hold(tx: Tx, claim: Claim) -> None:
    """Lock the lane's row until the end of the transaction; raises Fenced if the token is outdated.

    Waiting deliveries must be read in a later statement than this one: on PostgreSQL, the other order misses what an
    accept commits in between.
    """
    if (claim.lane_key, claim.token) in tx.held:
        return
    if tx.run(HOLD, **_mine(claim)).one_or_none() is None:
        raise Fenced
    tx.held.add((claim.lane_key, claim.token))


def is_ours(tx: Tx, claim: Claim) -> bool:
    """True if nobody has taken the lane since, even if its lease has expired; locks nothing."""
    return tx.run(OURS, **_mine(claim)).one_or_none() is not None


def hold_again(tx: Tx, claim: Claim, *, lease: float) -> Claim:
    """The same for another `lease` seconds, with the lane and its conversation as they are now."""
    row = tx.run(RENEW, **_mine(claim), until=tx.now + lease).one_or_none()
    if row is None:
        raise Fenced
    tx.held.add((claim.lane_key, claim.token))
    here = tx.run(HERE, conversation_id=claim.conversation.id, kind=claim.lane).one()
    return replace(
        claim,
        conversation=to_conversation(here),
        events_applied_to=row.events_applied_to,
        broadcast_from=row.broadcast_from,
        mentioned=row.mentioned,
        above=here.above,
    )


def _mine(claim: Claim) -> dict[str, Any]:
    return {"conversation_id": claim.conversation.id, "kind": claim.lane, "token": claim.token}


def record_events_applied(tx: Tx, claim: Claim, delivery_id: int) -> None:
    """The events of deliveries up to this one are applied to the conversation, and never again. The lane is held."""
    conversation_id, kind = claim.lane_key
    last = max(delivery_id, claim.events_applied_to)
    tx.run_later(EVENTS_APPLIED, conversation_id=conversation_id, kind=kind, delivery=last)


def record_mentioned(tx: Tx, claim: Claim, user_id: str | None) -> None:
    """The next post mentions this Slack user; a new thread has mentioned nobody. The lane is held."""
    conversation_id, kind = claim.lane_key
    tx.run_later(MENTIONED, conversation_id=conversation_id, kind=kind, user=user_id)


def clear_broadcast(tx: Tx, claim: Claim) -> None:
    """The next post notifies the channel. The lane is held."""
    conversation_id, kind = claim.lane_key
    tx.run_later(BROADCAST_CLEARED, conversation_id=conversation_id, kind=kind)


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
    mine = {"conversation_id": conversation_id, "kind": kind, "attempts": attempts, "spent": spent, "looking": looking}
    if wait is None:
        claim.given_back.clear()
        tx.run_later(GIVE_BACK_TO_GO_ON, claim.given_back, **mine, now=tx.now)
    else:
        tx.run_later(GIVE_BACK, **mine, due=tx.now + wait, delay=wait)


def put_off(tx: Tx, claim: Claim, wait: float | None) -> None:
    """Release the lane unchanged, to be taken again in `wait` seconds, or when its gate opens (None)."""
    give_back(tx, claim, wait=wait, attempts=claim.attempts, spent=claim.spent)
