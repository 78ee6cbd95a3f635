"""One transaction takes in what Kommunicate sent: deduplicate, find the conversation, record, queue.

The order of locks is: conversation, lane. Because the conversation is locked first, the ids of a
conversation's deliveries grow in the order of their commits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Integer, and_, case, exists, func, insert, literal_column, select, update

from relay.conversation import UNCLAIMED, handed_over
from relay.messages import ChatMessage, Decision, IgnoredMessage
from relay.store.conversations.state import update_state_of
from relay.store.conversations.threads import id_in
from relay.store.db.dialects import equals, upsert_on
from relay.store.db.engine import Tx
from relay.store.db.statements import given
from relay.store.db.tables import conversations, deliveries, lanes, received
from relay.store.intake.echoes import take_echo
from relay.store.queue.due import arm_words
from relay.vocabulary import Lane, Outcome, ReceivedKind, Source

OWN_REPLY = "a reply of this relay coming back"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of an inbound thing."""

    outcome: Outcome
    received_id: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Inbound:
    """What came in as `body`; `decision` counts for a conversation that has no channel yet."""

    message: ChatMessage | IgnoredMessage
    body: bytes
    decision: Decision


def accept(tx: Tx, message: ChatMessage | IgnoredMessage, body: bytes, decision: Decision) -> Receipt:
    """Store `message` and queue it for Slack, once per key; `decision` counts for a conversation without a channel."""
    (receipt,) = accept_all(tx, [Inbound(message, body, decision)])
    return receipt


def accept_all(tx: Tx, inbound: Sequence[Inbound]) -> list[Receipt]:
    """Store these messages and queue them for Slack, once per key, in the order of their conversations.

    One of our own replies coming back is not shown again.
    """
    shown = [(one, message) for one in inbound if isinstance(message := one.message, ChatMessage)]
    places = tx.run_all(_find_or_open(postgres=tx.on_postgres), [_place(tx, one, message) for one, message in shown])
    receipts: dict[int, Receipt] = {}
    new: list[tuple[Inbound, ChatMessage, Any]] = []
    for (one, message), found in zip(shown, places, strict=True):
        place = found.one()
        if place.has_replies and take_echo(tx, place.id, message):
            own = IgnoredMessage(OWN_REPLY, message.conversation, message.key)
            receipts[id(one)] = _ignore(tx, own, one.body)
        else:
            new.append((one, message, place))
    records = [_record(tx, message, one.body, Outcome.ACCEPTED, place.id) for one, message, place in new]
    recorded = tx.run_all(_unless_known(postgres=tx.on_postgres), records)
    for (one, message, place), found in zip(new, recorded, strict=True):
        receipts[id(one)] = _queue(tx, message, place, found.scalar_one_or_none())
    for one in inbound:
        if isinstance(one.message, IgnoredMessage):
            receipts[id(one)] = _ignore(tx, one.message, one.body)
    return [receipts[id(one)] for one in inbound]


def _queue(tx: Tx, message: ChatMessage, place: Any, received_id: int | None) -> Receipt:
    if received_id is None:
        return _count_copy(tx, message)
    tx.run_later(QUEUE, conversation_id=place.id, received=received_id, now=tx.now)
    arm_words(tx, place.id, mapped=place.channel is not None, unclaimed=UNCLAIMED)
    return Receipt(Outcome.ACCEPTED, received_id)


QUEUE = insert(deliveries).values(
    conversation_id=given("conversation_id"),
    lane=Lane.WORDS.value,
    received_id=given("received"),
    created_at=given("now"),
)


def reject(tx: Tx, account: str, body: bytes, reason: str) -> int:
    """Keep a body that could not be understood, without a dedupe key; returns its id."""
    row = tx.conn.execute(
        insert(received)
        .values(
            source=Source.KOMMUNICATE.value,
            account=account,
            kind=ReceivedKind.MESSAGE.value,
            outcome=Outcome.REJECTED.value,
            reason=reason,
            body=body,
            received_at=tx.now,
        )
        .returning(received.c.id)
    )
    return int(row.scalar_one())


def _ignore(tx: Tx, message: IgnoredMessage, body: bytes) -> Receipt:
    record = _record(tx, message, body, Outcome.IGNORED, None, message.reason)
    received_id: int | None = tx.run(_unless_known(postgres=tx.on_postgres), **record).scalar_one_or_none()
    if received_id is None:
        return _count_copy(tx, message)
    if message.hand_over:
        update_state_of(tx, message.conversation, lambda now: handed_over(now, moment=tx.now))
    return Receipt(Outcome.IGNORED, received_id, message.reason)


def _place(tx: Tx, one: Inbound, message: ChatMessage) -> dict[str, Any]:
    """Where it belongs: its conversation is found or opened, and its row held."""
    key, decision = message.conversation, one.decision
    return {
        "account": key.account,
        "group_id": key.group_id,
        "title": message.title,
        "channel": decision.channel,
        "channel_id": id_in(decision.channel),
        "rule": decision.rule,
        "why": decision.why,
        "created_at": tx.now,
    }


@cache
def _find_or_open(*, postgres: bool) -> Any:
    columns = ("account", "group_id", "title", "channel", "channel_id", "rule", "why", "created_at")
    new = upsert_on(conversations, postgres=postgres).values(**{name: given(name) for name in columns})
    unmapped = conversations.c.channel.is_(None)
    excluded = new.excluded
    return new.on_conflict_do_update(
        index_elements=["account", "group_id"],
        set_={
            "title": case((excluded.title != "", excluded.title), else_=conversations.c.title),
            "channel": func.coalesce(conversations.c.channel, excluded.channel),
            "channel_id": case((unmapped, excluded.channel_id), else_=conversations.c.channel_id),
            "rule": case((unmapped, excluded.rule), else_=conversations.c.rule),
            "why": case((unmapped, excluded.why), else_=conversations.c.why),
        },
    ).returning(conversations.c.id, conversations.c.channel, _HAS_REPLIES.label("has_replies"))


# The row that is inserted, by name: SQLAlchemy takes the column for another table's in an INSERT.
_INSERTED = literal_column("conversations.id", Integer)
_HAS_REPLIES = exists(
    select(lanes.c.kind).where(lanes.c.conversation_id == _INSERTED, equals(lanes.c.kind, Lane.REPLIES))
)


def _record(
    tx: Tx,
    message: ChatMessage | IgnoredMessage,
    body: bytes,
    outcome: Outcome,
    conversation_id: int | None,
    reason: str = "",
) -> dict[str, Any]:
    return {
        "account": message.conversation.account,
        "key": message.key,
        "conversation_id": conversation_id,
        "outcome": outcome.value,
        "reason": reason,
        "body": body,
        "received_at": tx.now,
    }


@cache
def _unless_known(*, postgres: bool) -> Any:
    columns = ("account", "key", "conversation_id", "outcome", "reason", "body", "received_at")
    new = upsert_on(received, postgres=postgres)
    came = {"source": Source.KOMMUNICATE.value, "kind": ReceivedKind.MESSAGE.value}
    row = new.values(**came, **{name: given(name) for name in columns})
    return row.on_conflict_do_nothing().returning(received.c.id)


def _count_copy(tx: Tx, message: ChatMessage | IgnoredMessage) -> Receipt:
    known = and_(
        received.c.source == Source.KOMMUNICATE.value,
        received.c.account == message.conversation.account,
        received.c.kind == ReceivedKind.MESSAGE.value,
        received.c.key == message.key,
    )
    tx.conn.execute(update(received).where(known).values(copies=received.c.copies + 1))
    return Receipt(Outcome.DUPLICATE)
