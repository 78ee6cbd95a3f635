"""Takes in what Kommunicate sent, in one transaction: deduplicate, find the conversation, record, queue.

Lock order: conversation, lane. Because the conversation is locked first, the ids of its deliveries grow in the order of
their commits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Integer, and_, case, exists, func, insert, literal_column, select, update

from relay.conversation import UNCLAIMED, handed_over
from relay.messages import ChatMessage, Decision, IgnoredMessage, Role
from relay.owners import owner_of
from relay.store.conversations.people import known_people
from relay.store.conversations.state import is_open, update_state_of
from relay.store.conversations.threads import id_in
from relay.store.db.dialects import equals
from relay.store.db.engine import Insert, Tx
from relay.store.db.rows import Receipt
from relay.store.db.statements import given_rows
from relay.store.db.tables import conversations, deliveries, lanes, received
from relay.store.intake.echoes import is_erased, take_echo
from relay.store.intake.withdrawals import take_back
from relay.store.queue.due import Woken, arm_words
from relay.vocabulary import Lane, Outcome, ReceivedKind, Source

OWN_REPLY = "a reply of this relay coming back"


@dataclass(frozen=True, slots=True)
class Inbound:
    """A received `body`; `decision` applies to a conversation without a channel.

    `listed` is the sender's role if the configuration names them.
    """

    message: ChatMessage | IgnoredMessage
    body: bytes
    decision: Decision
    listed: Role = Role.UNKNOWN


def accept(tx: Tx, message: ChatMessage | IgnoredMessage, body: bytes, decision: Decision) -> Receipt:
    """Store `message` and queue it for Slack, once per key; `decision` applies to a conversation without a channel."""
    (receipt,) = accept_all(tx, [Inbound(message, body, decision)])
    return receipt


def accept_all(tx: Tx, inbound: Sequence[Inbound]) -> list[Receipt]:
    """Store these messages and queue them for Slack, once per key, in the order of their conversations.

    A reply of ours that comes back is not shown again.
    """
    shown = [(one, message) for one in inbound if (message := _to_show(tx, one))]
    receipts: dict[int, Receipt] = {}
    while shown:
        apart = {message.conversation: (one, message) for one, message in reversed(shown)}
        firsts = list(reversed(apart.values()))
        receipts |= _accept_apart(tx, firsts)
        shown = [each for each in shown if id(each[0]) not in receipts]
    for one in inbound:
        if isinstance(one.message, IgnoredMessage) and id(one) not in receipts:
            receipts[id(one)] = _ignore(tx, one.message, one.body, one.listed)
    return [receipts[id(one)] for one in inbound]


def _to_show(tx: Tx, one: Inbound) -> ChatMessage | None:
    """What is shown of it, if anything: everything a customer wrote, even if they do not see it themselves."""
    message = one.message
    if isinstance(message, ChatMessage):
        return message
    shows = message.of_customer and is_open(tx, message.conversation) and _role_of(tx, message) is Role.CUSTOMER
    return message.of_customer if shows else None


def _accept_apart(tx: Tx, shown: Sequence[tuple[Inbound, ChatMessage]]) -> dict[int, Receipt]:
    """One message of each conversation: a statement for all of them must not touch a row twice."""
    receipts: dict[int, Receipt] = {}
    found = tx.run_set(_find_or_open, [_place(tx, one, message) for one, message in shown])
    places = {(place.account, place.group_id): place for place in found}
    new: list[tuple[Inbound, ChatMessage, Any]] = []
    for one, message in shown:
        place = places[message.conversation.account, message.conversation.group_id]
        if place.has_replies and take_echo(tx, place.id, message):
            own = IgnoredMessage(OWN_REPLY, message.conversation, message.key)
            receipts[id(one)] = _ignore(tx, own, None if is_erased(tx, place.id, message.key) else one.body)
        else:
            new.append((one, message, place))
    records = [_record(tx, message, one.body, Outcome.ACCEPTED, place.id) for one, message, place in new]
    ids = {(row.account, row.key): row.id for row in tx.run_set(_unless_known, records)}
    queued = []
    for one, message, place in new:
        received_id = ids.pop((message.conversation.account, message.key), None)
        if received_id is None:
            receipts[id(one)] = _count_copy(tx, message)
        else:
            receipts[id(one)] = Receipt(Outcome.ACCEPTED, received_id)
            queued.append((place, received_id))
    _queue(tx, queued)
    return receipts


def _queue(tx: Tx, queued: Sequence[tuple[Any, int]]) -> None:
    """Queue each with its place."""
    rows = [
        {"conversation_id": place.id, "received_id": received_id, "created_at": tx.now} for place, received_id in queued
    ]
    tx.run_set_later(_delivery, rows)
    arm_words(tx, [Woken(place.id, mapped=place.channel is not None) for place, _ in queued], unclaimed=UNCLAIMED)


@cache
def _delivery(insert: Insert, count: int) -> Any:
    rows = given_rows(("conversation_id", "received_id", "created_at"), count)
    return insert(deliveries).values([{**row, "lane": Lane.WORDS.value} for row in rows])


def reject(tx: Tx, account: str, body: bytes, reason: str) -> int:
    """Store a body that could not be understood, without a dedupe key; returns its id."""
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


def _ignore(tx: Tx, message: IgnoredMessage, body: bytes | None, listed: Role = Role.UNKNOWN) -> Receipt:
    if message.withdrawn:
        return _withdraw(tx, message)
    record = _record(tx, message, body, Outcome.IGNORED, None, message.reason)
    recorded = tx.run_set(_unless_known, [record])
    if not recorded:
        return _count_copy(tx, message)
    if message.hand_over and (listed.is_of_the_team or _role_of(tx, message).is_of_the_team):
        update_state_of(tx, message.conversation, lambda now: handed_over(now, moment=tx.now))
    return Receipt(Outcome.IGNORED, recorded[0].id, message.reason)


def _withdraw(tx: Tx, message: IgnoredMessage) -> Receipt:
    """Its text is not stored: if it has not arrived yet, it will not be shown."""
    receipt = take_back(tx, message)
    if receipt is not None:
        return receipt
    record = _record(tx, message, None, Outcome.IGNORED, None, message.reason)
    recorded = tx.run_set(_unless_known, [record])
    if not recorded:  # it arrived in between
        return take_back(tx, message) or _count_copy(tx, message)
    tx.conn.execute(update(received).where(received.c.id == recorded[0].id).values(gone=True))
    return Receipt(Outcome.IGNORED, recorded[0].id, message.reason)


def _role_of(tx: Tx, message: IgnoredMessage) -> Role:
    """The sender's role, if they were looked up before."""
    known = known_people(tx, message.conversation.account, [message.sender]).get(message.sender)
    return known[0].role if known else Role.UNKNOWN


