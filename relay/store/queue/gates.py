"""What may not be called before when, and why: shared by all processes through the store.

A gate is closed for a while (rate limit, a failure, an operator error). A channel's gate also keeps the pace:
`next_slot` is when the next post would be due at an even rate (the generic cell rate algorithm); a burst may run ahead
of it. `closing` closes gates.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, literal_column, or_, select, update

from relay.owners import owner_of
from relay.store.db.dialects import BOUND, Moment, ahead, among, equals, upsert_on
from relay.store.db.engine import Tx
from relay.store.db.statements import given
from relay.store.db.tables import gates
from relay.vocabulary import OF_SLACK, GateScope

WORKSPACE = "slack"  # the name of the first workspace's gate
JITTER = 1.05  # the even rate stays this much below the limit; at the limit, half of the calls arrived too early
CAUTIOUS = 600.0  # seconds after a refusal in which a channel gets no burst and a slower rate
CAUTION = 1.2  # this much slower
LOCKED = 0.02  # seconds to wait for a gate that another worker is changing

# Slack's name for the method of a gate: the gate's name has the workspace in front.
_OWN = func.substr(gates.c.name, func.length(gates.c.workspace) + literal_column("2"))
_METHOD = case((gates.c.workspace == literal_column("''"), gates.c.name), else_=_OWN)
_ONE = and_(gates.c.scope == given("scope"), gates.c.name == given("name"))


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a channel accepts posts: `interval` seconds between them, `burst` of them at once after a pause."""

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


@dataclass(frozen=True, slots=True)
class Limits:
    """The pace of a channel, and the methods whose gates hold back posts, looks, marks and files."""

    pace: Pace
    posting: tuple[str, ...]
    looking: tuple[str, ...]
    marking: tuple[str, ...]
    sharing: tuple[str, ...] = ()


def closed(moment: Moment, pace: Pace) -> ColumnElement[bool]:
    """True for a gate that lets nothing through now, because it is closed or has no slot left."""
    return or_(ahead(moment, gates.c.closed_until, gates.c.delay), _no_slot(moment, pace))


def _no_slot(moment: Moment, pace: Pace) -> ColumnElement[bool]:
    limit = moment.now + pace.ahead
    believable = gates.c.next_slot <= limit + pace.interval + gates.c.delay  # otherwise the clock has jumped back
    return and_(gates.c.next_slot > limit, believable)


def gate_of_workspace(workspace: str) -> str:
    """The name of a workspace's own gate."""
    return workspace or WORKSPACE


def workspace_in(scope: GateScope, name: str) -> str:
    """The workspace of a gate; "" for the first one, and for gates that belong to no workspace."""
    if scope is GateScope.WORKSPACE:
        return "" if name == WORKSPACE else name
    return owner_of(name) if scope in OF_SLACK else ""


def gates_for_post(
    limits: Limits, channel: ColumnElement[Any] | str, workspace: ColumnElement[Any] | str
) -> ColumnElement[bool]:
    """True for the gates that a post to `channel` must pass."""
    return or_(and_(of_slack(limits.posting), gates.c.workspace == workspace), _is(GateScope.CHANNEL, channel))


def gates_for_look(limits: Limits) -> ColumnElement[bool]:
    """True for the gates that a look, and what follows from it, must pass."""
    return of_slack(limits.looking)


def gates_for_mark(limits: Limits) -> ColumnElement[bool]:
    """True for the gates that a mark or a card must pass; these keep no channel's pace and take no slot."""
    return of_slack(limits.marking)


def gates_for_reply(account: ColumnElement[Any] | str) -> ColumnElement[bool]:
    """True for the gates that calls to Kommunicate must pass; none of Slack's."""
    return _is(GateScope.ACCOUNT, account)


def of_slack(methods: tuple[str, ...]) -> ColumnElement[bool]:
    """True for the gates of all workspaces, and of these methods there."""
    return or_(of(GateScope.WORKSPACE), and_(of(GateScope.METHOD), among(_METHOD, methods)))


def _is(scope: GateScope, name: ColumnElement[Any] | str) -> ColumnElement[bool]:
    return and_(of(scope), gates.c.name == name)


def of(scope: GateScope) -> ColumnElement[bool]:
    """True for the gates of this kind."""
    return equals(gates.c.scope, scope)


def take_slot(tx: Tx, channel: str, limits: Limits) -> float | None:
    """Take the channel's next slot: None if taken, otherwise the seconds to wait for one.

    Waits for no lock, except for the very first slot.
    """
    if _takes_slot(tx, channel, limits):
        return None
    wait = seconds_for_post(tx, channel, limits)
    if wait is not None:
        return wait
    if tx.run(_ONE_GATE, scope=GateScope.CHANNEL.value, name=channel).one_or_none() is None:
        tx.run(_first_gate(postgres=tx.on_postgres), name=channel, workspace=owner_of(channel))
    return None if _takes_slot(tx, channel, limits) else LOCKED


def _takes_slot(tx: Tx, channel: str, limits: Limits) -> bool:
    row = tx.run(_take_slot(limits), now=tx.now, name=channel, workspace=owner_of(channel)).one_or_none()
    return row is not None


_ONE_GATE = select(gates.c.name).where(_ONE)


