"""What may not be called before when, and why: shared by all processes through the store.

A gate is closed for a while (rate limit, operator error), and a channel's gate also keeps the pace: `next_slot`
is when the next post would be due at an even rate (the generic cell rate algorithm); a burst may run ahead of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select, update

from relay.store.db.dialects import BOUND, Moment, ahead, among, upsert, upsert_on
from relay.store.db.engine import Tx, given
from relay.store.db.tables import gates

WORKSPACE = "slack"
JITTER = 1.05  # the even rate is kept this much below the limit; on the limit half of the calls came too early
CAUTIOUS = 600.0  # seconds after a refusal in which a channel gets no burst and a slower rate
CAUTION = 1.2  # that much slower
CROWD = 3  # this many channels refused within CROWD_SECONDS: the workspace as a whole is over its limit
CROWD_SECONDS = 10.0
SLOWEST_GUESS = 30.0  # seconds to wait at most when Slack does not say how long
LOOKING = ("auth.test", "conversations.history", "conversations.replies", "chat.delete")
MARKING = ("reactions.add", "reactions.remove", "chat.update")
WHEN_IT_OPENS = ("closed_until", "delay", "next_slot")
RECHECK = (20.0, 300.0)  # seconds between looks at an operator error: the first, and the slowest

_ONE = and_(gates.c.scope == given("scope"), gates.c.name == given("name"))


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a channel takes posts: `interval` seconds between them, `burst` of them at once after a rest."""

    interval: float = 1.0
    burst: int = 3

    @classmethod
    def of(cls, posts_per_second: float, burst: int) -> Pace:
        """The pace that keeps to a limit as Slack measures it: calls that leave evenly do not arrive evenly."""
        return cls(JITTER / posts_per_second, burst)

    @property
    def ahead(self) -> float:
        """How far, in seconds, a burst may run ahead of the even rate."""
        return (self.burst - 1) * self.interval

    def opens_at(self, moment: Moment) -> ColumnElement[Any]:
        """When a closed gate lets the next post through."""
        slot = gates.c.next_slot - self.ahead
        until = func.coalesce(gates.c.closed_until, 0.0)
        shut = ahead(moment, gates.c.closed_until, gates.c.delay)
        return case((and_(shut, until > slot), until), else_=slot)


def closed(moment: Moment, pace: Pace) -> ColumnElement[bool]:
    """True for a gate that lets nothing through now, because it is shut or has no slot left."""
    return or_(ahead(moment, gates.c.closed_until, gates.c.delay), _no_slot(moment, pace))


def _no_slot(moment: Moment, pace: Pace) -> ColumnElement[bool]:
    limit = moment.now + pace.ahead
    believable = gates.c.next_slot <= limit + pace.interval + gates.c.delay  # else the clock has jumped back
    return and_(gates.c.next_slot > limit, believable)


def gates_for_post(channel: ColumnElement[Any] | str) -> ColumnElement[bool]:
    """True for the gates that a post to `channel` has to pass."""
    return or_(
        gates.c.scope == "workspace",
        and_(gates.c.scope == "method", gates.c.name == "chat.postMessage"),
        and_(gates.c.scope == "channel", gates.c.name == channel),
    )


def gates_for_look() -> ColumnElement[bool]:
    """True for the gates that a look, and what it leads to, has to pass."""
    return or_(gates.c.scope == "workspace", and_(gates.c.scope == "method", among(gates.c.name, LOOKING)))


def gates_for_reply(account: ColumnElement[Any] | str) -> ColumnElement[bool]:
    """True for the gates that a reply to Kommunicate has to pass; nothing of Slack's is among them."""
    return and_(gates.c.scope == "account", gates.c.name == account)


def gates_for_mark() -> ColumnElement[bool]:
    """True for the gates that a mark or a card has to pass; they keep no channel's pace and take no slot of it."""
    return or_(gates.c.scope == "workspace", and_(gates.c.scope == "method", among(gates.c.name, MARKING)))


def take_slot(tx: Tx, channel: str, pace: Pace) -> float | None:
    """Take the channel's next slot: None when taken, else the seconds to wait for one."""
    if _takes_slot(tx, channel, pace):
        return None
    wait = _seconds_closed(tx, _opens("post", pace), name=channel)
    if wait is not None:
        return wait
    tx.run(_known_channel(postgres=tx.on_postgres), name=channel)  # its first post, or its gate has opened just now
    return None if _takes_slot(tx, channel, pace) else _seconds_closed(tx, _opens("post", pace), name=channel) or 0.0


def _takes_slot(tx: Tx, channel: str, pace: Pace) -> bool:
    return tx.run(_take_slot(pace), now=tx.now, name=channel).one_or_none() is not None


@cache
def _known_channel(*, postgres: bool) -> Any:
    return upsert_on(gates, postgres=postgres).values(scope="channel", name=given("name")).on_conflict_do_nothing()


@cache
def _take_slot(pace: Pace) -> Any:
    """Moves the next slot of a channel, where all gates that a post has to pass let it through."""
    now = BOUND.now
    shut = select(gates.c.name).where(gates_for_post(given("name")), closed(BOUND, pace)).correlate(None)
    believable = gates.c.next_slot <= now + pace.ahead + pace.interval + gates.c.delay
    start = case((and_(gates.c.next_slot > now, believable), gates.c.next_slot), else_=now)
    refused_before = and_(gates.c.refused_at > now - CAUTIOUS, gates.c.refused_at <= now)
    # No burst: a channel that refused one lately is taken at its word, with room for calls that arrive unevenly.
    cautious = now + pace.ahead + CAUTION * pace.interval
    return (
        update(gates)
        .where(gates.c.scope == "channel", gates.c.name == given("name"))
        # The last also for this gate alone: on PostgreSQL only that is asked again after waiting for another's change.
        .where(~exists(shut), ~closed(BOUND, pace))
        .values(next_slot=case((refused_before, cautious), else_=start + pace.interval))
        .returning(gates.c.next_slot)
    )


