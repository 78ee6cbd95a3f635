"""Agents' files, kept for the customers they are sent to, and their links.

A row is written before its file is fetched, and stays when its content is deleted, so that nothing is left over. Lock
order: the caller that queues or ends one holds the conversation.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, case, delete, exists, func, insert, or_, select, update

from relay.store.conversations.contents import Content, is_needed
from relay.store.db.dialects import among, equals, upsert
from relay.store.db.engine import Tx
from relay.store.db.file_tables import HAS_CONTENT, file_pieces, kept_files, learned
from relay.store.db.tables import OPEN_DELIVERIES, deliveries, received
from relay.store.queue.due import arm
from relay.vocabulary import DeliveryState, KeptState, Lane

TOKEN_BYTES = 32
PUBLIC_URL = "public_url"
TAKEN_OUT = "its author deleted it"  # the cause of a file that is not sent with its reply, whatever its state


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file of a reply; `size` is in bytes, `created_at` in seconds since 1970, `token` the secret in its link."""

    id: int
    delivery_id: int
    slack_id: str
    name: str
    content_type: str
    size: int
    state: KeptState
    cause: str
    token: str
    created_at: float


def files_of(tx: Tx, delivery_id: int) -> list[KeptFile]:
    """The files of a reply, in order, without those that its author deleted; none before they were queued."""
    mine = and_(kept_files.c.delivery_id == delivery_id, kept_files.c.cause != TAKEN_OUT)
    return [_file(row) for row in tx.conn.execute(select(kept_files).where(mine).order_by(kept_files.c.number))]


def queue(tx: Tx, conversation_id: int, delivery_id: int, wanted: Sequence[tuple[str, str, str]]) -> None:
    """Queue files to be fetched: Slack's id, the name, and why it cannot be fetched, "" if it can."""
    for number, (slack_id, name, cause) in enumerate(wanted):
        token = secrets.token_urlsafe(TOKEN_BYTES)
        state = KeptState.FAILED if cause else KeptState.WAITING
        row = {"conversation_id": conversation_id, "delivery_id": delivery_id, "number": number, "cause": cause}
        row |= {"slack_id": slack_id, "name": name, "token": token, "digest": digest(token), "state": state.value}
        tx.conn.execute(insert(kept_files).values(**row, created_at=tx.now))
    arm(tx, conversation_id, Lane.FILES_BACK, 0.0)


def of_conversation(tx: Tx, conversation_id: int) -> list[KeptFile]:
    """The files of a conversation whose content may be stored."""
    mine = and_(kept_files.c.conversation_id == conversation_id, HAS_CONTENT)
    return [_file(row) for row in tx.conn.execute(select(kept_files).where(mine))]


def next_to_fetch(tx: Tx, conversation_id: int) -> KeptFile | None:
    """The next file to fetch."""
    waits = and_(kept_files.c.conversation_id == conversation_id, equals(kept_files.c.state, KeptState.WAITING))
    row = tx.conn.execute(select(kept_files).where(waits).order_by(kept_files.c.id).limit(1)).one_or_none()
    return None if row is None else _file(row)


def body_of(tx: Tx, file: KeptFile) -> bytes | None:
    """The body of the message it was shared in."""
    mine = deliveries.c.id == file.delivery_id
    found = select(received.c.body).join(deliveries, deliveries.c.received_id == received.c.id).where(mine)
    body: bytes | None = tx.conn.execute(found).scalar_one_or_none()
    return body


def mark_kept(tx: Tx, conversation_id: int, content: Content, content_type: str, size: int, name: str) -> None:
    """It is stored; the reply may be sent. `name` is "" if it is unchanged. A file that was given up is
    fetched again.
    """
    if is_needed(tx, content):
        told = {"content_type": content_type, "size": size, **({"name": name} if name else {})}
        _end(tx, conversation_id, content.file_id, state=KeptState.KEPT.value, **told)


