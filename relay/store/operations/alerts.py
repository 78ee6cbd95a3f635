"""What waits for a person, and whether anybody was told: that it is so, and that it is over.

Each trouble is told of once, and so is its end. Until it is certain that the post which tells of it stands in Slack, it
bears that post's id: whoever finds it so later, because a process died or Slack did not answer, looks for that post
before anything is posted again. Of a workspace that takes no posts nobody can be told: that stays in the log.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select, update

from relay.owners import owner_of
from relay.store.db.dialects import among, equals, unindexed, upsert
from relay.store.db.engine import Tx
from relay.store.db.file_tables import alerts
from relay.store.db.tables import NOT_DELIVERED, conversations, deliveries, gates, lanes, received
from relay.store.operations.refused import Refused, forget_refused, refused
from relay.store.queue.due import PLACE, of_conversation
from relay.store.queue.gates import gate_of_workspace
from relay.vocabulary import NO_TOPIC, DeliveryState, GateScope, Lane, Refusal, Source, Trouble

OF_GATES = (Trouble.CHANNEL, Trouble.WORKSPACE, Trouble.ACCOUNT, Trouble.AGENT, Trouble.CONFIG)
IN_A_ROW = 3  # fewer requests are a stranger's, or of a secret that is just being changed
LATELY = 600.0  # seconds
ON_TIME = 0.5  # of the limit: messages are on time again when none has waited for longer than this share of it


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that waits for a person; a channel's name is Slack's id, or a "#name" that was not found.

    `number` is how many dead letters there are, `earlier` how many of them were told of before, `newest` when the last
    one was given up; or `number` is how many seconds the oldest message has waited. `over`: nothing of it is left.
    """

    kind: Trouble
    name: str = ""
    cause: str = ""
    number: int = 0
    earlier: int = 0
    newest: float = 0.0
    over: bool = False


@dataclass(frozen=True, slots=True)
class News:
    """What one post tells; `id` is the post's."""

    id: str
    alerts: list[Alert]


def take_news(
    tx: Tx,
    post_id: str,
    *,
    lag: float | None,
    besides: str,
    accounts: Collection[str],
    refusals_age: bool = False,
) -> News | None:
    """What nobody was told of yet, marked as told by the post of this id; None when there is nothing.

    `lag` is the seconds that a message may wait, None for ever. Left out is what keeps the channel `besides` itself
    from telling: its own gate, and its workspace's. `accounts` are those that the configuration names. `refusals_age`:
    what was refused of Slack's is over when none is for a while, because what is accepted may be another workspace's.
    """
    told = {(Trouble(row.kind), row.name): row for row in tx.conn.execute(select(alerts))}
    is_late = (Trouble.LAG, "") in told
    troubles = [
        *_gates(tx, besides),
        *_dead_letters(tx),
        *_refused(tx, accounts, refusals_age=refusals_age),
        *_delay(tx, lag, is_late=is_late),
    ]
    news = [taken for one in troubles if (taken := _take(tx, one, told.get((one.kind, one.name)), post_id))]
    left = {(one.kind, one.name) for one in troubles} | {(Trouble.CHANNEL, besides)}
    left.add((Trouble.WORKSPACE, gate_of_workspace(owner_of(besides))))
    over = [replace(to_alert(row), over=True) for key, row in told.items() if key not in left]
    news += [one for one in over if _end(tx, one, post_id)]
    return News(post_id, news) if news else None


def take_unconfirmed(tx: Tx, wait: float) -> News | None:
    """What a post was to tell more than `wait` seconds ago, of which nobody knows; None where there is none.

    Of two workers one gets it, and has as long to find out.
    """
    unbelievable = alerts.c.posted_at > tx.now + wait  # the clock had jumped
    old = and_(alerts.c.post_id.is_not(None), or_(alerts.c.posted_at <= tx.now - wait, unbelievable))
    first = tx.conn.execute(select(alerts.c.post_id, alerts.c.posted_at).where(old).limit(1)).one_or_none()
    if first is None:
        return None
    same = and_(alerts.c.post_id == first.post_id, alerts.c.posted_at == first.posted_at)
    rows = tx.conn.execute(update(alerts).where(same).values(posted_at=tx.now).returning(*alerts.c)).all()
    return News(first.post_id, [to_alert(row) for row in rows]) if rows else None


def confirm(tx: Tx, news: News) -> None:
    """The post stands in Slack, or nobody will ever know."""
    by_it = alerts.c.post_id == news.id
    tx.conn.execute(delete(alerts).where(by_it, alerts.c.over))
    tx.conn.execute(update(alerts).where(by_it).values(post_id=None))


def put_back(tx: Tx, news: News) -> None:
    """Nobody could be told of it yet."""
    by_it = alerts.c.post_id == news.id
    begun = and_(by_it, ~alerts.c.over, alerts.c.kind == gates.c.scope, alerts.c.name == gates.c.name)
    tx.conn.execute(update(gates).where(exists(select(alerts.c.name).where(begun))).values(alerted=False))
    tx.conn.execute(delete(alerts).where(by_it, ~alerts.c.over, alerts.c.earlier == 0))
    as_before = {"number": alerts.c.earlier, "newest": 0.0}
    tx.conn.execute(update(alerts).where(by_it, ~alerts.c.over).values(post_id=None, **as_before))
    tx.conn.execute(update(alerts).where(by_it).values(post_id=None, over=False))


def to_alert(row: Any) -> Alert:
    """A row as a value."""
    return Alert(Trouble(row.kind), row.name, row.cause, row.number, row.earlier, row.newest, row.over)


