"""Conversations whose customers wait for an answer: whom to remind, and whose claim stands still.

Lock order: conversation, lanes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, or_, select, update

from relay.conversation import ConversationState, Holder
from relay.store.conversations.cards import last_id
from relay.store.conversations.thread_notices import add_notice
from relay.store.db.dialects import past
from relay.store.db.engine import Tx
from relay.store.db.rows import to_state
from relay.store.db.tables import conversations, deliveries
from relay.vocabulary import ThreadNotice

AT_ONCE = 500  # ids in one statement, and in one transaction
# In a query of its own: SQLite would rather go through all conversations, in the right order.
_CHATS = conversations.alias()
WAITING = select(_CHATS.c.id).where(_CHATS.c.waits_since.is_not(None))


@dataclass(frozen=True, slots=True)
class WaitingChat:
    """One that has a thread; `reminders` were posted since its customer began to wait, `due` is when the next one is.

    Both times are in seconds since 1970; `due` is None where nobody has decided it yet.
    """

    id: int
    rule: str  # by which it has its channel
    state: ConversationState
    reminders: int
    due: float | None


def rules(tx: Tx) -> Sequence[str]:
    """By which rules the conversations that wait have their channels."""
    return (
        tx.conn.execute(select(conversations.c.rule).where(conversations.c.id.in_(WAITING)).distinct()).scalars().all()
    )


def chats_to_remind(tx: Tx, of_rules: Collection[str], after: int, limit: int) -> Sequence[WaitingChat]:
    """Those whose next reminder is due, or not decided, with an id greater than `after`.

    Also where that is further ahead than it can be, because the clock has jumped.
    """
    is_due = or_(conversations.c.remind_at.is_(None), past(tx, conversations.c.remind_at, conversations.c.remind_delay))
    return _chats(tx, of_rules, after, limit, is_due)


def to_be_called(tx: Tx) -> Sequence[Sequence[int]]:
    """The conversations for which nobody was called yet, and whose reminder is not due; as many at a time as one
    transaction may change.
    """
    mine = select(conversations.c.id).where(conversations.c.id.in_(WAITING), _to_come(tx)).order_by(conversations.c.id)
    ids = tx.conn.execute(mine).scalars().all()
    return [ids[first : first + AT_ONCE] for first in range(0, len(ids), AT_ONCE)]


def decide_anew(tx: Tx, some: Sequence[int]) -> None:
    """The settings have changed: when people are called for some of those is decided again."""
    mine = select(conversations.c.id).where(conversations.c.id.in_(some), _to_come(tx)).order_by(conversations.c.id)
    ids = tx.conn.execute(mine.with_for_update(key_share=True)).scalars().all()
    tx.conn.execute(update(conversations).where(conversations.c.id.in_(ids)).values(remind_at=None))


def _to_come(tx: Tx) -> ColumnElement[bool]:
    return and_(conversations.c.reminders == 0, conversations.c.remind_at > tx.now)


def decide_reminder(tx: Tx, chat: WaitingChat, due: float) -> None:
    """When the next reminder of a chat is due; unless somebody has decided that."""
    mine = and_(_unchanged(chat), conversations.c.remind_at.is_not_distinct_from(chat.due))
    tx.conn.execute(update(conversations).where(mine).values(remind_at=due, remind_delay=max(0.0, due - tx.now)))


def count_reminder(tx: Tx, chat: WaitingChat, following: float) -> bool:
    """People are reminded now, and next at `following`; False where another process has done it, or nobody waits now.

    The conversation is held.
    """
    mine = and_(_unchanged(chat), conversations.c.reminders == chat.reminders)
    done = {"reminders": chat.reminders + 1, "remind_at": following, "remind_delay": max(0.0, following - tx.now)}
    won = tx.conn.execute(update(conversations).where(mine).values(**done).returning(conversations.c.id)).one_or_none()
    return won is not None


def post_line(tx: Tx, conversation_id: int, topic: ThreadNotice) -> bool:
    """Say in the thread something of what its customer wrote last; False where nothing of it is kept."""
    received_id = last_id(tx, conversation_id)
    of_message = and_(deliveries.c.received_id == received_id, deliveries.c.about.is_(None))
    delivery_id = tx.conn.execute(select(deliveries.c.id).where(of_message).limit(1)).scalar_one_or_none()
    if delivery_id is not None:
        add_notice(tx, conversation_id, delivery_id, topic)
    return delivery_id is not None


def stale_claims(tx: Tx, of_rules: Collection[str], before: float, after: int, limit: int) -> Sequence[WaitingChat]:
    """Chats that an agent has had, and whose customer has waited, since `before`, with an id greater than `after`."""
    held = or_(conversations.c.held_since.is_(None), conversations.c.held_since < before)
    stands = and_(conversations.c.waits_since < before, conversations.c.holder == Holder.AGENT.value, held)
    return _chats(tx, of_rules, after, limit, stands)


def _chats(
    tx: Tx, of_rules: Collection[str], after: int, limit: int, which: ColumnElement[bool]
) -> Sequence[WaitingChat]:
    waits = and_(conversations.c.id.in_(WAITING), conversations.c.thread_ts.is_not(None), ~conversations.c.muted)
    meant = and_(conversations.c.rule.in_(of_rules), conversations.c.id > after)
    rows = tx.conn.execute(select(conversations).where(waits, meant, which).order_by(conversations.c.id).limit(limit))
    return [WaitingChat(row.id, row.rule, to_state(row), row.reminders, row.remind_at) for row in rows]


def _unchanged(chat: WaitingChat) -> ColumnElement[bool]:
    return and_(conversations.c.id == chat.id, conversations.c.waits_since == chat.state.waits_since)
