"""The customer's latest message, as a card quotes it, and whether a bot that has the chat has answered it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from relay.conversation import Holder
from relay.delivery.context import DeliveryContext
from relay.kommunicate.closing import closes
from relay.kommunicate.people import answers_customers
from relay.messages import ChatMessage, MessageKind, Role
from relay.store.conversations.cards import last_messages
from relay.store.db.engine import Tx
from relay.store.db.rows import Conversation

PATIENCE = 25.0  # seconds in which a bot may answer before its customer counts as waiting
CUSTOMERS = (Role.CUSTOMER, Role.UNKNOWN)


@dataclass(frozen=True, slots=True)
class LastWords:
    """`words` are the customer's latest, "" if none are known. `waits_since` and `count` say since when, and with how
    many messages, they wait for an answer. `received_id` is the latest message received; `again` is the seconds until a
    bot that has the chat is given up on, None if it owes no answer.
    """

    words: str = ""
    waits_since: float | None = None
    count: int = 0
    received_id: int | None = None
    again: float | None = None


def last_words(tx: Tx, context: DeliveryContext, place: Conversation, at: float) -> LastWords:
    """What is known at this moment, in seconds since 1970."""
    rows = last_messages(tx, place.id)
    messages = [context.read(body, place) for _, body in rows]
    read = [one for one in messages if isinstance(one, ChatMessage)]
    people = context.of(place.key.account).authors.known(tx, place.key.account, {one.sender for one in read}).people
    said = [(one, people[one.sender].role) for one in read if one.own_words or one.attachment]
    of_customer = [one for one, role in said if role in CUSTOMERS]
    waits, again = place.state.waits_since, None
    if waits is None and place.state.holder is Holder.BOT and not place.state.is_resolved:
        since = _unanswered(said, context.closing_words)
        if since is not None:
            waited = max(0.0, at - since)
            waits, again = (since, None) if waited >= PATIENCE else (None, PATIENCE - waited)
    count = sum(one.sent_at >= waits for one in of_customer) if waits is not None else 0
    return LastWords(
        context.files.in_words(place.rule, of_customer[0]) if of_customer else "",
        waits,
        count,
        rows[0][0] if rows else None,
        again,
    )


def _unanswered(said: Sequence[tuple[ChatMessage, Role]], closing: Collection[str]) -> float | None:
    """When the first unanswered question arrived, None if there is none."""
    since = None
    for message, role in said:  # newest first
        if role in CUSTOMERS:
            since = message.sent_at if asks(message, closing) else since
        elif message.kind is MessageKind.MESSAGE and (role is Role.AGENT or _answers(message)):
            break
    return since


def asks(message: ChatMessage, closing: Collection[str]) -> bool:
    """False if a customer says thanks or goodbye, including the words in `closing`: no bot needs to answer that."""
    return message.attachment is not None or not closes(message.own_words, message.metadata, closing)


def _answers(message: ChatMessage) -> bool:
    return answers_customers(message.sender, message.metadata)
