"""Which thread and channel a conversation has: found, saved, given up, and decided anew.

Lock order: the conversation first, then its lanes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Double, Integer, and_, case, exists, func, select, union_all, update

from relay.messages import Decision
from relay.owners import is_named, owner_of
from relay.store.conversations.thread_notices import refuse_moves
from relay.store.db.dialects import among, equals
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim, Conversation, Send
from relay.store.db.statements import given
from relay.store.db.tables import (
    NOT_DELIVERED,
    OPEN_SENDS,
    UNDER_WAY,
    conversations,
    deliveries,
    gates,
    lanes,
    received,
    sends,
)
from relay.store.queue.due import arm, arm_all, arm_card_in_passing, lock
from relay.store.queue.lanes import hold, record_mentioned
from relay.store.queue.sends import drop, mark_delivered, void_frozen
from relay.vocabulary import DeliveryState, GateScope, Lane, SendKind, SendState, Source


@dataclass(frozen=True, slots=True)
class Undecided:
    """A conversation that has no channel, or one that an operator error closed; `body` is its first message's.

    It began at `created_at`, in seconds since 1970, and has its channel by `rule`.
    """

    id: int
    account: str
    group_id: str
    title: str
    channel: str | None
    rule: str
    created_at: float
    body: bytes | None


_LEFT = func.coalesce(conversations.c.thread_ts, conversations.c.dead_ts)  # by a chat that has no new thread yet


def id_in(channel: str | None) -> str | None:
    """Slack's id of a channel, where the mapping already says it; a "#name" is looked up before the first post."""
    return None if channel is None or is_named(channel) else channel


def name_channel(tx: Tx, place: Conversation, channel_id: str) -> None:
    """Remember Slack's id for the channel that a conversation is mapped to by name."""
    mine = and_(conversations.c.id == place.id, conversations.c.channel == place.channel)
    tx.conn.execute(update(conversations).where(mine).values(channel_id=channel_id))


def forget_channel(tx: Tx, place: Conversation) -> None:
    """The id that its channel's name had is gone, and the thread with it: the name is looked up again."""
    mine = and_(conversations.c.id == place.id, conversations.c.channel_id == place.channel_id)
    gone = {"channel_id": None, "thread_ts": None, "dead_ts": _LEFT}
    tx.conn.execute(update(conversations).where(mine).values(**gone))


def save_root(tx: Tx, claim: Claim, send: Send, ts: str, fingerprint: str) -> bool:
    """Make a root's `ts` the conversation's thread and wake its lanes; False when the conversation has moved on.

    `fingerprint` tells what its card looks like.
    """
    here = and_(
        conversations.c.id == claim.conversation.id,
        conversations.c.channel_id == send.channel,
        conversations.c.thread_ts.is_(None),
    )
    version = send.version or 0
    won = tx.conn.execute(
        update(conversations)
        .where(here)
        .values(thread_ts=ts, root_form="full", shown=version, card_fingerprint=fingerprint)
        .returning(conversations.c.wanted)
    ).one_or_none()
    if won is None:
        return False
    if won.wanted > version:
        arm(tx, claim.conversation.id, Lane.CARD, 0.0)
    hold(tx, claim)
    record_mentioned(tx, claim, None)
    if claim.conversation.dead_ts:
        _let_go_on(tx, claim.conversation.id, claim.conversation.dead_ts)
    arm_all(tx, claim.conversation.id)
    mark_delivered(tx, send, ts)
    return True


def _let_go_on(tx: Tx, conversation_id: int, ts: str) -> None:
    """The card of the earlier thread is to lead to the present one."""
    root = and_(sends.c.conversation_id == conversation_id, equals(sends.c.kind, SendKind.ROOT), sends.c.ts == ts)
    outdated = update(sends).where(root).values(outdated=sends.c.outdated + 1).returning(sends.c.id)
    if tx.conn.execute(outdated).first() is not None:
        arm_card_in_passing(tx, conversation_id, 0.0)


def give_up_thread(tx: Tx, claim: Claim, send: Send, cause: str) -> None:
    """The thread is gone: the next thing this conversation does is open a new root that replaces it."""
    mine = and_(conversations.c.id == claim.conversation.id, conversations.c.thread_ts == send.thread_ts)
    replaced = {"dead_ts": conversations.c.thread_ts, "thread_ts": None}
    tx.conn.execute(update(conversations).where(mine).values(**replaced))
    drop(tx, send, SendState.VOID, cause)
    void_frozen(tx, claim)


def last_came_at(tx: Tx, conversation_id: int, before: int) -> float | None:
    """When the last thing came of a conversation before this one, in seconds since 1970; None for nothing."""
    earlier = and_(received.c.conversation_id == conversation_id, received.c.id < before)
    found = select(received.c.received_at).where(earlier).order_by(received.c.id.desc()).limit(1)
    came: float | None = tx.conn.execute(found).scalar_one_or_none()
    return came


def last_root_at(tx: Tx, conversation_id: int) -> float:
    """When the root was made that came last, in seconds since 1970; 0.0 where there was none."""
    roots = and_(sends.c.conversation_id == conversation_id, equals(sends.c.kind, SendKind.ROOT))
    return tx.conn.execute(select(func.max(sends.c.created_at)).where(roots)).scalar_one() or 0.0


