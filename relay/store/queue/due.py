"""When a lane is due, and which lanes can be taken: one condition, and a cheap check of it that locks nothing.

Lock order: conversation, lanes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Double,
    ScalarSelect,
    Select,
    and_,
    case,
    exists,
    false,
    func,
    or_,
    select,
    true,
    update,
)

from relay.store.db.dialects import BOUND, Moment, ahead, among, equals, past, upsert_on
from relay.store.db.engine import Insert, Tx
from relay.store.db.statements import given, given_rows
from relay.store.db.tables import conversations, gates, lanes
from relay.store.queue.gates import Limits, closed, gates_for_look, gates_for_mark, of, of_slack
from relay.vocabulary import GateScope, Lane

BELIEVED_LEASE = 900.0  # seconds: processes that read an edited file at different times have different leases
PLACE = func.coalesce(conversations.c.channel_id, conversations.c.channel)  # where a conversation is shown
LEASE_OWNERS = select(lanes.c.lease_owner).where(lanes.c.lease_owner.is_not(None)).distinct()


def lock(tx: Tx, conversation_id: int) -> None:
    """Lock a conversation: required before touching two of its lanes, or two workers could deadlock.

    key_share: a worker that stores a send holds its lane and refers to the conversation, which must not wait for us.
    """
    tx.run(_LOCK, conversation_id=conversation_id)


_LOCK = select(conversations.c.id).where(conversations.c.id == given("conversation_id"))
_LOCK = _LOCK.with_for_update(key_share=True)


def arm(tx: Tx, conversation_id: int, lane: Lane, wait: float) -> None:
    """Make a lane due in `wait` seconds, unless it is due by then, or waits for a retry or a look.

    A reply that can still be undone, or whose author is asked, does not delay a click; nor does the look for a second
    copy delay a line in the thread. A card is drawn from the current state, so it waits for nothing.
    """
    mine = {"conversation_id": conversation_id, "kind": lane.value}
    tx.run_later(_arm(postgres=tx.on_postgres), **mine, due=tx.now + wait, delay=wait, waiting_since=tx.now)


@cache
def _arm(*, postgres: bool) -> Any:
    columns = ("conversation_id", "kind", "due", "delay", "waiting_since")
    new = upsert_on(lanes, postgres=postgres).values(**{name: given(name) for name in columns})
    waits = or_(lanes.c.kind == Lane.CARD.value, and_(lanes.c.attempts == 0, ~lanes.c.looking))
    idle = or_(lanes.c.due.is_(None), and_(waits, lanes.c.due > new.excluded.due))
    return new.on_conflict_do_update(
        index_elements=["conversation_id", "kind"],
        set_={
            "due": case((idle, new.excluded.due), else_=lanes.c.due),
            "delay": case((idle, new.excluded.delay), else_=lanes.c.delay),
            "waiting_since": func.coalesce(lanes.c.waiting_since, new.excluded.waiting_since),
        },
    )


def arm_card_in_passing(tx: Tx, conversation_id: int, wait: float) -> None:
    """The same for a card, from a transaction that holds other lanes: it does not wait for the lock.

    Whoever holds the card's lane checks for changes before releasing it.
    """
    mine = {"conversation_id": conversation_id, "kind": Lane.CARD.value}
    times = {"due": tx.now + wait, "delay": wait, "waiting_since": tx.now}
    if not tx.on_postgres:
        tx.run_later(_arm(postgres=False), **mine, **times)
        return
    tx.run_later(_NEW_CARD, **mine, **times)
    tx.run_later(_CARD_SOONER, **mine, **times)


_COLUMNS = ("conversation_id", "kind", "due", "delay", "waiting_since")
_NEW_CARD = upsert_on(lanes, postgres=True).values(**{name: given(name) for name in _COLUMNS}).on_conflict_do_nothing()
_FREE = (
    select(lanes.c.conversation_id)
    .where(
        lanes.c.conversation_id == given("conversation_id"),
        lanes.c.kind == given("kind"),
        or_(lanes.c.due.is_(None), lanes.c.due > given("due", Double)),
    )
    .with_for_update(skip_locked=True)
)
_CARD_SOONER = (
    update(lanes)
    .where(lanes.c.conversation_id.in_(_FREE), lanes.c.kind == given("kind"))
    .values(
        due=given("due", Double),
        delay=given("delay", Double),
        waiting_since=func.coalesce(lanes.c.waiting_since, given("waiting_since", Double)),
    )
)


@dataclass(frozen=True, slots=True)
class Woken:
    """A conversation that has received a message; `mapped`: it has a channel."""

    conversation_id: int
    mapped: bool


def arm_words(tx: Tx, woken: Sequence[Woken], *, unclaimed: float) -> None:
    """Messages have arrived: their lanes are due now, unless the head of one is waiting for a retry or a look.

    A lane that was due already keeps its place in the queue. `unclaimed` is the seconds until a new conversation that
    nobody has taken notifies its channel. No conversation occurs twice.
    """
    times = {"waiting_since": tx.now, "broadcast_from": tx.now + unclaimed}
    tx.run_set_later(
        _arm_words,
        [{"conversation_id": one.conversation_id, "due": tx.now if one.mapped else None, **times} for one in woken],
    )


@cache
def _arm_words(insert: Insert, count: int) -> Any:
    columns = ("conversation_id", "due", "waiting_since", "broadcast_from")
    rows = [{**row, "kind": Lane.WORDS.value} for row in given_rows(columns, count)]
    new = insert(lanes).values(rows)
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


def arm_all(tx: Tx, conversation_id: int) -> None:
    """Make every lane of a conversation due that has something waiting: its root now exists."""
    tx.conn.execute(
        update(lanes)
        .where(
            lanes.c.conversation_id == conversation_id,
            lanes.c.waiting_since.is_not(None),
            lanes.c.attempts == 0,
            ~lanes.c.looking,
        )
        .values(due=tx.now, delay=0.0)
    )


@dataclass(frozen=True, slots=True)
class Claimable:
    """Whether a take is worth trying now, whether anybody holds a lease, and how many seconds to wait.

    `wait` is when a lane may become claimable by time alone; None if only news can change anything.
    """

    ready: bool
    leased: bool
    wait: float | None


def check_claimable(tx: Tx, *, lease: float, limits: Limits, kinds: tuple[Lane, ...] = tuple(Lane)) -> Claimable:
    """Check all lanes of these kinds and all gates once; `lease` is in seconds."""
    row = tx.run(_look(lease, limits, kinds, postgres=tx.on_postgres), now=tx.now).one()
    times = [at for at in (row.lane_due, row.lease_end, row.gate_opens) if at is not None]
    return Claimable(bool(row.ready), row.lease_end is not None, max(0.0, min(times) - tx.now) if times else None)


def lease_owners(tx: Tx) -> set[str]:
    """The holders of leases."""
    return set(tx.run(LEASE_OWNERS).scalars())


def of_conversation(value: ColumnElement[Any]) -> ScalarSelect[Any]:
    """Something of a lane's conversation, looked up for each lane.

    Unlike a join: for many lanes, PostgreSQL would rather read all conversations that there are.
    """
    return select(value).where(conversations.c.id == lanes.c.conversation_id).correlate(lanes).scalar_subquery()


def claimable(
    moment: Moment,
    lease: float,
    limits: Limits,
    kinds: tuple[Lane, ...],
    dead: ColumnElement[bool],
    elsewhere: ColumnElement[bool] | None = None,
    *,
    postgres: bool,
) -> Select[Any]:
    """The lanes that are due, free and not held back by a gate; lanes of a newer version's kinds are not ours.

    `elsewhere` is what else must be true of a lane and its conversation.
    """
    may_go = and_(~_held_back(moment, limits), true() if elsewhere is None else elsewhere)
    free = or_(lanes.c.lease_until.is_(None), past(moment, lanes.c.lease_until, max(lease, BELIEVED_LEASE)), dead)
    is_due = and_(past(moment, lanes.c.due, lanes.c.delay), free, among(lanes.c.kind, kinds))
    found = select(lanes.c.conversation_id, lanes.c.kind).where(is_due)
    if postgres:
        return found.where(of_conversation(may_go))
    return found.join(conversations, conversations.c.id == lanes.c.conversation_id).where(may_go)


def _held_back(moment: Moment, limits: Limits) -> ColumnElement[bool]:
    """A gate blocks what this lane does next: a look, a post, a reply or a mark.

    Closed gates are found once for all lanes: the workspaces in which a method is closed, the channels, and the
    accounts.
    """
    words, replies = equals(lanes.c.kind, Lane.WORDS), equals(lanes.c.kind, Lane.REPLIES)

    def shut(which: ColumnElement[bool], of_gate: ColumnElement[Any] = gates.c.name) -> Select[Any]:
        return select(of_gate).where(which, closed(moment, limits.pace)).correlate(None)

    def in_workspace(which: ColumnElement[bool]) -> ColumnElement[bool]:
        return conversations.c.workspace.in_(shut(which, gates.c.workspace))

    return or_(
        and_(words, lanes.c.looking, in_workspace(gates_for_look(limits))),
        and_(words, ~lanes.c.looking, in_workspace(of_slack(limits.posting))),
        and_(words, ~lanes.c.looking, PLACE.in_(shut(of(GateScope.CHANNEL)))),
        and_(replies, conversations.c.account.in_(shut(of(GateScope.ACCOUNT)))),
        and_(equals(lanes.c.kind, Lane.CARD), in_workspace(gates_for_mark(limits))),
    )


@cache
def _look(lease: float, limits: Limits, kinds: tuple[Lane, ...], *, postgres: bool) -> Select[Any]:
    """The statement of `check_claimable`."""
    moment, ours = BOUND, among(lanes.c.kind, kinds)
    leased = and_(ours, lanes.c.due.is_not(None), lanes.c.lease_until > moment.now)
    return select(
        exists(claimable(moment, lease, limits, kinds, dead=false(), postgres=postgres)).label("ready"),
        _first(lanes.c.due, and_(ours, ahead(moment, lanes.c.due, lanes.c.delay))).label("lane_due"),
        _first(lanes.c.lease_until, leased).label("lease_end"),
        _first(limits.pace.opens_at(moment), closed(moment, limits.pace)).label("gate_opens"),
    )


def _first(time: ColumnElement[Any], where: ColumnElement[bool]) -> ScalarSelect[Any]:
    return select(func.min(time)).where(where).scalar_subquery()