def _place(tx: Tx, one: Inbound, message: ChatMessage) -> dict[str, Any]:
    """Its place: its conversation is found or created, and its row locked."""
    key, decision = message.conversation, one.decision
    return {
        "account": key.account,
        "group_id": key.group_id,
        "title": message.title,
        "channel": decision.channel,
        "channel_id": id_in(decision.channel),
        "workspace": owner_of(decision.channel or ""),
        "rule": decision.rule,
        "why": decision.why,
        "created_at": tx.now,
    }


@cache
def _find_or_open(insert: Insert, count: int) -> Any:
    columns = ("account", "group_id", "title", "channel", "channel_id", "workspace", "rule", "why", "created_at")
    new = insert(conversations).values(given_rows(columns, count))
    unmapped = conversations.c.channel.is_(None)
    excluded = new.excluded
    return new.on_conflict_do_update(
        index_elements=["account", "group_id"],
        set_={
            "title": case((excluded.title != "", excluded.title), else_=conversations.c.title),
            "channel": func.coalesce(conversations.c.channel, excluded.channel),
            "channel_id": case((unmapped, excluded.channel_id), else_=conversations.c.channel_id),
            "workspace": case((unmapped, excluded.workspace), else_=conversations.c.workspace),
            "rule": case((unmapped, excluded.rule), else_=conversations.c.rule),
            "why": case((unmapped, excluded.why), else_=conversations.c.why),
        },
    ).returning(
        conversations.c.account,
        conversations.c.group_id,
        conversations.c.id,
        conversations.c.channel,
        _HAS_REPLIES.label("has_replies"),
    )


# By name, because in an INSERT SQLAlchemy takes the column for another table's.
_INSERTED = literal_column("conversations.id", Integer)
_HAS_REPLIES = exists(
    select(lanes.c.kind).where(lanes.c.conversation_id == _INSERTED, equals(lanes.c.kind, Lane.REPLIES))
)


def _record(
    tx: Tx,
    message: ChatMessage | IgnoredMessage,
    body: bytes | None,
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
        "quotes": (isinstance(message, ChatMessage) and message.quotes) or None,
        "received_at": tx.now,
    }


@cache
def _unless_known(insert: Insert, count: int) -> Any:
    columns = ("account", "key", "conversation_id", "outcome", "reason", "body", "quotes", "received_at")
    came = {"source": Source.KOMMUNICATE.value, "kind": ReceivedKind.MESSAGE.value}
    new = insert(received).values([{**came, **row} for row in given_rows(columns, count)])
    return new.on_conflict_do_nothing().returning(received.c.account, received.c.key, received.c.id)


def _count_copy(tx: Tx, message: ChatMessage | IgnoredMessage) -> Receipt:
    known = and_(
        received.c.source == Source.KOMMUNICATE.value,
        received.c.account == message.conversation.account,
        received.c.kind == ReceivedKind.MESSAGE.value,
        received.c.key == message.key,
    )
    tx.conn.execute(update(received).where(known).values(copies=received.c.copies + 1))
    return Receipt(Outcome.DUPLICATE)
