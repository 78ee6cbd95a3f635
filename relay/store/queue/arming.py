"""The lanes by name, and how one is told that it has something to do.

Lock order: conversation, lanes.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import case, func, select

from relay.store.db.dialects import upsert_on
from relay.store.db.engine import Tx, given
from relay.store.db.tables import conversations, lanes

WORDS, REPLIES, CARD = "words", "replies", "card"


def lock(tx: Tx, conversation_id: int) -> None:
    """Hold a conversation: whoever touches two of its lanes does this first, or two workers wait for each other.

    key_share: a worker that freezes holds its lane and refers to the conversation, which must not wait for us.
    """
    tx.run(_LOCK, of=conversation_id)


_LOCK = select(conversations.c.id).where(conversations.c.id == given("of")).with_for_update(key_share=True)


def arm(tx: Tx, conversation_id: int, kind: str, wait: float) -> None:
    """Make a lane due in `wait` seconds, unless it is due already or waits for something else."""
    lane = {"conversation_id": conversation_id, "kind": kind}
    tx.run(_arm(postgres=tx.on_postgres), **lane, due=tx.now + wait, delay=wait, waiting_since=tx.now)


@cache
def _arm(*, postgres: bool) -> Any:
    columns = ("conversation_id", "kind", "due", "delay", "waiting_since")
    new = upsert_on(lanes, postgres=postgres).values(**{name: given(name) for name in columns})
    idle = lanes.c.due.is_(None)
    return new.on_conflict_do_update(
        index_elements=["conversation_id", "kind"],
        set_={
            "due": case((idle, new.excluded.due), else_=lanes.c.due),
            "delay": case((idle, new.excluded.delay), else_=lanes.c.delay),
            "waiting_since": func.coalesce(lanes.c.waiting_since, new.excluded.waiting_since),
        },
    )
