"""Erases old messages and customers' names; keys, states and counts stay.

Never touched: the content of what is waiting, sending, unsure or dead, and whatever such a delivery still names; what
an agent wrote in a thread that is not known yet; and the names of the team, by which agents are known. A customer's
name is looked up again when somebody needs it. What was refused is kept as a help, so there is a limit to it: the
oldest goes first.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import (
    Double,
    Integer,
    and_,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
    tuple_,
    union_all,
    update,
)

from relay.messages import Role
from relay.store.db.dialects import among, equals
from relay.store.db.engine import Tx
from relay.store.db.statements import given
from relay.store.db.tables import NOT_DELIVERED, OPEN_DELIVERIES, deliveries, people, received, send_parts, sends
from relay.store.operations.customers import OF_SLACK
from relay.vocabulary import DeliveryState, Outcome, SendState

ENDED = (SendState.DELIVERED, SendState.REFUSED, SendState.VOID)
STILL_NEEDED = among(deliveries.c.state, (*OPEN_DELIVERIES, DeliveryState.DEAD))

MOST_REJECTED, MOST_REJECTED_BYTES = 10_000, 100_000_000  # refused bodies that are kept
OFTEN_ENOUGH, LARGE_ENOUGH = 100, 5_000_000  # refused bodies, and their bytes, between two checks

# The edits that are sent instead, and those that somebody may still want to send.
_NAMED = union_all(
    *(
        select(edit).where(STILL_NEEDED, NOT_DELIVERED, edit.is_not(None))
        for edit in (deliveries.c.words_id, deliveries.c.late_id)
    )
)
_OLD_BODIES = (
    select(received.c.id)
    .where(
        received.c.body.is_not(None),
        received.c.received_at < given("before", Double),
        ~equals(received.c.outcome, Outcome.HELD),
        ~exists(
            select(deliveries.c.id).where(deliveries.c.received_id == received.c.id, STILL_NEEDED).correlate(received)
        ),
        received.c.id.not_in(_NAMED),
    )
    .order_by(received.c.received_at)
)
_OLD_PAYLOADS = (
    select(sends.c.id)
    .where(
        sends.c.payload != "{}",
        sends.c.created_at < given("before", Double),
        among(sends.c.state, ENDED),
        sends.c.look_again_at.is_(None),  # a copy is found, and a file deleted, by what it says
        ~exists(
            select(send_parts.c.send_id)
            .join(deliveries, deliveries.c.id == send_parts.c.delivery_id)
            .where(send_parts.c.send_id == sends.c.id, STILL_NEEDED)
            .correlate(sends)
        ),
    )
    .order_by(sends.c.created_at)
)
_OF_THE_TEAM = [role.value for role in Role if role.is_of_the_team]
_OLD_NAMES = and_(
    people.c.looked_up_at < given("before", Double),
    ~among(people.c.role, _OF_THE_TEAM),
    ~people.c.account.like(literal_column(f"'{OF_SLACK}%'")),
)
_PERSON = (people.c.account, people.c.user_id)
_LIMIT = given("limit", Integer)
EMPTY = (
    update(received).where(received.c.id.in_(_OLD_BODIES.limit(_LIMIT))).values(body=None).returning(received.c.id),
    update(sends).where(sends.c.id.in_(_OLD_PAYLOADS.limit(_LIMIT))).values(payload="{}").returning(sends.c.id),
)
FORGET_NAMES = (
    delete(people)
    .where(tuple_(*_PERSON).in_(select(*_PERSON).where(_OLD_NAMES).limit(_LIMIT)))
    .returning(people.c.user_id)
)


@dataclass(frozen=True, slots=True)
class Old:
    """How many bodies, payloads and names are too old."""

    bodies: int
    payloads: int
    names: int


def prune(tx: Tx, older_than: float, *, limit: int = 500) -> int:
    """Empty at most `limit` bodies and as many payloads older than `older_than` seconds, and erase names.

    Returns how many.
    """
    before = tx.now - older_than
    return sum(len(tx.run(empty, before=before, limit=limit).all()) for empty in (*EMPTY, FORGET_NAMES))


def count_old(tx: Tx, older_than: float) -> Old:
    """How many `prune` would erase."""
    old = (_OLD_BODIES, _OLD_PAYLOADS, select(people.c.user_id).where(_OLD_NAMES))
    counts = (select(func.count()).select_from(one.order_by(None).subquery()) for one in old)
    return Old(*(int(tx.run(count, before=tx.now - older_than).scalar_one()) for count in counts))


def cap_rejected(tx: Tx, *, most: int = MOST_REJECTED, most_bytes: int = MOST_REJECTED_BYTES) -> int:
    """Keep only the newest refused bodies, up to a number and a total size; returns how many were erased."""
    return len(tx.run(CAP_REJECTED, most=most, most_bytes=most_bytes, looked_at=2 * MOST_REJECTED).all())


@dataclass(slots=True)
class Refusals:
    """How much this process refused since the limit was last checked."""

    bodies: int = OFTEN_ENOUGH
    size: int = 0

    def is_due(self, size: int) -> bool:
        """One more body, of `size` bytes; True if it is time to check."""
        self.bodies, self.size = self.bodies + 1, self.size + size
        due = self.bodies > OFTEN_ENOUGH or self.size > LARGE_ENOUGH
        if due:
            self.bodies = self.size = 0
        return due


# Not everything ever refused: older ones were emptied before. Ids are compared, not looked up in a list: a PostgreSQL
# that believes the table empty would go through the list once for each row.
_LATELY = (
    select(received.c.id)
    .where(equals(received.c.outcome, Outcome.REJECTED))
    .order_by(received.c.id.desc())
    .limit(given("looked_at", Integer))
    .subquery()
)
_KEPT = (
    equals(received.c.outcome, Outcome.REJECTED),
    received.c.id >= select(func.min(_LATELY.c.id)).scalar_subquery(),
    received.c.body.is_not(None),
)
_COUNTED = (
    select(
        received.c.id,
        func.row_number().over(order_by=received.c.id.desc()).label("number"),
        func.sum(func.length(received.c.body)).over(order_by=received.c.id.desc()).label("bytes"),
    )
    .where(*_KEPT)
    .subquery()
)
_TOO_MANY = or_(_COUNTED.c.number > given("most", Integer), _COUNTED.c.bytes > given("most_bytes", Integer))
_NEWEST = select(func.max(_COUNTED.c.id)).where(_TOO_MANY).scalar_subquery()  # all before it are too many as well
CAP_REJECTED = update(received).where(*_KEPT, received.c.id <= _NEWEST).values(body=None).returning(received.c.id)
