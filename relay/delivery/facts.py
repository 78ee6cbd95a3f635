"""What a card shows about its customer: what the settings allow, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from relay.delivery import stored
from relay.delivery.context import DeliveryContext
from relay.kommunicate.facts import METADATA, facts_in
from relay.messages import ChatMessage, Person
from relay.store.conversations import cards
from relay.store.db.engine import Tx
from relay.store.db.rows import Conversation
from relay.store.queue.waiting import body_of

CALLED = {"email": "E-mail", "phone": "Phone", "page": "Page", "locale": "Language"}


def facts(
    tx: Tx, context: DeliveryContext, place: Conversation, customer: Person | None
) -> tuple[tuple[str, str], ...]:
    """Each known fact with its label, in the order of the settings; the newest value counts.

    An allowed address or number is shown in full, whatever is redacted elsewhere; everything else is redacted.
    """
    allowed = context.privacy.facts(place.rule)
    if not allowed:
        return ()
    redactor = context.redact(place.rule)
    told = _of_person(customer)
    wanted = [name for name in allowed if name not in told]
    found = _in_messages(tx, place, wanted) if wanted else {}
    if redactor is not None:
        found = {name: redactor.clean(value) for name, value in found.items()}
    known = {**told, **found}
    return tuple((CALLED.get(name, name.removeprefix(METADATA)), known[name]) for name in allowed if known.get(name))


def _of_person(customer: Person | None) -> dict[str, str]:
    """A customer's contact details; nothing for a team member."""
    if customer is None or customer.role.is_of_the_team:
        return {"email": "", "phone": ""}
    return {"email": customer.email, "phone": customer.phone}


def _in_messages(tx: Tx, place: Conversation, wanted: Sequence[str]) -> dict[str, str]:
    """From the latest messages, and then the first; each is read only while something is missing."""
    found: dict[str, str] = {}
    for body in _bodies(tx, place):
        missing = [name for name in wanted if name not in found]
        if not missing:
            break
        message = stored.read_as_it_came(body, place.key.account)
        if isinstance(message, ChatMessage) and message.metadata:
            found |= facts_in(message.metadata, missing)
    return found


def _bodies(tx: Tx, place: Conversation) -> Iterator[bytes | None]:
    yield from (body for _, body in cards.last_messages(tx, place.id))
    yield body_of(tx, place.state.opener_id)
    yield from cards.earlier_bodies(tx, place.id)
