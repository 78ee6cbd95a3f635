"""What is still to be deleted in Slack of conversations that were erased: a list that outlives whoever works on it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, select, update

from relay.store.db.dialects import among
from relay.store.db.engine import Tx
from relay.store.db.tables import TO_LOOK_FOR, sends
from relay.store.operations.customers import in_steps
from relay.store.operations.erasing import ERASED, IS_LISTED, SHOWN
from relay.vocabulary import SendKind

ORDER = (
    SendKind.SHARE,
    SendKind.POST,
    SendKind.ROOT,
)  # a thread's first post last: what stands below it is found by it


@dataclass(frozen=True, slots=True)
class Standing:
    """Something of the relay's that stands in Slack at `ts`, None where that is not known: it was under way.

    `file` is Slack's id of a file that it shows, where that is kept. Times are in seconds since 1970.
    """

    id: str
    kind: SendKind
    channel: str
    ts: str | None
    thread_ts: str | None
    since_ts: str | None
    file: str
    started_at: float
    is_to_look_for: bool


@dataclass(frozen=True, slots=True)
class InSlack:
    """How many posts and files of the relay's stand in Slack."""

    posts: int = 0
    files: int = 0


def still_standing(tx: Tx) -> list[Standing]:
    """What is to be deleted, in this order; also what an earlier purge has left."""
    left = select(sends).where(IS_LISTED)
    found = [_standing(row) for row in tx.conn.execute(left)]
    return sorted(found, key=lambda one: (one.is_to_look_for, ORDER.index(one.kind), one.ts or ""))


def count_standing(tx: Tx) -> int:
    """How many are to be deleted."""
    left = select(func.count()).select_from(sends).where(IS_LISTED)
    return int(tx.conn.execute(left).scalar_one())


def count_in_slack(tx: Tx, conversation_ids: Sequence[int]) -> InSlack:
    """What stands in Slack of these conversations."""
    here = and_(sends.c.ts.is_not(None), among(sends.c.lane, SHOWN))
    counts = select(sends.c.kind, func.count()).where(here).group_by(sends.c.kind)
    posts = files = 0
    for ids in in_steps(conversation_ids):
        for kind, number in tx.conn.execute(counts.where(sends.c.conversation_id.in_(ids))):
            is_file = kind == SendKind.SHARE
            posts, files = posts + number * (not is_file), files + number * is_file
    return InSlack(posts, files)


def mark_gone(tx: Tx, send_id: str) -> None:
    """It does not stand in Slack any more."""
    gone = {"ts": None, "payload": "{}", "cause": ERASED}
    tx.conn.execute(update(sends).where(sends.c.id == send_id).values(**gone))


def mark_left(tx: Tx, send_id: str, why: str) -> None:
    """It stays in Slack, and `why`; nobody tries again."""
    left = {"payload": "{}", "cause": f"{ERASED}; in Slack it stays: {why}"}
    tx.conn.execute(update(sends).where(sends.c.id == send_id).values(**left))


def _standing(row: Any) -> Standing:
    file = str(json.loads(row.payload).get("file", ""))
    return Standing(
        row.id, SendKind(row.kind), row.channel, row.ts or None, row.thread_ts, row.since_ts, file,
        row.started_at or row.created_at, row.cause == TO_LOOK_FOR,
    )  # fmt: skip
