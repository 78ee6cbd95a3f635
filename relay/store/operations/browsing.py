"""Conversations as a person looks for them: by when something came last, by customer, by Kommunicate's id.

Pages go on from an id, never from a count of rows. What cannot be looked up in an index is looked for among the newest
rows alone, and whoever asks is told how far that goes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, and_, exists, func, literal, or_, select

from relay.keys import search_names, search_words
from relay.messages import Role
from relay.store.conversations.people import CUSTOMER_NAME
from relay.store.db.dialects import among, begins_with
from relay.store.db.engine import Tx
from relay.store.db.tables import OPEN_DELIVERIES, conversations, deliveries, people, received

LOOKED_AT = 5000  # rows of `received` that are looked at for one page of conversations
MOST_PEOPLE = 200  # customers of one search
NEWEST, STEP, LONGEST = 2000, 250, 16_384  # messages searched for words, at a time, and bytes of one of them
_LATER = received.alias()
_OF_THE_TEAM = [role.value for role in Role if role.is_of_the_team]


@dataclass(frozen=True, slots=True)
class Chat:
    """A conversation in a list. `name` is its customer's, "" where nobody has looked it up; times are in seconds since
    1970. `last_id` is what came last, `waiting` how many deliveries of it are not settled.
    """

    id: int
    account: str
    group_id: str
    title: str
    name: str
    customer: str
    channel: str | None
    thread_ts: str | None
    rule: str
    why: str
    status: str
    holder: str
    holder_name: str
    waits_since: float | None
    created_at: float
    last_id: int | None = None
    last_at: float | None = None
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """Some conversations, and from which id on there are more, None at the end.

    `is_cut`: there may be more that were not looked at, or more customers of that name than are searched.
    """

    chats: Sequence[Chat]
    more: int | None = None
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class StoredWords:
    """Something that somebody wrote, as it came."""

    id: int
    conversation_id: int
    received_at: float
    body: bytes = field(repr=False)


def latest(tx: Tx, before: int | None, limit: int) -> Page:
    """Those in which something came last, below this id of `received`."""
    end = _newest(tx) + 1
    first = end if before is None else min(before, end)
    window = and_(received.c.id < first, received.c.id >= first - LOOKED_AT)
    later = exists(
        select(literal(1)).where(_LATER.c.conversation_id == received.c.conversation_id, _LATER.c.id > received.c.id)
    )
    found = (
        select(received.c.id, received.c.conversation_id)
        .where(window, received.c.conversation_id.is_not(None), ~later)
        .order_by(received.c.id.desc())
        .limit(limit)
    )
    rows = tx.conn.execute(found).all()
    chats = _chats(tx, [row.conversation_id for row in rows])
    listed = [chats[row.conversation_id] for row in rows]
    if len(rows) == limit:
        return Page(listed, rows[-1].id)
    below = first - LOOKED_AT
    return Page(listed, below if below > 1 else None, is_cut=below > 1)


def find(tx: Tx, conversation_id: int) -> Chat | None:
    """One conversation; None where there is none with this id."""
    return _chats(tx, [conversation_id]).get(conversation_id)


def by_group(tx: Tx, group_id: str, limit: int) -> Page:
    """Those that Kommunicate calls so, to the letter: one in each account."""
    which = select(conversations.c.id).where(conversations.c.group_id == group_id).order_by(conversations.c.id.desc())
    return _page(tx, which, limit)


def by_customer(tx: Tx, words: str, before: int | None, limit: int, clean: Callable[[str], str]) -> Page:
    """Those of the customers whose first or last name begins so, or whose id it is.

    `clean` makes of a name or an id what may be read of it; nothing is found by the rest, nor is it told that there is
    more of that.
    """
    searched = search_words(words)
    begins = or_(begins_with(tx, people.c.search_name, searched), begins_with(tx, people.c.search_last, searched))
    named = select(people.c.user_id, people.c.name).where(begins, people.c.role.not_in(_OF_THE_TEAM)).limit(MOST_PEOPLE)
    rows = tx.conn.execute(named).all() if searched else []
    users = {row.user_id for row in rows if begins_as(clean(row.name), searched)}
    users |= {words} if clean(words) == words else set()
    which = select(conversations.c.id).where(conversations.c.opener_sender.in_(sorted(users)))
    if before is not None:
        which = which.where(conversations.c.id < before)
    is_cut = len(rows) == MOST_PEOPLE and bool(users)
    return _page(tx, which.order_by(conversations.c.id.desc()), limit, is_cut=is_cut)


def by_ids(tx: Tx, conversation_ids: Collection[int]) -> Page:
    """These, those in which something came last before the others."""
    found = _chats(tx, conversation_ids)
    return Page(sorted(found.values(), key=lambda one: one.last_id or 0, reverse=True))


def newest_words(tx: Tx) -> Iterator[StoredWords]:
    """The last that was written in any conversation and is kept, the newest first; very long messages are left out."""
    newest = _newest(tx)
    for first in range(newest, max(0, newest - NEWEST), -STEP):
        near = and_(received.c.id <= first, received.c.id > max(first - STEP, newest - NEWEST))
        kept = and_(received.c.body.is_not(None), func.length(received.c.body) <= LONGEST)
        columns = (received.c.id, received.c.conversation_id, received.c.received_at, received.c.body)
        rows = select(*columns).where(near, received.c.conversation_id.is_not(None), kept)
        for row in tx.conn.execute(rows.order_by(received.c.id.desc())).all():
            yield StoredWords(row.id, row.conversation_id, row.received_at, bytes(row.body))


def searched_since(tx: Tx) -> float | None:
    """When the oldest came of what `newest_words` reads, in seconds since 1970; None where nothing ever came."""
    oldest = select(received.c.received_at).where(received.c.id > _newest(tx) - NEWEST).order_by(received.c.id).limit(1)
    found: float | None = tx.conn.execute(oldest).scalar_one_or_none()
    return found


def begins_as(name: str, searched: str) -> bool:
    """True where a first or a last name begins as what is searched for, which is as `search_words` makes it."""
    return any(one.startswith(searched) for one in search_names(name))


def _newest(tx: Tx) -> int:
    newest: int | None = tx.conn.execute(select(func.max(received.c.id)).where(received.c.id > 0)).scalar_one()
    return newest or 0


def _page(tx: Tx, which: Select[Any], limit: int, *, is_cut: bool = False) -> Page:
    ids = list(tx.conn.execute(which.limit(limit)).scalars())
    chats = _chats(tx, ids)
    return Page([chats[one] for one in ids], ids[-1] if len(ids) == limit else None, is_cut)


def _chats(tx: Tx, ids: Collection[int]) -> dict[int, Chat]:
    last = select(func.max(received.c.id)).where(received.c.conversation_id == conversations.c.id).scalar_subquery()
    query = select(conversations, CUSTOMER_NAME.label("name"), last.label("last_id"))
    rows = tx.conn.execute(query.where(conversations.c.id.in_(ids))).all()
    times = _times(tx, [row.last_id for row in rows if row.last_id is not None])
    waiting = _waiting(tx, ids)
    return {row.id: _chat(row, times, waiting) for row in rows}


def _chat(row: Any, times: dict[int, float], waiting: dict[int, int]) -> Chat:
    return Chat(
        id=row.id,
        account=row.account,
        group_id=row.group_id,
        title=row.title,
        name=row.name or "",
        customer=row.opener_sender,
        channel=row.channel_id or row.channel,
        thread_ts=row.thread_ts,
        rule=row.rule,
        why=row.why,
        status=row.status,
        holder=row.holder,
        holder_name=row.holder_name,
        waits_since=row.waits_since,
        created_at=row.created_at,
        last_id=row.last_id,
        last_at=times.get(row.last_id),
        waiting=waiting.get(row.id, 0),
    )


def _times(tx: Tx, ids: Collection[int]) -> dict[int, float]:
    rows = tx.conn.execute(select(received.c.id, received.c.received_at).where(received.c.id.in_(ids)))
    return {row.id: row.received_at for row in rows}


def _waiting(tx: Tx, ids: Collection[int]) -> dict[int, int]:
    is_open = or_(among(deliveries.c.state, OPEN_DELIVERIES), deliveries.c.notice_due)
    count = (
        select(deliveries.c.conversation_id, func.count())
        .where(is_open, among(deliveries.c.state, OPEN_DELIVERIES), deliveries.c.conversation_id.in_(ids))
        .group_by(deliveries.c.conversation_id)
    )
    return {row[0]: row[1] for row in tx.conn.execute(count).all()}
