"""After a failed take: nobody knows what it took, and its lane must not block the others."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import and_, select, update

from relay.store.db.dialects import equals
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim
from relay.store.db.statements import given, one_of
from relay.store.db.tables import lanes, sends
from relay.store.queue.lanes import LANE, SENDS, lane_of
from relay.vocabulary import Lane, SendState


def put_aside(tx: Tx, claim: Claim, seconds: float) -> None:
    """Let a free lane wait for so many seconds, so that those behind it are taken."""
    nobody = and_(lane_of(claim), lanes.c.lease_owner.is_(None), lanes.c.due.is_not(None))
    tx.conn.execute(update(lanes).where(nobody).values(due=tx.now + seconds, delay=seconds))


def release_lost(
    tx: Tx, owner: str, *, working_on: Collection[tuple[tuple[int, Lane], int]], lost: Collection[float]
) -> int:
    """Free the lanes of this owner that it does not work on; returns how many.

    A commit whose answer was lost may have taken them, in a transaction whose `now` is one of `lost`: what it stored as
    sending was never called, so it may be called now. Anything else that is sending may have been called before.
    """
    mine = select(lanes.c.conversation_id, lanes.c.kind, lanes.c.token).where(lanes.c.lease_owner == owner)
    freed = 0
    for row in tx.conn.execute(mine.order_by(lanes.c.conversation_id, lanes.c.kind).with_for_update()).all():
        if ((row.conversation_id, Lane(row.kind)), row.token) not in working_on:
            lane = {"conversation_id": row.conversation_id, "kind": row.kind}
            tx.run(_NEVER_CALLED, **lane, times=list(lost))
            tx.run(_FREE, **lane, now=tx.now)
            freed += 1
    return freed


_NEVER_CALLED = (
    update(sends)
    .where(SENDS, equals(sends.c.state, SendState.SENDING), one_of(sends.c.started_at, "times"))
    .values(state=SendState.FROZEN.value, started_at=None)
)
_FREE = update(lanes).where(LANE).values(lease_owner=None, lease_until=None, due=given("now"), delay=0.0)
