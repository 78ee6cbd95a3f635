"""How an agent's message is meant in its conversation: the settings and the people there add to what the text says."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select

from relay.messages import Mode, Reading, ReplyRules
from relay.store.conversations.people import is_colleague
from relay.store.db.engine import Tx
from relay.store.db.tables import conversations

UNMARKED = "`replies.mode` sends only what begins with >>"
SWITCHED_OFF = "`replies.mode` is none"
COLLEAGUE = "it speaks to a colleague"


def judge(tx: Tx, conversation_id: int, reading: Reading, rules: ReplyRules) -> Reading:
    """How a message is meant here: the mode may keep it internal, and it may address a colleague."""
    here = tx.conn.execute(select(conversations).where(conversations.c.id == conversation_id)).one()
    mode = rules.mode_of(here.rule)
    if mode is Mode.NONE:
        return Reading(SWITCHED_OFF)
    if mode is Mode.MARKED:
        return reading if reading.is_marked else Reading(reading.note or UNMARKED)
    if reading.called and not reading.asks and is_colleague(tx, here.account, reading.called, here.opener_sender):
        return replace(reading, asks=COLLEAGUE)
    return reading
