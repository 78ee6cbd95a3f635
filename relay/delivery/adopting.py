"""Agents' messages that arrived before their thread was known, taken in once it is."""

from __future__ import annotations

from relay.delivery import stored
from relay.delivery.context import DeliveryContext
from relay.slack.events import AgentWords
from relay.slack.parse import agent_message
from relay.store.db.engine import Tx
from relay.store.db.rows import Conversation
from relay.store.intake.recording import Held, held_in, lock_thread, record_place, release
from relay.store.intake.replies import adopt


def adopt_held(tx: Tx, context: DeliveryContext, place: Conversation, ts: str) -> None:
    """Queue what waits for the thread that begins at `ts`; its conversation is locked."""
    for one in held_in(tx, place.channel_id or "", ts):
        _adopt(tx, context, one, place.id)


def settle_held(tx: Tx, context: DeliveryContext, one: Held) -> None:
    """A held message whose thread may never be known: queued if it is known by now, otherwise ignored."""
    said = stored.read_said(one.body)
    if not isinstance(said, AgentWords):
        release(tx, one, None)
        return
    if one.channel is None:
        record_place(tx, one, said.channel, said.thread_ts)
    conversation_id, is_ours = lock_thread(tx, said.channel, said.thread_ts)
    if conversation_id is not None:
        _adopt(tx, context, one, conversation_id)
    elif not is_ours:
        release(tx, one, None)


def _adopt(tx: Tx, context: DeliveryContext, one: Held, conversation_id: int) -> None:
    said = stored.read_said(one.body)
    if isinstance(said, AgentWords):
        adopt(tx, one, conversation_id, agent_message(said, context.wording), context.reply_rules)
    else:
        release(tx, one, None)
