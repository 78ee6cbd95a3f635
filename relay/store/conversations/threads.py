"""Which thread and channel a conversation has: found, saved, given up, and decided anew.

Lock order: the conversation first, then its lanes.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import and_, exists, select, union_all, update

from relay.messages import Decision
from relay.store.db.dialects import among
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim, Send
from relay.store.db.tables import OPEN_SENDS, UNDER_WAY, conversations, deliveries, gates, lanes, received, sends
from relay.store.intake.webhooks import channel_id
from relay.store.queue.arming import CARD, arm
from relay.store.queue.gates import forget
from relay.store.queue.lanes import arm_all, give_back, hold
from relay.store.queue.sends import drop, settle, void_frozen


def name_channel(tx: Tx, held: Claim, channel_id: str) -> None:
    """Remember Slack's id for the channel that this conversation is mapped to."""
    place = held.conversation
    tx.conn.execute(
        update(conversations)
        .where(conversations.c.id == place.id, conversations.c.channel == place.channel)
        .values(channel_id=channel_id)
    )
    give_back(tx, held)
    forget(tx, "channel", place.channel or "")


def save_root(tx: Tx, held: Claim, send: Send, ts: str) -> bool:
    """Make a root's `ts` the conversation's thread and wake its lanes; False when the conversation has moved on.

    Raises Fenced when the lane was taken over; then nothing is saved and whoever has the lane finds the root.
    """
    here = and_(
        conversations.c.id == held.conversation.id,
        conversations.c.channel_id == send.channel,
        conversations.c.thread_ts.is_(None),
    )
    version = send.version or 0
    won = tx.conn.execute(
        update(conversations)
        .where(here)
        .values(thread_ts=ts, root_form="full", shown=version)
        .returning(conversations.c.wanted)
    ).one_or_none()
    if won is None:
        hold(tx, held)
        return False
    if won.wanted > version:
        arm(tx, held.conversation.id, CARD, 0.0)
    hold(tx, held)
    arm_all(tx, held.conversation.id)
    settle(tx, held, send, ts)
    return True


def drop_orphan_root(tx: Tx, held: Claim, send: Send) -> None:
    """A root that nobody needs any more has been deleted in Slack: forget it."""
    hold(tx, held)
    drop(tx, send, "void", "the conversation moved to another place")
    give_back(tx, held)


def give_up_thread(tx: Tx, held: Claim, send: Send, cause: str) -> None:
    """The thread is gone: the next thing this conversation does is open a new root that replaces it."""
    tx.conn.execute(
        update(conversations)
        .where(conversations.c.id == held.conversation.id, conversations.c.thread_ts == send.thread_ts)
        .values(dead_ts=conversations.c.thread_ts, thread_ts=None)
    )
    hold(tx, held)
    drop(tx, send, "void", cause)
    void_frozen(tx, held)
    give_back(tx, held)


def redecide(tx: Tx, choose: Callable[[str, str, bytes | None], Decision]) -> int:
    """Ask the mapping again for conversations that have no channel, or one that an operator error closed.

    `choose` takes (group id, title, first body) and decides; returns how many got another channel.
    """
    changed = 0
    for row in tx.run(UNDECIDED).all():
        decision = choose(row.group_id, row.title, _first_body(tx, row.id))
        if decision.channel not in (None, row.channel) and not _in_flight(tx, row.id):
            _move(tx, row.id, decision)
            changed += 1
    return changed


_SHUT = and_(
    gates.c.scope == "channel",
    gates.c.operator,
    gates.c.name.in_((conversations.c.channel, conversations.c.channel_id)),
)
_STUCK = (
    select(deliveries.c.conversation_id)
    .join(conversations, conversations.c.id == deliveries.c.conversation_id)
    .join(gates, _SHUT)
    .where(among(deliveries.c.state, ("waiting", "sending")))
)
_UNMAPPED = select(conversations.c.id).where(conversations.c.channel.is_(None))
UNDECIDED = (
    select(conversations.c.id, conversations.c.group_id, conversations.c.title, conversations.c.channel)
    .where(conversations.c.id.in_(union_all(_UNMAPPED, _STUCK)))
    .order_by(conversations.c.id)
    # key_share: a worker that freezes holds its lane and refers to the conversation, which must not wait for us
    .with_for_update(of=conversations, key_share=True)
)


def _first_body(tx: Tx, conversation_id: int) -> bytes | None:
    body: bytes | None = tx.conn.execute(
        select(received.c.body).where(received.c.conversation_id == conversation_id).order_by(received.c.id).limit(1)
    ).scalar_one_or_none()
    return body


def _in_flight(tx: Tx, conversation_id: int) -> bool:
    """True while something may already stand in the present channel: it keeps its place until that is known.

    Locks the lanes first, so that nothing can set out between this and the move.
    """
    tx.conn.execute(
        select(lanes.c.kind).where(lanes.c.conversation_id == conversation_id).order_by(lanes.c.kind).with_for_update()
    )
    open_ones = and_(sends.c.conversation_id == conversation_id, among(sends.c.state, OPEN_SENDS))
    busy = exists().where(open_ones, among(sends.c.state, UNDER_WAY))
    return bool(tx.conn.execute(select(busy)).scalar_one())


def _move(tx: Tx, conversation_id: int, decision: Decision) -> None:
    tx.conn.execute(
        update(conversations)
        .where(conversations.c.id == conversation_id)
        .values(
            channel=decision.channel,
            channel_id=channel_id(decision.channel),
            rule=decision.rule,
            why=decision.why,
            dead_ts=conversations.c.thread_ts,
            thread_ts=None,
        )
    )
    tx.conn.execute(
        update(lanes)
        .where(lanes.c.conversation_id == conversation_id, lanes.c.waiting_since.is_not(None))
        .values(due=tx.now, delay=0.0)
    )
