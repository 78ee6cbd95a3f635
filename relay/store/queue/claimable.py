"""Which lanes can be claimed, and when: a look that locks nothing and costs little, for a worker with nothing to do."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, ScalarSelect, Select, TextClause, and_, exists, func, or_, select

from relay.store.db.dialects import WHEN_RUN, Moment, ahead, past, written_out
from relay.store.db.engine import Tx
from relay.store.db.tables import conversations, gates, lanes
from relay.store.queue.gates import Pace, closed, gates_for_look, gates_for_mark, gates_for_post, gates_for_reply

LEASE_OWNERS = select(lanes.c.lease_owner).where(lanes.c.lease_owner.is_not(None)).distinct()


@dataclass(frozen=True, slots=True)
class Claimable:
    """Whether a claim is worth a try now, whether somebody holds a lease, and how many seconds to wait.

    `wait` is when a lane may become claimable by time alone; None when only news can change anything.
    """

    ready: bool
    leased: bool
    wait: float | None


def check_claimable(tx: Tx, *, lease: float, pace: Pace) -> Claimable:
    """Look once at all lanes and gates; `lease` is in seconds."""
    row = tx.conn.execute(_check_claimable(lease, pace, for_postgres=tx.on_postgres), {"now": tx.now}).one()
    times = [at for at in (row.lane_due, row.lease_end, row.gate_opens) if at is not None]
    return Claimable(bool(row.ready), row.lease_end is not None, max(0.0, min(times) - tx.now) if times else None)


def lease_owners(tx: Tx) -> set[str]:
    """Whoever holds a lease now."""
    return set(tx.conn.execute(LEASE_OWNERS).scalars())


def claimable(moment: Moment, lease: float, pace: Pace, dead: Collection[str] | BindParameter[Any]) -> Select[Any]:
    """The lanes that are due, free and not held back by a gate."""
    free = or_(lanes.c.lease_until.is_(None), past(moment, lanes.c.lease_until, lease), lanes.c.lease_owner.in_(dead))
    return (
        select(lanes.c.conversation_id, lanes.c.kind)
        .join(conversations, conversations.c.id == lanes.c.conversation_id)
        .where(past(moment, lanes.c.due, lanes.c.delay), free, ~_held_back(moment, pace))
    )


def _held_back(moment: Moment, pace: Pace) -> Any:
    """A gate that stops what comes next in this lane: a look, a post, a reply or a mark."""
    place = func.coalesce(conversations.c.channel_id, conversations.c.channel)
    concerns = or_(
        and_(lanes.c.kind == "words", lanes.c.looking, gates_for_look()),
        and_(lanes.c.kind == "words", ~lanes.c.looking, gates_for_post(place)),
        and_(lanes.c.kind == "replies", gates_for_reply(conversations.c.account)),
        and_(lanes.c.kind == "card", gates_for_mark()),
    )
    return exists(select(gates.c.name).where(concerns, closed(moment, pace)).correlate(lanes, conversations))


@cache
def _check_claimable(lease: float, pace: Pace, *, for_postgres: bool) -> TextClause:
    """The statement of `check_claimable`: an idle worker runs it for ever, so it is made once."""
    moment = WHEN_RUN
    leased = and_(lanes.c.due.is_not(None), lanes.c.lease_until > moment.now)
    statement = select(
        exists(claimable(moment, lease, pace, dead=())).label("ready"),
        _first(lanes.c.due, ahead(moment, lanes.c.due, lanes.c.delay)).label("lane_due"),
        _first(lanes.c.lease_until, leased).label("lease_end"),
        _first(pace.opens_at(moment), closed(moment, pace)).label("gate_opens"),
    )
    return written_out(statement, for_postgres=for_postgres)


def _first(time: ColumnElement[Any], where: ColumnElement[bool]) -> ScalarSelect[Any]:
    return select(func.min(time)).where(where).scalar_subquery()
