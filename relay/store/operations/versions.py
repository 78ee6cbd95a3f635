"""The current version of an agent's message in Slack; earlier versions are stored too, but not read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select

from relay.owners import ACCOUNT
from relay.store.db.dialects import equals
from relay.store.db.engine import Tx
from relay.store.db.tables import received
from relay.vocabulary import ReceivedKind, Source

AT_ONCE = 50  # messages in one statement
_SLASH, _BEHIND = "/", "z"  # what follows a message's key, and what every locale sorts after that


@dataclass(frozen=True, slots=True)
class Versions:
    """The state of a message: `gone`, its author deleted it; `newest`, the id of its last edit."""

    gone: bool
    newest: int


def message_key(kind: ReceivedKind, key: str | None) -> str:
    """The key of the message that this is, or changes, "" for neither: an edit's own key begins with it."""
    if key is None or kind not in (ReceivedKind.MESSAGE, ReceivedKind.EDIT):
        return ""
    return key if kind is ReceivedKind.MESSAGE else key.rsplit(_SLASH, 2)[0]


def versions_of(tx: Tx, keys: Collection[str]) -> Mapping[str, Versions]:
    """The versions of agents' messages that were edited or deleted, by their keys."""
    edits: dict[str, list[Any]] = defaultdict(list)
    ordered = sorted(keys)
    for first in range(0, len(ordered), AT_ONCE):
        for row in tx.conn.execute(_edits(ordered[first : first + AT_ONCE])):
            edits[message_key(ReceivedKind.EDIT, row.key)].append(row)
    return {key: _versions(rows) for key, rows in edits.items() if key in keys}


def _edits(keys: Collection[str]) -> Any:
    columns = (received.c.id, received.c.key, received.c.edited_at, received.c.gone)
    return select(*columns).where(or_(*(_begins_about(key) for key in keys)))


def _begins_about(key: str) -> ColumnElement[bool]:
    """True for every edit with this prefix, and some more: uses the index, whatever PostgreSQL's locale is.

    All of the index in each: outside the OR, SQLite would read every edit that there is, and compare it with each key.
    """
    of_slack = and_(equals(received.c.source, Source.SLACK), equals(received.c.account, ACCOUNT))
    edits = and_(of_slack, equals(received.c.kind, ReceivedKind.EDIT))
    return and_(edits, received.c.key > key, received.c.key < key + _BEHIND)


def _versions(rows: Collection[Any]) -> Versions:
    newest = max(rows, key=lambda row: (row.edited_at or "", row.id))
    return Versions(any(row.gone for row in rows), newest.id)
