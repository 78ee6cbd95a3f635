"""The chats that are open, for people who look where somebody waits: those that wait first, one's own before them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import and_, case, func, literal_column, select

from relay.conversation import Holder
from relay.store.conversations.people import CUSTOMER_NAME
from relay.store.conversations.waiting_chats import WAITING
from relay.store.db.dialects import equals
from relay.store.db.engine import Tx
from relay.store.db.tables import NOT_DELIVERED, conversations, deliveries, gates, received
from relay.vocabulary import NO_TOPIC, DeliveryState, Lane, Mark

MOST_FAILED = 5
_CHATS = conversations.alias()
_IS_OPEN = _CHATS.c.status != literal_column("'resolved'")  # as the index has it
_HELD = select(_CHATS.c.id).where(equals(_CHATS.c.holder, Holder.AGENT), _IS_OPEN)


@dataclass(frozen=True, slots=True)
class OpenChat:
    """One that its customer waits in, from `waits_since` on in seconds since 1970 (None: not), or that an agent has."""

    name: str
    channel: str
    thread_ts: str
    waits_since: float | None
    holder_name: str
    is_mine: bool
    rule: str = ""


@dataclass(frozen=True, slots=True)
class FailedReply:
    """A reply that did not reach its customer, or `may_have`, and why; `id` is its delivery's."""

    id: int
    name: str
    cause: str
    channel: str
    thread_ts: str
    rule: str = ""
    may_have: bool = False


@dataclass(frozen=True, slots=True)
class Overview:
    """A page of open chats, how many there are and wait in all, the last failed replies, and what is wrong."""

    chats: tuple[OpenChat, ...]
    open: int
    waiting: int
    failed: tuple[FailedReply, ...]
    trouble: str


def overview(tx: Tx, agent_id: str, *, offset: int, limit: int, workspace: str = "") -> Overview:
    """What there is to see in a workspace for an agent whom Kommunicate knows by this id, "" for nobody."""
    waits = conversations.c.waits_since.is_not(None)
    here = and_(conversations.c.thread_ts.is_not(None), conversations.c.workspace == workspace)
    shown = and_(conversations.c.id.in_(_HELD.union(WAITING)), here)
    is_mine = conversations.c.assignee == agent_id if agent_id else conversations.c.id < 0
    order = (case((is_mine, 0), else_=1), case((waits, 0), else_=1), conversations.c.waits_since, conversations.c.id)
    # Ids first: there may be many chats, and whole rows are more than is needed to put them in order.
    page = tx.conn.execute(select(conversations.c.id).where(shown).order_by(*order).limit(limit).offset(offset))
    rows = tx.conn.execute(
        select(conversations, CUSTOMER_NAME.label("name"), case((is_mine, 1), else_=0).label("is_mine"))
        .where(conversations.c.id.in_(page.scalars().all()))
        .order_by(*order)
    )
    chats = tuple(
        OpenChat(
            row.name or "",
            row.channel_id,
            row.thread_ts,
            row.waits_since,
            row.holder_name,
            bool(row.is_mine),
            row.rule,
        )
        for row in rows
    )
    counted = tx.conn.execute(select(func.count(), func.count(conversations.c.waits_since)).where(shown)).one()
    return Overview(chats, counted[0], counted[1], _failed(tx, workspace), _trouble(tx, workspace))


def _failed(tx: Tx, workspace: str) -> tuple[FailedReply, ...]:
    here = and_(conversations.c.thread_ts.is_not(None), conversations.c.workspace == workspace)
    of_agents = and_(deliveries.c.lane == Lane.REPLIES.value, deliveries.c.topic == NO_TOPIC)
    dead = and_(deliveries.c.state == DeliveryState.DEAD.value, of_agents, NOT_DELIVERED)
    stored = select(received.c.body.is_not(None)).where(received.c.id == deliveries.c.received_id)
    rows = tx.conn.execute(
        select(
            deliveries.c.id,
            deliveries.c.cause,
            deliveries.c.mark,
            conversations.c.channel_id,
            conversations.c.thread_ts,
            conversations.c.rule,
            CUSTOMER_NAME.label("name"),
        )
        .join(conversations, conversations.c.id == deliveries.c.conversation_id)
        .where(dead, here, stored.correlate(deliveries).scalar_subquery())
        .order_by(deliveries.c.created_at.desc())
        .limit(MOST_FAILED)
    )
    return tuple(
        FailedReply(row.id, row.name or "", row.cause, row.channel_id, row.thread_ts, row.rule, row.mark == Mark.UNSURE)
        for row in rows
    )


def _trouble(tx: Tx, workspace: str) -> str:
    """The cause of a gate that only a person can open, of this workspace; what is of none is told in the plain one."""
    here = gates.c.workspace == workspace
    first = select(gates.c.cause).where(gates.c.operator, here).limit(1)
    found: str | None = tx.conn.execute(first).scalar_one_or_none()
    return found or ""