@cache
def _first_gate(*, postgres: bool) -> Any:
    one = {"scope": GateScope.CHANNEL.value, "name": given("name"), "workspace": given("workspace")}
    new = upsert_on(gates, postgres=postgres).values(**one)
    return new.on_conflict_do_nothing()


@cache
def _take_slot(limits: Limits) -> Any:
    """Advances a channel's next slot, if all gates that a post must pass let it through.

    A gate locked by somebody else has no slot right now: a suspended process may hold it for long.
    """
    pace, now = limits.pace, BOUND.now
    passed = gates_for_post(limits, given("name"), given("workspace"))
    shut = select(gates.c.name).where(passed, closed(BOUND, pace)).correlate(None)
    mine = _is(GateScope.CHANNEL, given("name"))
    free = select(gates.c.name).where(mine, ~closed(BOUND, pace)).with_for_update(skip_locked=True).correlate(None)
    believable = gates.c.next_slot <= now + pace.ahead + pace.interval + gates.c.delay
    start = case((and_(gates.c.next_slot > now, believable), gates.c.next_slot), else_=now)
    refused_before = and_(gates.c.refused_at > now - CAUTIOUS, gates.c.refused_at <= now)
    # No burst: a channel that recently refused one is believed, with room for calls that arrive unevenly.
    cautious = now + pace.ahead + CAUTION * pace.interval
    return (
        update(gates)
        .where(of(GateScope.CHANNEL), gates.c.name.in_(free), ~exists(shut))
        .values(next_slot=case((refused_before, cautious), else_=start + pace.interval))
        .returning(gates.c.next_slot)
    )


def seconds_closed(tx: Tx, scope: GateScope, name: str) -> float | None:
    """Seconds until a gate opens that a limit, a failure or an operator error has closed; None while it is open."""
    return _seconds(tx, _opens_one(), scope=scope, name=name)


def seconds_for_file(tx: Tx, channel: str, limits: Limits, *, workspace: str) -> float | None:
    """Seconds until a file may be uploaded to `channel`; None if it may now. It takes no slot."""
    return _seconds(tx, _opens_for_file(limits), name=channel, workspace=workspace)


def seconds_for_post(tx: Tx, channel: str, limits: Limits) -> float | None:
    """Seconds until a post to `channel` may be sent; None if it may now."""
    return _seconds(tx, _opens_for_post(limits), name=channel, workspace=owner_of(channel))


def are_looks_blocked(tx: Tx, limits: Limits, *, workspace: str) -> bool:
    """True while no looks are allowed in a workspace."""
    return _seconds(tx, _opens_for_look(limits), workspace=workspace) is not None


def _seconds(tx: Tx, opens: Select[Any], **which: str) -> float | None:
    at = tx.run(opens, now=tx.now, **which).scalar_one()
    return None if at is None else max(0.0, at - tx.now)


@cache
def _opens_one() -> Select[Any]:
    return _opens(_ONE, Pace())


@cache
def _opens_for_post(limits: Limits) -> Select[Any]:
    return _opens(gates_for_post(limits, given("name"), given("workspace")), limits.pace)


@cache
def _opens_for_file(limits: Limits) -> Select[Any]:
    here = and_(of_slack((*limits.sharing, *limits.looking)), gates.c.workspace == given("workspace"))
    which = or_(here, _is(GateScope.CHANNEL, given("name")))
    return select(func.max(gates.c.closed_until)).where(which, ahead(BOUND, gates.c.closed_until, gates.c.delay))


@cache
def _opens_for_look(limits: Limits) -> Select[Any]:
    return _opens(and_(gates_for_look(limits), gates.c.workspace == given("workspace")), limits.pace)


def _opens(which: ColumnElement[bool], pace: Pace) -> Select[Any]:
    """When the last of those gates opens."""
    return select(func.max(pace.opens_at(BOUND))).where(which, closed(BOUND, pace))


def reopen_for_post(tx: Tx, channel: str, limits: Limits) -> None:
    """A post got through: forget why the gates it passed had been closed, but keep the pace.

    A gate that another worker's refusal closed meanwhile stays closed: this call had started before.
    """
    tx.run(_forget_post(limits), now=tx.now, name=channel, workspace=owner_of(channel))


def reopen(tx: Tx, scope: GateScope, name: str) -> None:
    """The same for one gate alone."""
    tx.run(_forget_one(), now=tx.now, scope=scope, name=name)


@cache
def _forget_post(limits: Limits) -> Any:
    return _forget(gates_for_post(limits, given("name"), given("workspace")))


@cache
def _forget_one() -> Any:
    return _forget(_ONE)


def _forget(which: ColumnElement[bool]) -> Any:
    """Locks them in order, only if there is something to forget; a locked one is left for the next post."""
    to_forget = or_(gates.c.strikes > 0, gates.c.refusals > 0)
    open_now = ~ahead(BOUND, gates.c.closed_until, gates.c.delay)
    found = select(gates.c.scope, gates.c.name).where(which, to_forget, open_now)
    locked = found.order_by(gates.c.scope, gates.c.name).with_for_update(skip_locked=True).subquery()
    forgotten = {"closed_until": None, "cause": "", "code": "", "operator": False, "strikes": 0, "alerted": False}
    return (
        update(gates)
        .where(gates.c.scope == locked.c.scope, gates.c.name == locked.c.name)
        .values(**forgotten, refusals=0, refusal_code="")
    )
