"""The messages that the next ones answer, as they are quoted beside them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial

from relay.clock import monotonic
from relay.delivery import stored
from relay.delivery.context import DeliveryContext
from relay.delivery.steps import Need
from relay.messages import ChatMessage, Person
from relay.slack.events import message_of
from relay.slack.markdown import without_markup
from relay.slack.parts import Quote
from relay.store.conversations.quotes import Quoted, find_quoted
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim, Conversation

DEADLINE = 2.0  # seconds that looking up links may take in total
MOST = 1000  # characters of the quoted message that are read
LINKS = "links to what is quoted"


def find_all(tx: Tx, claim: Claim, messages: Collection[ChatMessage]) -> dict[str, Quoted]:
    """The quoted messages, by key, as far as they are known."""
    keys = sorted({message.quotes for message in messages} - {""})
    found = {key: find_quoted(tx, claim, key) for key in keys}
    return {key: one for key, one in found.items() if one is not None}


def authors(quoted: Mapping[str, Quoted], account: str) -> set[str]:
    """Whose names are needed."""
    read = (stored.read_as_it_came(one.body, account) for one in quoted.values())
    return {message.sender for message in read if isinstance(message, ChatMessage)}


def need_links(context: DeliveryContext, claim: Claim, quoted: Mapping[str, Quoted]) -> Need | None:
    """The links that are missing; asked for once."""
    places = {place for one in quoted.values() if (place := _place(one))} - set(context.permalinks)
    if not places or LINKS in claim.asked:
        return None
    return Need(LINKS, partial(_look_up, context, sorted(places)))


def quote(
    context: DeliveryContext, one: Quoted | None, place: Conversation, people: Mapping[str, Person]
) -> Quote | None:
    """The quote as it is shown."""
    if one is None:
        return None
    where = _place(one)
    url = context.permalinks.get(where) if where else None
    if one.said:
        agent, said = one.said
        redactor = context.redact(place.rule)
        return Quote(agent, said if redactor is None else redactor.clean(said), url)
    message = context.read(one.body, place)
    if isinstance(message, str):
        return Quote("", "", url, is_withdrawn=one.is_withdrawn)
    author = people.get(message.sender)
    words = context.files.in_words(place.rule, message)
    if author and author.role.is_of_the_team:
        words = without_markup(words[:MOST])
    return Quote(author.name if author else message.sender, words, url)


def _place(one: Quoted) -> tuple[str, str] | None:
    return message_of(one.written) if one.written else one.place


def _look_up(context: DeliveryContext, places: Collection[tuple[str, str]]) -> None:
    """Stops at the first link that Slack does not provide; at most one second each, and two in total."""
    ends = monotonic() + DEADLINE
    for channel, ts in places:
        if monotonic() > ends or not context.look_up_permalink(channel, ts):
            break
