"""How a lane is told that it has something to do.

Lock order: conversation, lanes.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import and_, case, func, or_, select

from relay.store.db.dialects import upsert_on
from relay.store.db.engine import Tx, given
from relay.store.db.tables import conversations, lanes
from relay.vocabulary import Lane


def lock(tx: Tx, conversation_id: int) -> None:
    """Hold a conversation: whoever touches two of its lanes does this first, or two workers wait for each other.

    key_share: a worker that stores a send holds its lane and refers to the conversation, which must not wait for us.
    """
    tx.run(_LOCK, conversation_id=conversation_id)


_LOCK = select(conversations.c.id).where(conversations.c.id == given("conversation_id"))
_LOCK = _LOCK.with_for_update(key_share=True)


def arm(tx: Tx, conversation_id: int, lane: Lane, wait: float) -> None:
    """Make a lane due in `wait` seconds, unless it is due already or waits for something else.

    A card is drawn as things are, so nothing that it waits for has to come first.
    """
    mine = {"conversation_id": conversation_id, "kind": lane.value}
    tx.run(_arm(postgres=tx.on_postgres), **mine, due=tx.now + wait, delay=wait, waiting_since=tx.now)


@cache
def _arm(*, postgres: bool) -> Any:
    columns = ("conversation_id", "kind", "due", "delay", "waiting_since")
    new = upsert_on(lanes, postgres=postgres).values(**{name: given(name) for name in columns})
    idle = or_(lanes.c.due.is_(None), and_(lanes.c.kind == Lane.CARD.value, lanes.c.due > new.excluded.due))
    return new.on_conflict_do_update(
        index_elements=["conversation_id", "kind"],
        set_={
            "due": case((idle, new.excluded.due), else_=lanes.c.due),
            "delay": case((idle, new.excluded.delay), else_=lanes.c.delay),
            "waiting_since": func.coalesce(lanes.c.waiting_since, new.excluded.waiting_since),
        },
    )


def arm_words(tx: Tx, conversation_id: int, *, mapped: bool, unclaimed: float) -> None:
    """A message has come: its lane is due now, unless its head is waiting out a retry or a look.

    A lane that was due already keeps its place in the queue. `unclaimed` is in how many seconds a new conversation
    that nobody has taken calls its channel.
    """
    due = tx.now if mapped else None
    mine = {"conversation_id": conversation_id, "due": due, "now": tx.now, "broadcast_from": tx.now + unclaimed}
    tx.run(_arm_words(postgres=tx.on_postgres), **mine)


@cache
def _arm_words(*, postgres: bool) -> Any:
    new = upsert_on(lanes, postgres=postgres).values(
        conversation_id=given("conversation_id"),
        kind=Lane.WORDS.value,
        due=given("due"),
        waiting_since=given("now"),
        broadcast_from=given("broadcast_from"),
    )
    stays = or_(
        and_(or_(lanes.c.attempts > 0, lanes.c.looking), lanes.c.due.is_not(None)), lanes.c.due <= new.excluded.due
    )
    return new.on_conflict_do_update(
        index_elements=["conversation_id", "kind"],
        set_={
            "due": case((stays, lanes.c.due), else_=new.excluded.due),
            "delay": case((stays, lanes.c.delay), else_=0.0),
            "waiting_since": func.coalesce(lanes.c.waiting_since, new.excluded.waiting_since),
        },
    )