def mark_failed(tx: Tx, conversation_id: int, file_id: int, cause: str) -> None:
    """It cannot be fetched; the settings decide how the reply is sent."""
    _end(tx, conversation_id, file_id, state=KeptState.FAILED.value, cause=cause, size=0)


def _end(tx: Tx, conversation_id: int, file_id: int, **values: Any) -> None:
    mine = kept_files.c.id == file_id
    waits = and_(mine, equals(kept_files.c.state, KeptState.WAITING))
    tx.conn.execute(update(kept_files).where(waits).values(**values))
    # It arrived after everything was deleted: delete what is stored of it now.
    late = and_(mine, equals(kept_files.c.state, KeptState.GONE))
    tx.conn.execute(update(kept_files).where(late).values(state=KeptState.REVOKED.value))
    arm(tx, conversation_id, Lane.REPLIES, 0.0)


def give_up_waiting(tx: Tx, conversation_id: int, delivery_id: int, cause: str) -> None:
    """A reply stops waiting for files that have not arrived."""
    for file in files_of(tx, delivery_id):
        mark_failed(tx, conversation_id, file.id, cause)


def try_again(tx: Tx, delivery_id: int) -> None:
    """Somebody wants the reply sent again: retry the files that failed."""
    failed = and_(kept_files.c.delivery_id == delivery_id, equals(kept_files.c.state, KeptState.FAILED))
    row = tx.conn.execute(
        update(kept_files)
        .where(failed)
        .values(state=KeptState.WAITING.value, cause="", created_at=tx.now)
        .returning(kept_files.c.conversation_id)
    ).first()
    if row is not None:
        arm(tx, row.conversation_id, Lane.FILES_BACK, 0.0)


def revoke(tx: Tx, delivery_id: int) -> None:
    """The author deleted a reply: its links stop working."""
    links = and_(kept_files.c.delivery_id == delivery_id, HAS_CONTENT)
    tx.conn.execute(update(kept_files).where(links).values(state=KeptState.REVOKED.value))


def take_out(tx: Tx, conversation_id: int, delivery_id: int, slack_id: str) -> bool:
    """The author deleted a file of a reply: its link stops working, and it is not sent. True if it had a link.

    If it was not queued yet, a row without content remembers that.
    """
    mine = and_(kept_files.c.delivery_id == delivery_id, kept_files.c.slack_id == slack_id)
    states = tx.conn.execute(select(kept_files.c.state).where(mine)).scalars().all()
    ended = case((HAS_CONTENT, KeptState.REVOKED.value), else_=kept_files.c.state)
    tx.conn.execute(update(kept_files).where(mine).values(state=ended, cause=TAKEN_OUT))
    if not states:
        first = select(func.coalesce(func.min(kept_files.c.number), 0)).where(kept_files.c.delivery_id == delivery_id)
        row = {"conversation_id": conversation_id, "delivery_id": delivery_id, "slack_id": slack_id, "name": ""}
        row |= {"number": first.scalar_subquery() - 1, "state": KeptState.GONE.value, "cause": TAKEN_OUT}
        tx.conn.execute(insert(kept_files).values(**row, created_at=tx.now))
    return KeptState.KEPT in states


def taken_out(tx: Tx, delivery_id: int) -> set[str]:
    """Slack's ids of the files of a reply that its author deleted."""
    mine = and_(kept_files.c.delivery_id == delivery_id, kept_files.c.cause == TAKEN_OUT)
    return set(tx.conn.execute(select(kept_files.c.slack_id).where(mine)).scalars())


def find(tx: Tx, token: str, *, after: float) -> KeptFile | None:
    """The file of a link, if it is stored, and was made or sent after `after` (seconds since 1970).

    Found by the token's digest, so that the duration reveals nothing about valid tokens.
    """
    recent = or_(kept_files.c.created_at > after, _is_needed_since(after))
    valid = and_(equals(kept_files.c.state, KeptState.KEPT), recent)
    row = tx.conn.execute(select(kept_files).where(kept_files.c.digest == digest(token), valid)).one_or_none()
    return None if row is None else _file(row)


