"""Where the content of agents' files is, if not in the database: in a folder, or in a bucket.

A row is written before the content, and deleted after it, so that after any crash a row exists for all content.
Unneeded content is deleted at once, and again when nobody can still be writing it: a process that was suspended while
writing continues when it wakes.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, func, insert, select, update

from relay.store.db.dialects import among, equals, upsert
from relay.store.db.engine import Tx
from relay.store.db.file_tables import file_contents, kept_files, learned
from relay.vocabulary import KeptState

NAME_BYTES = 32
LAST_LOOK = 3600.0  # seconds until unneeded content is deleted again, and forgotten
AGAIN = 300.0  # seconds until a failed deletion is retried
NEEDED = (KeptState.WAITING, KeptState.KEPT)
TAKING_ROOM = (KeptState.WAITING, KeptState.KEPT, KeptState.REVOKED)
_ROOM = "files_room"  # the row that serialises reservations
_UNNEEDED = and_(
    file_contents.c.ended_at.is_(None),
    ~exists().where(kept_files.c.id == file_contents.c.file_id, among(kept_files.c.state, NEEDED)),
)


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a file: `place` is where it is, "" for the database, and `name` its name there."""

    file_id: int
    place: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """Content that nobody needs."""

    id: int
    content: Content


def begin(tx: Tx, file_id: int, place: str) -> Content:
    """Where to write a file's content now; what was begun elsewhere is no longer needed."""
    live = and_(file_contents.c.file_id == file_id, file_contents.c.ended_at.is_(None))
    tx.conn.execute(update(file_contents).where(live, file_contents.c.place != place).values(**_ended(tx)))
    if not place:
        return Content(file_id)
    name = tx.conn.execute(select(file_contents.c.name).where(live)).scalar_one_or_none()
    if name is None:
        name = secrets.token_hex(NAME_BYTES)
        tx.conn.execute(insert(file_contents).values(file_id=file_id, place=place, name=name))
    return Content(file_id, place, name)


def content_of(tx: Tx, file_id: int) -> Content:
    """Where the content of a file is."""
    live = and_(file_contents.c.file_id == file_id, file_contents.c.ended_at.is_(None))
    row = tx.conn.execute(select(file_contents.c.place, file_contents.c.name).where(live)).one_or_none()
    return Content(file_id) if row is None else Content(file_id, row.place, row.name)


def is_needed(tx: Tx, content: Content) -> bool:
    """False if it was given up meanwhile; content in the database is deleted with its file."""
    mine = and_(file_contents.c.name == content.name, file_contents.c.ended_at.is_(None))
    return not content.place or tx.conn.execute(select(file_contents.c.id).where(mine)).one_or_none() is not None


def reserve(tx: Tx, content: Content, size: int, most: int | None) -> bool:
    """Reserve space for a file of this size; False if all files in its place would exceed `most`."""
    mine = kept_files.c.id == content.file_id
    if most is not None:
        turn = upsert(tx, learned).values(name=_ROOM, value="")
        tx.conn.execute(turn.on_conflict_do_update(index_elements=["name"], set_={"value": ""}))
        others = and_(~mine, among(kept_files.c.state, TAKING_ROOM), _is_at(content.place))
        taken = tx.conn.execute(select(func.coalesce(func.sum(kept_files.c.size), 0)).where(others)).scalar_one()
        if int(taken) + size > most:
            return False
    waits = equals(kept_files.c.state, KeptState.WAITING)  # otherwise it was given up meanwhile
    tx.conn.execute(update(kept_files).where(mine, waits).values(size=size))
    return True


def _is_at(place: str) -> ColumnElement[bool]:
    elsewhere = and_(file_contents.c.file_id == kept_files.c.id, file_contents.c.ended_at.is_(None))
    if not place:
        return ~exists().where(elsewhere)
    return exists().where(elsewhere, file_contents.c.place == place)


def unneeded(tx: Tx, limit: int) -> list[int]:
    """Ids of content of files that were given up, revoked or deleted."""
    return list(tx.conn.execute(select(file_contents.c.id).where(_UNNEEDED).limit(limit)).scalars())


def end(tx: Tx, ids: Sequence[int]) -> None:
    """Nobody needs these, unless somebody does by now: they are deleted next."""
    tx.conn.execute(update(file_contents).where(file_contents.c.id.in_(ids), _UNNEEDED).values(**_ended(tx)))


def to_delete(tx: Tx, limit: int) -> list[Ended]:
    """Content to delete now."""
    due = select(file_contents).where(file_contents.c.due.is_not(None), file_contents.c.due <= tx.now)
    rows = tx.conn.execute(due.order_by(file_contents.c.due).limit(limit))
    return [Ended(row.id, Content(row.file_id, row.place, row.name)) for row in rows]


def count_undeleted(tx: Tx) -> int:
    """How many unneeded files have never been deleted, because their place failed."""
    ended = and_(file_contents.c.ended_at.is_not(None), file_contents.c.due < file_contents.c.ended_at + LAST_LOOK)
    return int(tx.conn.execute(select(func.count()).select_from(file_contents).where(ended)).scalar_one())


def note_deleted(tx: Tx, ended: Ended) -> None:
    """It is deleted: forget it, unless somebody may still be writing it."""
    mine = file_contents.c.id == ended.id
    tx.conn.execute(delete(file_contents).where(mine, file_contents.c.ended_at <= tx.now - LAST_LOOK))
    tx.conn.execute(update(file_contents).where(mine).values(due=file_contents.c.ended_at + LAST_LOOK))


def put_off(tx: Tx, place: str) -> None:
    """Nothing can be deleted there now."""
    there = and_(file_contents.c.place == place, file_contents.c.due <= tx.now)
    tx.conn.execute(update(file_contents).where(there).values(due=tx.now + AGAIN))


def _ended(tx: Tx) -> dict[str, Any]:
    return {"ended_at": tx.now, "due": tx.now}