def begin_anew(tx: Tx, conversation_id: int) -> None:
    """The next thing that is said opens a new thread, which goes on from the present one. Conversation and lane are
    held.
    """
    replaced = {"dead_ts": conversations.c.thread_ts, "thread_ts": None}
    tx.conn.execute(update(conversations).where(conversations.c.id == conversation_id).values(**replaced))


def follow(tx: Tx, place: Conversation, to: Decision) -> None:
    """A chat goes where a later message brings it; in another channel it has a new thread. It and its lane are held."""
    there: dict[str, Any] = {"rule": to.rule, "why": to.why, **_remind_anew(tx)}
    if to.channel != place.channel:
        there |= {"channel": to.channel, "channel_id": id_in(to.channel), "workspace": owner_of(to.channel or "")}
        there |= {"dead_ts": place.thread_ts or place.dead_ts, "thread_ts": None}
    tx.conn.execute(update(conversations).where(conversations.c.id == place.id).values(**there))


def _remind_anew(tx: Tx) -> dict[str, Any]:
    """A first reminder that is still to come is decided by the new rule."""
    to_come = and_(conversations.c.reminders == 0, conversations.c.remind_at > tx.now)
    return {"remind_at": case((to_come, None), else_=conversations.c.remind_at)}


def undecided(tx: Tx, after: int, limit: int, *, since: float = 0.0) -> Sequence[Undecided]:
    """Conversations for which the mapping is to be asked again, by id; nothing is locked.

    Of those that nothing names, those that began at `since` or later, in seconds since 1970.
    """
    rows = tx.run(UNDECIDED, after=after, limit=limit, since=since).all()
    return [
        Undecided(row.id, row.account, row.group_id, row.title, row.channel, row.rule, row.created_at, row.body)
        for row in rows
    ]


_SHUT = and_(
    gates.c.scope == GateScope.CHANNEL.value,
    gates.c.operator,
    gates.c.name.in_((conversations.c.channel, conversations.c.channel_id)),
)
_STUCK = (
    select(deliveries.c.conversation_id)
    .join(conversations, conversations.c.id == deliveries.c.conversation_id)
    .join(gates, _SHUT)
    .where(among(deliveries.c.state, (DeliveryState.WAITING, DeliveryState.SENDING)), NOT_DELIVERED)
)
_UNMAPPED = select(conversations.c.id).where(
    conversations.c.channel.is_(None), conversations.c.created_at >= given("since", Double)
)
_FIRST_BODY = (
    select(received.c.body)
    .where(
        received.c.conversation_id == conversations.c.id,
        received.c.body.is_not(None),
        received.c.source == Source.KOMMUNICATE.value,
    )
    .order_by(received.c.id)
    .limit(1)
    .correlate(conversations)
    .scalar_subquery()
)
UNDECIDED = (
    select(
        conversations.c.id,
        conversations.c.account,
        conversations.c.group_id,
        conversations.c.title,
        conversations.c.channel,
        conversations.c.rule,
        conversations.c.created_at,
        _FIRST_BODY.label("body"),
    )
    .where(conversations.c.id.in_(union_all(_UNMAPPED, _STUCK)), conversations.c.id > given("after", Integer))
    .order_by(conversations.c.id)
    .limit(given("limit", Integer))
)


def move(tx: Tx, one: Undecided, decision: Decision) -> bool:
    """Give a conversation another channel; False where it has one by now, or something of it may stand in the old one.

    Locks its lanes before it looks, so that nothing can set out between this and the move.
    """
    lock(tx, one.id)
    mine = conversations.c.id == one.id
    as_seen = and_(mine, conversations.c.channel.is_not_distinct_from(one.channel))
    tx.conn.execute(
        select(lanes.c.kind).where(lanes.c.conversation_id == one.id).order_by(lanes.c.kind).with_for_update()
    )
    if _in_flight(tx, one.id) or tx.conn.execute(select(conversations.c.id).where(as_seen)).one_or_none() is None:
        return False
    tx.conn.execute(
        update(conversations)
        .where(mine)
        .values(
            channel=decision.channel,
            channel_id=id_in(decision.channel),
            workspace=owner_of(decision.channel or ""),
            rule=decision.rule,
            why=decision.why,
            dead_ts=_LEFT,
            thread_ts=None,
            **_remind_anew(tx),
        )
    )
    refuse_moves(tx, one.id, f"Slack takes no posts in {one.channel}")
    waiting = and_(lanes.c.conversation_id == one.id, lanes.c.waiting_since.is_not(None))
    # Nothing held it up that it could have passed before: it has not been waiting for long.
    tx.conn.execute(update(lanes).where(waiting).values(due=tx.now, delay=0.0, waiting_since=tx.now))
    return True


def _in_flight(tx: Tx, conversation_id: int) -> bool:
    """True while something may already stand in the present channel: it keeps its place until that is known."""
    words = and_(sends.c.conversation_id == conversation_id, sends.c.lane == Lane.WORDS.value)
    busy = exists().where(words, among(sends.c.state, OPEN_SENDS), among(sends.c.state, UNDER_WAY))
    return bool(tx.conn.execute(select(busy)).scalar_one())
