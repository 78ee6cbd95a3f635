"""What is kept of one customer, for those who look for all of it; nothing here changes anything.

Whose words a body holds only the body says, so bodies are read through, in steps that hold nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, select

from relay.messages import Role
from relay.store.db.dialects import equals, unindexed
from relay.store.db.engine import Tx
from relay.store.db.tables import conversations, people, received
from relay.vocabulary import Outcome, ReceivedKind, Source

OF_SLACK = "slack "  # how the accounts of `people` begin that are teams of Slack's
AT_ONCE = 500  # ids in one statement


@dataclass(frozen=True, slots=True)
class StoredBody:
    """Something of Kommunicate's that is kept; `conversation_id` is None for what was ignored or refused."""

    id: int
    conversation_id: int | None
    is_rejected: bool
    body: bytes


def bodies(tx: Tx, after: int, limit: int, *, loose: bool) -> Sequence[StoredBody]:
    """The next kept bodies with an id greater than `after`: those of conversations, or the `loose` ones of none."""
    of_none = received.c.conversation_id.is_(None)
    of_kommunicate = equals(unindexed(received.c.source), Source.KOMMUNICATE)
    kept = and_(of_kommunicate, received.c.body.is_not(None), received.c.id > after)
    columns = (received.c.id, received.c.conversation_id, received.c.outcome, received.c.body)
    found = select(*columns).where(kept, of_none if loose else ~of_none).order_by(received.c.id).limit(limit)
    return [
        StoredBody(row.id, row.conversation_id, row.outcome == Outcome.REJECTED, bytes(row.body))
        for row in tx.conn.execute(found)
    ]


def opened_by(tx: Tx, user_id: str) -> set[int]:
    """The conversations whose card is this customer's."""
    return set(tx.conn.execute(select(conversations.c.id).where(conversations.c.opener_sender == user_id)).scalars())


def of_others(tx: Tx, among: Collection[int], user_id: str) -> set[int]:
    """Those of these conversations whose card is another customer's; the rest is nobody's so far."""
    found: set[int] = set()
    another = and_(conversations.c.opener_rank > 0, conversations.c.opener_sender.not_in((user_id, "")))
    for ids in in_steps(among):
        found |= set(tx.conn.execute(select(conversations.c.id).where(conversations.c.id.in_(ids), another)).scalars())
    return found


def groups_of(tx: Tx, among: Collection[int]) -> set[str]:
    """Kommunicate's ids of these conversations."""
    found: set[str] = set()
    for ids in in_steps(among):
        found |= set(tx.conn.execute(select(conversations.c.group_id).where(conversations.c.id.in_(ids))).scalars())
    return found


def roles_of(tx: Tx, user_id: str) -> set[Role]:
    """What this user of Kommunicate's was found to be, in any account; empty for one who was never looked up."""
    return {Role(role) for role in tx.conn.execute(select(people.c.role).where(is_person(user_id))).scalars()}


def count_agents_messages(tx: Tx, among: Collection[int]) -> int:
    """How many messages agents have written in the threads of these conversations, and not deleted."""
    written = and_(equals(unindexed(received.c.source), Source.SLACK), equals(received.c.kind, ReceivedKind.MESSAGE))
    theirs = and_(written, ~received.c.gone)
    count = select(func.count()).select_from(received)
    return sum(
        tx.conn.execute(count.where(received.c.conversation_id.in_(ids), theirs)).scalar_one()
        for ids in in_steps(among)
    )


def is_person(user_id: str) -> ColumnElement[bool]:
    """True for the rows of `people` that are about this user of Kommunicate's."""
    return and_(people.c.user_id == user_id, ~people.c.account.startswith(OF_SLACK, autoescape=True))


def in_steps(ids: Collection[int]) -> Sequence[Sequence[int]]:
    """These ids, as many at a time as one statement may name."""
    ordered = sorted(ids)
    return [ordered[first : first + AT_ONCE] for first in range(0, len(ordered), AT_ONCE)]