def _take(tx: Tx, one: Alert, row: Any, post_id: str) -> Alert | None:
    """Mark it as told by a post; None where others were told, or are just being told."""
    if row is None:
        told_before = one.kind in OF_GATES and _is_told_before(tx, one)
        by = {} if told_before else {"post_id": post_id, "posted_at": tx.now}
        new = upsert(tx, alerts).values(
            kind=one.kind.value, name=one.name, cause=one.cause, number=one.number, newest=one.newest, **by
        )
        is_first = tx.conn.execute(new.on_conflict_do_nothing().returning(alerts.c.kind)).one_or_none()
        return one if is_first and not told_before else None
    if row.post_id is not None or one.kind is not Trouble.DEAD_LETTERS:
        return None
    as_seen = and_(_is(one), alerts.c.post_id.is_(None), alerts.c.number == row.number, alerts.c.newest == row.newest)
    now = {"number": one.number, "newest": one.newest, "earlier": row.number}
    if one.number <= row.number and one.newest <= row.newest:
        if one.number < row.number:  # some were replayed
            tx.conn.execute(update(alerts).where(as_seen).values(number=one.number))
        return None
    telling = update(alerts).where(as_seen).values(**now, post_id=post_id, posted_at=tx.now)
    grown = tx.conn.execute(telling.returning(alerts.c.kind)).one_or_none()
    return replace(one, earlier=row.number) if grown else None


def _is_told_before(tx: Tx, one: Alert) -> bool:
    """True for a gate of which the version before has told: it knows by the gate itself, and so it does from now on."""
    untold = and_(gates.c.scope == one.kind.value, gates.c.name == one.name, ~gates.c.alerted)
    marked = update(gates).where(untold).values(alerted=True).returning(gates.c.name)
    return tx.conn.execute(marked).one_or_none() is None


def _end(tx: Tx, one: Alert, post_id: str) -> bool:
    """Mark it as told to be over by a post; False where somebody else does, or has just told that it has begun."""
    ours = and_(_is(one), ~alerts.c.over, alerts.c.post_id.is_(None))
    ended = update(alerts).where(ours).values(over=True, post_id=post_id, posted_at=tx.now)
    return tx.conn.execute(ended.returning(alerts.c.kind)).one_or_none() is not None


def _is(one: Alert) -> ColumnElement[bool]:
    return and_(alerts.c.kind == one.kind.value, alerts.c.name == one.name)


def _gates(tx: Tx, besides: str) -> Iterator[Alert]:
    of_slack = among(gates.c.scope, (GateScope.CHANNEL, GateScope.WORKSPACE))
    elsewhere = or_(~of_slack, and_(gates.c.name != besides, gates.c.name != gate_of_workspace(owner_of(besides))))
    waiting = select(gates).where(among(gates.c.scope, OF_GATES), gates.c.operator, elsewhere)
    for row in tx.conn.execute(waiting.order_by(gates.c.scope, gates.c.name)):
        yield Alert(Trouble(row.scope), row.name, row.cause)


def _dead_letters(tx: Tx) -> Iterator[Alert]:
    dead = and_(NOT_DELIVERED, equals(deliveries.c.state, DeliveryState.DEAD), deliveries.c.topic == NO_TOPIC)
    row = tx.conn.execute(select(func.count(), func.max(deliveries.c.settled_at)).where(dead)).one()
    if row[0]:
        yield Alert(Trouble.DEAD_LETTERS, number=row[0], newest=row[1] or 0.0)


def _refused(tx: Tx, accounts: Collection[str], *, refusals_age: bool) -> Iterator[Alert]:
    """Also of a process that is gone: it cannot see any more that what comes is accepted."""
    for one in refused(tx):
        if one.account not in accounts:  # nobody is to do anything about it, nor is anything accepted again
            tx.conn.execute(delete(alerts).where(_is(Alert(Trouble.REFUSED, one.name))))
            is_over = True
        elif refusals_age and one.why is not Refusal.TOKEN:
            is_over = one.last < tx.now - LATELY
        else:
            is_over = _is_accepted_since(tx, one)
        if is_over:
            forget_refused(tx, one.why, account=one.account)
        elif one.count >= IN_A_ROW:
            yield Alert(Trouble.REFUSED, one.name)


def _is_accepted_since(tx: Tx, one: Refused) -> bool:
    if one.why is Refusal.TOKEN:
        its = and_(
            equals(unindexed(received.c.source), Source.KOMMUNICATE), unindexed(received.c.account) == one.account
        )
    else:
        its = equals(unindexed(received.c.source), Source.SLACK)
    lately = received.c.received_at > max(one.last, tx.now - LATELY)  # asked every minute: no more is to be read
    taken = and_(lately, received.c.body.is_not(None), its)
    return tx.conn.execute(select(received.c.id).where(taken).limit(1)).one_or_none() is not None


def _delay(tx: Tx, lag: float | None, *, is_late: bool) -> Iterator[Alert]:
    oldest = None if lag is None else tx.now - (_waiting_since(tx) or tx.now)
    if lag is not None and oldest is not None and oldest > (lag * ON_TIME if is_late else lag):
        yield Alert(Trouble.LAG, number=int(oldest))


def _waiting_since(tx: Tx) -> float | None:
    """Since when the oldest message for Slack waits; not where a person is needed, of which people are told."""
    channels = select(gates.c.name).where(gates.c.operator, equals(gates.c.scope, GateScope.CHANNEL))
    whole = select(gates.c.workspace).where(gates.c.operator, equals(gates.c.scope, GateScope.WORKSPACE))
    held = or_(PLACE.in_(channels), conversations.c.workspace.in_(whole))
    due = and_(lanes.c.due.is_not(None), equals(lanes.c.kind, Lane.WORDS))
    oldest = select(func.min(lanes.c.waiting_since)).where(due, of_conversation(and_(PLACE.is_not(None), ~held)))
    found: float | None = tx.conn.execute(oldest).scalar_one()
    return found