def seconds_closed(tx: Tx, scope: str, name: str) -> float | None:
    """Seconds until a gate opens that a limit, a failure or an operator error has shut; None while it is open."""
    return _seconds_closed(tx, _opens("one", Pace()), scope=scope, name=name)


def are_looks_blocked(tx: Tx) -> bool:
    """True while nothing may be looked for."""
    return _seconds_closed(tx, _opens("look", Pace())) is not None


def _seconds_closed(tx: Tx, opens: Select[Any], **which: str) -> float | None:
    at = tx.run(opens, now=tx.now, **which).scalar_one()
    return None if at is None else max(0.0, at - tx.now)


@cache
def _opens(which: str, pace: Pace) -> Select[Any]:
    """When the last of those gates opens."""
    gates_of = {"one": _ONE, "post": gates_for_post(given("name")), "look": gates_for_look()}[which]
    return select(func.max(pace.opens_at(BOUND))).where(gates_of, closed(BOUND, pace))


def close_for_rate_limit(tx: Tx, scope: str, name: str, seconds: float | None, *, pace: Pace, code: str) -> float:
    """Shut a gate after a rate limit, and with it use up the channel's burst; returns for how many seconds.

    `seconds` is what the vendor asked for; None (it said nothing, or junk) grows from 1 to 30 with each refusal.
    """
    if seconds is None:
        seconds = float(min(SLOWEST_GUESS, 2 ** min(_strikes(tx, scope, name), 10)))
    seconds = max(seconds, pace.interval / JITTER)
    until = tx.now + seconds
    values = {
        "closed_until": until,
        "delay": seconds,
        "cause": f"rate limited: Slack asked for {seconds:g} s",
        "code": code,
        "refused_at": tx.now,
        "next_slot": until + pace.ahead if scope == "channel" else 0.0,
    }
    _write(tx, scope, name, values)
    if scope == "channel" and _refused_lately(tx) >= CROWD:
        _write(tx, "method", "chat.postMessage", {**values, "next_slot": 0.0})
    return seconds


def close_for_operator(tx: Tx, scope: str, name: str, *, cause: str, code: str) -> float:
    """Shut a gate until a person has acted; returns the seconds until the relay looks again by itself."""
    first, slowest = RECHECK
    seconds = float(min(slowest, first * 2 ** min(_strikes(tx, scope, name), 10)))
    values = {
        "closed_until": tx.now + seconds,
        "delay": seconds,
        "cause": cause,
        "code": code,
        "operator": True,
    }
    _write(tx, scope, name, values)
    return seconds


def reopen(tx: Tx, channel: str) -> None:
    """A post got through: forget why the gates it passed had been shut, keep the pace.

    A gate shut meanwhile by another worker's refusal stays shut: this call set out before.
    """
    tx.run(_FORGET_POST, now=tx.now, name=channel)


def forget(tx: Tx, scope: str, name: str) -> None:
    """The same for one gate alone."""
    tx.run(_FORGET_ONE, now=tx.now, scope=scope, name=name)


_FORGET = (
    update(gates)
    .where(gates.c.strikes > 0, ~ahead(BOUND, gates.c.closed_until, gates.c.delay))
    .values(closed_until=None, cause="", code="", operator=False, strikes=0, alerted=False)
)
_FORGET_ONE = _FORGET.where(_ONE)
_FORGET_POST = _FORGET.where(gates_for_post(given("name")))


def close_for_failure(tx: Tx, scope: str, name: str, seconds: float, cause: str) -> None:
    """Shut a gate that is no channel's, for a while."""
    _write(tx, scope, name, {"closed_until": tx.now + seconds, "delay": seconds, "cause": cause})


def _strikes(tx: Tx, scope: str, name: str) -> int:
    """How often in a row this gate was shut before; refusals of calls that set out together count as one."""
    shut_now = ahead(tx, gates.c.closed_until, gates.c.delay)
    before = case((shut_now & (gates.c.strikes > 0), gates.c.strikes - 1), else_=gates.c.strikes)
    found = select(before).where(gates.c.scope == scope, gates.c.name == name)
    return tx.conn.execute(found).scalar_one_or_none() or 0


def _refused_lately(tx: Tx) -> int:
    recent = and_(gates.c.scope == "channel", gates.c.refused_at > tx.now - CROWD_SECONDS)
    return int(tx.conn.execute(select(func.count()).select_from(gates).where(recent)).scalar_one())


def _write(tx: Tx, scope: str, name: str, values: dict[str, Any]) -> None:
    """Shut a gate; one that is shut already never opens earlier for it."""
    shut_now = ahead(tx, gates.c.closed_until, gates.c.delay)
    longer = and_(shut_now, gates.c.closed_until > values["closed_until"])
    kept = {one: case((longer, gates.c[one]), else_=values[one]) for one in WHEN_IT_OPENS if one in values}
    new = upsert(tx, gates).values(scope=scope, name=name, strikes=1, **values)
    again = {**values, **kept, "strikes": case((shut_now, gates.c.strikes), else_=gates.c.strikes + 1)}
    tx.conn.execute(new.on_conflict_do_update(index_elements=["scope", "name"], set_=again))
