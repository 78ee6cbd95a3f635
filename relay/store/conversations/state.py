"""The stored state of a conversation. Every change that its card shows creates a new version of the card.

Lock order: conversation, its words lane. That lane stores when to notify the channel, because its holder posts there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace

from sqlalchemy import select, update

from relay.conversation import ConversationState
from relay.messages import ConversationKey
from relay.store.db.engine import Tx
from relay.store.db.rows import to_state
from relay.store.db.tables import conversations, lanes
from relay.store.queue.due import arm
from relay.vocabulary import Lane

LATER = 30.0  # seconds until words on a card are brought up to date: Slack takes fifty edits a minute of a workspace
Step = Callable[[ConversationState], ConversationState]


def update_state(tx: Tx, conversation_id: int, step: Step) -> tuple[ConversationState, ConversationState]:
    """Apply `step` to the state of a conversation, and request a card update if visible; returns before and after."""
    mine = conversations.c.id == conversation_id
    row = tx.conn.execute(select(conversations).where(mine).with_for_update(key_share=True)).one()
    words_lane = (lanes.c.conversation_id == conversation_id, lanes.c.kind == Lane.WORDS.value)
    calls = tx.conn.execute(select(lanes.c.broadcast_from).where(*words_lane).with_for_update()).scalar_one_or_none()
    before = replace(to_state(row), broadcast_from=calls)
    after = step(before)
    if after == before:
        return before, after
    new = asdict(after)
    broadcast_from = new.pop("broadcast_from")
    newer = after.card != before.card
    if after.waits_since != before.waits_since:
        new |= {"remind_at": None, "reminders": 0}
    tx.conn.execute(update(conversations).where(mine).values(**new, wanted=row.wanted + newer))
    if broadcast_from != before.broadcast_from:
        tx.conn.execute(update(lanes).where(*words_lane).values(broadcast_from=broadcast_from))
    if newer and row.thread_ts is not None:  # else the root, when it comes, shows it
        arm(tx, conversation_id, Lane.CARD, 0.0 if after.outline != before.outline else LATER)
    return before, after


def is_open(tx: Tx, key: ConversationKey) -> bool:
    """True if something in this conversation arrived before."""
    mine = (conversations.c.account == key.account, conversations.c.group_id == key.group_id)
    return tx.conn.execute(select(conversations.c.id).where(*mine)).scalar_one_or_none() is not None


def update_state_of(tx: Tx, key: ConversationKey, step: Step) -> None:
    """The same for the conversation with this key, if there is one."""
    mine = (conversations.c.account == key.account, conversations.c.group_id == key.group_id)
    conversation_id = tx.conn.execute(select(conversations.c.id).where(*mine)).scalar_one_or_none()
    if conversation_id is not None:
        update_state(tx, conversation_id, step)
