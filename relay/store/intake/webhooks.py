"""One transaction takes in what Kommunicate sent: deduplicate, find the conversation, record, queue.

The order of locks is: conversation, lane. Because the conversation is locked first, the ids of a
conversation's deliveries grow in the order of their commits.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import and_, case, exists, func, insert, select, update

from relay.conversation import UNCLAIMED, handed_over
from relay.messages import ChatMessage, ConversationKey, Decision, IgnoredMessage
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


def accept(tx: Tx, message: ChatMessage | IgnoredMessage, body: bytes, decision: Decision) -> Receipt:
    """Store `message` and queue it for Slack, once per key; `decision` counts for a conversation without a channel.

    One of our own replies coming back is not shown again.
    """
    if isinstance(message, IgnoredMessage):
        return _ignore(tx, message, body)
    place = _lock_conversation(tx, message.conversation, message.title, decision)
    conversation_id = int(place.id)
    if place.has_replies and take_echo(tx, conversation_id, message):
        return _ignore(tx, IgnoredMessage(OWN_REPLY, message.conversation, message.key), body)
    received_id = _record(tx, message.conversation.account, message.key, body, Outcome.ACCEPTED, conversation_id)
    if received_id is None:
        return _count_copy(tx, message.conversation.account, message.key)
    tx.run_later(QUEUE, conversation_id=conversation_id, received=received_id, now=tx.now)
    arm_words(tx, conversation_id, mapped=place.channel is not None, unclaimed=UNCLAIMED)
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
    account = message.conversation.account
    received_id = _record(tx, account, message.key, body, Outcome.IGNORED, None, message.reason)
    if received_id is None:
        return _count_copy(tx, account, message.key)
    if message.hand_over:
        update_state_of(tx, message.conversation, lambda now: handed_over(now, moment=tx.now))
    return Receipt(Outcome.IGNORED, received_id, message.reason)


def _lock_conversation(tx: Tx, key: ConversationKey, title: str, decision: Decision) -> Any:
    """Find or open the conversation and hold its row; its first channel is the decision's."""
    return tx.run(
        _find_or_open(postgres=tx.on_postgres),
        account=key.account,
        group_id=key.group_id,
        title=title,
        channel=decision.channel,
        channel_id=id_in(decision.channel),
        rule=decision.rule,
        why=decision.why,
        created_at=tx.now,
    ).one()


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


_HAS_REPLIES = exists(
    select(lanes.c.kind)
    .where(lanes.c.conversation_id == conversations.c.id, equals(lanes.c.kind, Lane.REPLIES))
    .correlate(conversations)
)


def _record(
    tx: Tx, account: str, key: str, body: bytes, outcome: Outcome, conversation_id: int | None, reason: str = ""
) -> int | None:
    found: int | None = tx.run(
        _unless_known(postgres=tx.on_postgres),
        account=account,
        key=key,
        conversation_id=conversation_id,
        outcome=outcome.value,
        reason=reason,
        body=body,
        received_at=tx.now,
    ).scalar_one_or_none()
    return found


@cache
def _unless_known(*, postgres: bool) -> Any:
    columns = ("account", "key", "conversation_id", "outcome", "reason", "body", "received_at")
    new = upsert_on(received, postgres=postgres)
    came = {"source": Source.KOMMUNICATE.value, "kind": ReceivedKind.MESSAGE.value}
    row = new.values(**came, **{name: given(name) for name in columns})
    return row.on_conflict_do_nothing().returning(received.c.id)


def _count_copy(tx: Tx, account: str, key: str) -> Receipt:
    known = and_(
        received.c.source == Source.KOMMUNICATE.value,
        received.c.account == account,
        received.c.kind == ReceivedKind.MESSAGE.value,
        received.c.key == key,
    )
    tx.conn.execute(update(received).where(known).values(copies=received.c.copies + 1))
    return Receipt(Outcome.DUPLICATE)
