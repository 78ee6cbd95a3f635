"""Second copies of a send: requested, looked for again, and settled.

Lock order: lane.
"""

from __future__ import annotations

from sqlalchemy import and_, select, true, update

from relay.store.db.engine import Tx
from relay.store.db.rows import Claim, Send
from relay.store.db.tables import lanes as lane_rows
from relay.store.db.tables import sends
from relay.store.queue import lanes
from relay.store.queue.lanes import give_back, hold, lane_of
from relay.vocabulary import SendState


def report_late(tx: Tx, claim: Claim, send: Send, ts: str | None) -> None:
    """A call returned after its lane was taken over: whatever was decided meanwhile, look for a second copy.

    Without a `ts`, nobody knows whether it arrived, and it may arrive only now: that look comes a minute later. The
    only write without the token; it only requests a look.
    """
    tx.conn.execute(select(lane_rows.c.token).where(lane_of(claim)).with_for_update())
    wait, another = (lanes.LATE_COPY_LOOK, true()) if ts is None else (0.0, sends.c.ts != ts)
    row = tx.conn.execute(
        update(sends)
        .where(sends.c.id == send.id, sends.c.state == SendState.DELIVERED.value, another)
        .values(look_again_at=tx.now + wait)
        .returning(sends.c.id)
    ).one_or_none()
    if row is not None:
        resting = and_(lane_of(claim), lane_rows.c.due.is_(None))
        tx.conn.execute(update(lane_rows).where(resting).values(due=tx.now + wait, delay=wait))


def check_copies_later(tx: Tx, claim: Claim, send: Send, wait: float | None) -> None:
    """The look for a second copy failed: again in `wait` seconds, or never (None)."""
    hold(tx, claim)
    at = None if wait is None else tx.now + wait
    tx.conn.execute(update(sends).where(sends.c.id == send.id).values(look_again_at=at))
    give_back(tx, claim)


def one_copy_left(tx: Tx, claim: Claim, send: Send, ts: str) -> None:
    """The later copies are gone (or never existed): keep `ts` and stop looking."""
    hold(tx, claim)
    tx.conn.execute(update(sends).where(sends.c.id == send.id).values(ts=ts, look_again_at=None))
    give_back(tx, claim)
