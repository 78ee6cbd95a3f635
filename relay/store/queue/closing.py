"""How gates are closed, each for a reason and a time; only `relay.delivery.gates` does so.

Several gates are locked in the order of scope and name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, and_, case, select, update

from relay.owners import owner_of
from relay.store.db.dialects import ahead, equals, upsert
from relay.store.db.engine import Tx
from relay.store.db.tables import gates, sends
from relay.store.queue.gates import JITTER, Pace, gate_of_workspace, workspace_in
from relay.vocabulary import GateScope, Lane, Vendor

RECHECK = (20.0, 300.0)  # seconds between tries after an operator error: the first, and the longest
AWAY = (1.0, 60.0)  # the same while Slack does not answer
SLOWEST_GUESS = 30.0  # seconds to wait at most for a limit if the vendor does not say how long
WHEN_IT_OPENS = ("closed_until", "delay", "next_slot")


def lock(tx: Tx, which: Iterable[tuple[GateScope, str]]) -> None:
    """Lock several gates in order, including those that were never closed."""
    for scope, name in sorted(which):
        one = {"scope": scope.value, "name": name}
        tx.conn.execute(upsert(tx, gates).values(**one, **_of_slack(scope, name)).on_conflict_do_nothing())
        tx.conn.execute(select(gates.c.name).filter_by(**one).with_for_update())


def close_for_rate_limit(
    tx: Tx, scope: GateScope, name: str, seconds: float | None, *, vendor: Vendor, pace: Pace, code: str
) -> float:
    """Keep to a vendor's rate limit, and use up a channel's burst; returns for how many seconds.

    `seconds` is what the vendor asked for; None (it said nothing, or junk) grows from 1 to 30 with each refusal.
    """
    if seconds is None:
        seconds = float(min(SLOWEST_GUESS, 2 ** min(_strikes(tx, scope, name), 10)))
    seconds = max(seconds, pace.interval / JITTER)
    until = tx.now + seconds
    values = {
        "cause": f"rate limited: {vendor} asked for {seconds:g} s",
        "code": code,
        "refused_at": tx.now,
        "next_slot": until + pace.ahead if scope is GateScope.CHANNEL else 0.0,
    }
    _shut(tx, scope, name, seconds, values)
    return seconds


def close_for_operator(
    tx: Tx, scope: GateScope, name: str, *, cause: str, code: str, recheck: tuple[float, float] | None = None
) -> float:
    """Close a gate until a person has acted; returns the seconds until the relay tries again by itself."""
    seconds = _growing(tx, scope, name, recheck or RECHECK)
    _shut(tx, scope, name, seconds, {"cause": cause, "code": code, "operator": True})
    return seconds


def close_for_vendor(tx: Tx, workspace: str, cause: str, code: str) -> float:
    """Slack is down: everything for this workspace waits; returns the seconds until it is tried again."""
    name = gate_of_workspace(workspace)
    seconds = _growing(tx, GateScope.WORKSPACE, name, AWAY)
    _shut(tx, GateScope.WORKSPACE, name, seconds, {"cause": cause, "code": code})
    return seconds


def close_for_failure(
    tx: Tx, scope: GateScope, name: str, seconds: float, *, cause: str, operator: bool = False
) -> None:
    """Close a gate other than a channel's for a while."""
    _shut(tx, scope, name, seconds, {"cause": cause, "operator": operator})


def open_closed_for(tx: Tx, code: str) -> None:
    """Open the gates that were closed for this."""
    opened = {"closed_until": None, "cause": "", "code": "", "operator": False, "strikes": 0, "alerted": False}
    found = select(gates.c.scope, gates.c.name).where(gates.c.code == code).order_by(gates.c.scope, gates.c.name)
    for row in tx.conn.execute(found.with_for_update()).all():
        tx.conn.execute(update(gates).where(gates.c.scope == row.scope, gates.c.name == row.name).values(**opened))


def count_limited(tx: Tx, within: float, owner: str) -> int:
    """How many channels of a workspace exceeded their limit within so many seconds."""
    return _count(tx, owner, equals(gates.c.scope, GateScope.CHANNEL), gates.c.refused_at > tx.now - within)


def count_closed(tx: Tx, scope: GateScope, code: str, owner: str) -> int:
    """How many gates of this scope, in one account or workspace, this operator error keeps closed."""
    shut_now = ahead(tx, gates.c.closed_until, gates.c.delay)
    return _count(tx, owner, equals(gates.c.scope, scope), gates.c.operator, gates.c.code == code, shut_now)


def posted_within(tx: Tx, seconds: float, workspace: str) -> bool:
    """True if something was posted to a workspace recently."""
    words = and_(sends.c.ts.is_not(None), equals(sends.c.lane, Lane.WORDS))
    lately = and_(words, sends.c.created_at > tx.now - seconds)
    # Not DISTINCT: for that SQLite would go through all channels' posts in the order of another index.
    channels = tx.conn.execute(select(sends.c.channel).where(lately)).scalars()
    return any(owner_of(channel) == workspace for channel in channels)


def count_undocumented(tx: Tx, channel: str, code: str) -> int:
    """Count another message in this channel refused with an undocumented code; returns how many in a row."""
    same = case((gates.c.refusal_code == code, gates.c.refusals + 1), else_=1)
    one = {"scope": GateScope.CHANNEL.value, "name": channel, **_of_slack(GateScope.CHANNEL, channel)}
    new = upsert(tx, gates).values(**one, refusals=1, refusal_code=code)
    counted = new.on_conflict_do_update(
        index_elements=["scope", "name"], set_={"refusals": same, "refusal_code": code}
    ).returning(gates.c.refusals)
    return int(tx.conn.execute(counted).scalar_one())


def _count(tx: Tx, owner: str, *which: ColumnElement[bool]) -> int:
    return sum(owner_of(name) == owner for name in tx.conn.execute(select(gates.c.name).where(*which)).scalars())


def _of_slack(scope: GateScope, name: str) -> dict[str, str]:
    return {"workspace": workspace_in(scope, name)}


def _growing(tx: Tx, scope: GateScope, name: str, recheck: tuple[float, float]) -> float:
    first, slowest = recheck
    return float(min(slowest, first * 2 ** min(_strikes(tx, scope, name), 10)))


def _strikes(tx: Tx, scope: GateScope, name: str) -> int:
    """How often in a row this gate was closed before; refusals of concurrent calls count as one."""
    shut_now = ahead(tx, gates.c.closed_until, gates.c.delay)
    before = case((shut_now & (gates.c.strikes > 0), gates.c.strikes - 1), else_=gates.c.strikes)
    found = select(before).where(gates.c.scope == scope.value, gates.c.name == name)
    return tx.conn.execute(found).scalar_one_or_none() or 0


def _shut(tx: Tx, scope: GateScope, name: str, seconds: float, reason: dict[str, Any]) -> None:
    """Record it; a gate that is closed already never opens earlier because of it."""
    values = {"closed_until": tx.now + seconds, "delay": seconds, **reason}
    shut_now = ahead(tx, gates.c.closed_until, gates.c.delay)
    longer = and_(shut_now, gates.c.closed_until > values["closed_until"])
    kept = {one: case((longer, gates.c[one]), else_=values[one]) for one in WHEN_IT_OPENS if one in values}
    new = upsert(tx, gates).values(scope=scope.value, name=name, strikes=1, **values, **_of_slack(scope, name))
    again = {**values, **kept, "strikes": case((shut_now, gates.c.strikes), else_=gates.c.strikes + 1)}
    tx.conn.execute(new.on_conflict_do_update(index_elements=["scope", "name"], set_=again))