def digest(token: str) -> str:
    """The digest that is looked up instead of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def to_delete(tx: Tx, *, before: float, limit: int) -> list[KeptFile]:
    """Those whose content is no longer needed: revoked, failed, or from before then (seconds since 1970)."""
    has_pieces = exists().where(file_pieces.c.file_id == kept_files.c.id)
    half = and_(equals(kept_files.c.state, KeptState.FAILED), has_pieces)
    old = and_(kept_files.c.created_at < before, ~_is_needed_since(before))
    useless = or_(equals(kept_files.c.state, KeptState.REVOKED), half, old)
    found = select(kept_files).where(HAS_CONTENT, useless)
    return [_file(row) for row in tx.conn.execute(found.order_by(kept_files.c.created_at).limit(limit))]


def _is_needed_since(moment: float) -> ColumnElement[bool]:
    """True if its reply has gone out since then, or may still go out: until then, nobody has had the link."""
    needed = or_(among(deliveries.c.state, (*OPEN_DELIVERIES, DeliveryState.DEAD)), deliveries.c.settled_at >= moment)
    return exists().where(deliveries.c.id == kept_files.c.delivery_id, needed)


def delete_content(tx: Tx, file: KeptFile, *, before: float) -> None:
    """Delete it, unless its state has changed; a recent failure may be retried."""
    as_seen = and_(kept_files.c.id == file.id, kept_files.c.state == file.state.value)
    kept = file.state is KeptState.FAILED and file.created_at >= before
    gone = {} if kept else {"state": KeptState.GONE.value, "name": "", "token": ""}
    changed = update(kept_files).where(as_seen).values(**gone or {"cause": file.cause}).returning(kept_files.c.id)
    if tx.conn.execute(changed).one_or_none() is not None:
        delete_pieces(tx, file.id)


def add_piece(tx: Tx, file_id: int, number: int, content: bytes) -> None:
    """Write a piece of a file, or write it again; not of an unneeded file."""
    wanted = and_(kept_files.c.id == file_id, equals(kept_files.c.state, KeptState.WAITING))
    if tx.conn.execute(select(kept_files.c.id).where(wanted).with_for_update()).one_or_none() is None:
        return
    row = upsert(tx, file_pieces).values(file_id=file_id, number=number, content=content)
    again = row.on_conflict_do_update(index_elements=["file_id", "number"], set_={"content": row.excluded.content})
    tx.conn.execute(again)


def read_piece(tx: Tx, file_id: int, number: int) -> bytes | None:
    """A piece of a file; None if there is none."""
    mine = and_(file_pieces.c.file_id == file_id, file_pieces.c.number == number)
    piece = tx.conn.execute(select(file_pieces.c.content).where(mine)).scalar_one_or_none()
    return None if piece is None else bytes(piece)


def delete_pieces(tx: Tx, file_id: int) -> None:
    """Delete the content of a file."""
    tx.conn.execute(delete(file_pieces).where(file_pieces.c.file_id == file_id))


def public_url(tx: Tx) -> str | None:
    """The address at which the relay is reached from outside, if known."""
    found: str | None = tx.conn.execute(
        select(learned.c.value).where(learned.c.name == PUBLIC_URL)
    ).scalar_one_or_none()
    return found


def learn_public_url(tx: Tx, url: str) -> None:
    """Somebody who proved to be Slack reached the relay at this address."""
    row = upsert(tx, learned).values(name=PUBLIC_URL, value=url)
    tx.conn.execute(row.on_conflict_do_update(index_elements=["name"], set_={"value": url}))


def _file(row: Any) -> KeptFile:
    return KeptFile(
        row.id, row.delivery_id, row.slack_id, row.name, row.content_type, row.size, KeptState(row.state), row.cause,
        row.token, row.created_at,
    )  # fmt: skip
