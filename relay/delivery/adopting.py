"""Agents' messages and clicks that arrived before their thread was known, taken in once it is."""

from __future__ import annotations

from relay.delivery import stored
from relay.delivery.context import DeliveryContext
from relay.slack.events import AgentWords, Click
from relay.slack.parse import agent_message
from relay.store.db.engine import Tx
from relay.store.db.rows import Conversation
from relay.store.intake.clicks import adopt_click
from relay.store.intake.recording import Held, held_in, lock_thread, record_place, release
from relay.store.intake.replies import adopt


def adopt_held(tx: Tx, context: DeliveryContext, place: Conversation, ts: str) -> None:
    """Queue what waits for the thread that begins at `ts`; its conversation is locked."""
    for one in held_in(tx, place.channel_id or "", ts):
        _adopt(tx, context, one, place.id)


def settle_held(tx: Tx, context: DeliveryContext, one: Held) -> None:
    """What is held while its thread may never be known: queued if it is known by now, otherwise ignored."""
    match _read(one):
        case AgentWords(channel=channel, thread_ts=ts) | Click(channel=channel, message_ts=ts):
            if one.channel is None:
                record_place(tx, one, channel, ts)
            conversation_id, is_ours = lock_thread(tx, channel, ts)
            if conversation_id is not None:
                _adopt(tx, context, one, conversation_id)
            elif not is_ours:
                release(tx, one, None)
        case _:
            release(tx, one, None)


def _adopt(tx: Tx, context: DeliveryContext, one: Held, conversation_id: int) -> None:
    match _read(one):
        case AgentWords() as said:
            adopt(tx, one, conversation_id, agent_message(said, context.wording), context.reply_rules)
        case Click() as click:
            adopt_click(tx, one, conversation_id, at=float(click.action_ts))
        case _:
            release(tx, one, None)


def _read(one: Held) -> stored.Said | Click | None:
    return stored.read_said(one.body) or stored.read_click(one.body, one.key)
