"""Which lanes can be claimed, and when: a look that locks nothing and costs little, for a worker with nothing to do."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Select, and_, exists, func, or_, select

from relay.store.engine import Tx
from relay.store.gates import Pace, closed, holds_look, holds_post
from relay.store.sql import WHEN_RUN, Moment, ahead, past
from relay.store.tables import conversations, gates, lanes

LEASE_OWNERS = select(lanes.c.lease_owner).where(lanes.c.lease_owner.is_not(None)).distinct()


@dataclass(frozen=True, slots=True)
class Outlook:
    """Whether a claim is worth a try now, whether somebody holds a lease, and how many seconds to wait.

    `wait` is when a lane may become claimable by time alone; None when only news can change anything.
    """

    ready: bool
    leased: bool
    wait: float | None


def outlook(tx: Tx, *, lease: float, pace: Pace) -> Outlook:
    """Look once at all lanes and gates; `lease` is in seconds."""
    row = tx.conn.execute(_outlook(lease, pace), {WHEN_RUN.now.key: tx.now}).one()
    times = [at for at in (row.lane_due, row.lease_end, row.gate_opens) if at is not None]
    return Outlook(bool(row.ready), row.lease_end is not None, max(0.0, min(times) - tx.now) if times else None)


def lease_owners(tx: Tx) -> set[str]:
    """Whoever holds a lease now."""
    return set(tx.conn.execute(LEASE_OWNERS).scalars())


def claimable(moment: Moment, lease: float, pace: Pace, dead: Collection[str]) -> Select[Any]:
    """The lanes that are due, free and not held back by a gate."""
    free = or_(lanes.c.lease_until.is_(None), past(moment, lanes.c.lease_until, lease), lanes.c.lease_owner.in_(dead))
    return (
        select(lanes.c.conversation_id, lanes.c.kind)
        .join(conversations, conversations.c.id == lanes.c.conversation_id)
        .where(past(moment, lanes.c.due, lanes.c.delay), free, ~_held_back(moment, pace))
    )


def _held_back(moment: Moment, pace: Pace) -> Any:
    """A gate that stops this lane, be it a look or a post that comes next."""
    place = func.coalesce(conversations.c.channel_id, conversations.c.channel)
    concerns = or_(and_(lanes.c.looking, holds_look()), and_(~lanes.c.looking, holds_post(place)))
    return exists(select(gates.c.name).where(concerns, closed(moment, pace)).correlate(lanes, conversations))


@cache
def _outlook(lease: float, pace: Pace) -> Select[Any]:
    """Built once: building it takes longer than running it, and an idle worker runs it for ever."""
    now = WHEN_RUN
    lane_due = select(func.min(lanes.c.due)).where(ahead(now, lanes.c.due, lanes.c.delay))
    lease_end = select(func.min(lanes.c.lease_until)).where(lanes.c.due.is_not(None), lanes.c.lease_until > now.now)
    gate_opens = select(func.min(pace.opens_at(now))).where(closed(now, pace))
    return select(
        exists(claimable(now, lease, pace, dead=())).label("ready"),
        lane_due.scalar_subquery().label("lane_due"),
        lease_end.scalar_subquery().label("lease_end"),
        gate_opens.scalar_subquery().label("gate_opens"),
    )
