"""Customers' files on their way to Slack: each is a separate delivery, which starts once its message is posted.

Lock order: the caller holds the conversation.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import and_, case, exists, insert, literal, select, update

from relay.store.conversations.thread_notices import add_notice
from relay.store.db.dialects import among, equals, past
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim, Send, Waiting
from relay.store.db.tables import OPEN_DELIVERIES, OPEN_SENDS, deliveries, received, send_parts, sends
from relay.store.queue.due import arm
from relay.store.queue.waiting import one_waiting
from relay.vocabulary import DeliveryState, Lane, SendKind, SendState, ThreadNotice

LAST_LOOK = 60.0  # seconds after a file was given up until a late share is deleted


def queue_files(tx: Tx, conversation_id: int, of: Sequence[int]) -> None:
    """Queue the files of these deliveries, each once."""
    columns = ("conversation_id", "lane", "received_id", "created_at")
    words, other = deliveries, deliveries.alias()
    queued = exists().where(other.c.received_id == words.c.received_id, equals(other.c.lane, Lane.FILES))
    new = (
        select(words.c.conversation_id, literal(Lane.FILES.value), words.c.received_id, literal(tx.now))
        .where(words.c.id.in_(of), ~queued)
        .order_by(words.c.id)
    )
    tx.conn.execute(insert(deliveries).from_select(columns, new))
    arm(tx, conversation_id, Lane.FILES, 0.0)


def next_file(tx: Tx, claim: Claim) -> Waiting | float | None:
    """The next file, or the seconds until one is due; None for none. A failing file does not delay the others."""
    may_go = past(tx, deliveries.c.not_before, deliveries.c.undo)
    at = case((may_go, 0.0), else_=deliveries.c.not_before).label("at")
    mine = and_(deliveries.c.conversation_id == claim.conversation.id, equals(deliveries.c.lane, Lane.FILES))
    waits = and_(mine, equals(deliveries.c.state, DeliveryState.WAITING), among(deliveries.c.state, OPEN_DELIVERIES))
    first = select(deliveries.c.id, at).where(waits).order_by(at, deliveries.c.id).limit(1)
    row = tx.conn.execute(first).one_or_none()
    if row is None:
        return None
    return one_waiting(tx, row.id) if row.at <= tx.now else float(row.at - tx.now)


def put_off(tx: Tx, delivery_id: int, wait: float) -> None:
    """Try it again in `wait` seconds, and others before it."""
    later = {"not_before": tx.now + wait, "undo": wait}
    tx.conn.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(**later))


def age(tx: Tx, delivery_id: int) -> float:
    """For how many seconds a file has been on its way."""
    since = tx.conn.execute(select(deliveries.c.created_at).where(deliveries.c.id == delivery_id)).scalar_one()
    return max(0.0, tx.now - float(since))


def shown_file(tx: Tx, delivery_id: int) -> tuple[str, str] | None:
    """Slack's id and channel of the file that a delivery has shown; None for none."""
    live = and_(send_parts.c.delivery_id == delivery_id, send_parts.c.live)
    shown = select(sends.c.payload, sends.c.channel).join(send_parts, send_parts.c.send_id == sends.c.id)
    row = tx.conn.execute(shown.where(live, equals(sends.c.kind, SendKind.SHARE))).one_or_none()
    file_id = "" if row is None else str(json.loads(row.payload).get("file", ""))
    return (file_id, row.channel) if row is not None and file_id else None


def is_withdrawn(tx: Tx, delivery_id: int) -> bool:
    """True if the author of a message withdrew it."""
    of = select(received.c.gone).join(deliveries, deliveries.c.received_id == received.c.id)
    return bool(tx.conn.execute(of.where(deliveries.c.id == delivery_id)).scalar_one())


def recall_withdrawn(tx: Tx, claim: Claim, send: Send) -> None:
    """If the author withdrew the file meanwhile, it is deleted next."""
    of_send = select(deliveries.c.received_id).join(send_parts, send_parts.c.delivery_id == deliveries.c.id)
    carried = of_send.where(send_parts.c.send_id == send.id, send_parts.c.live)
    found = tx.conn.execute(select(received.c.id).where(received.c.id.in_(carried), received.c.gone)).scalars().all()
    for received_id in found:
        recall(tx, claim.conversation.id, received_id)


def recall(tx: Tx, conversation_id: int, received_id: int) -> None:
    """A message was withdrawn: its file is deleted next, wherever it is."""
    mine = and_(deliveries.c.received_id == received_id, equals(deliveries.c.lane, Lane.FILES))
    shown = and_(mine, equals(deliveries.c.state, DeliveryState.DELIVERED))
    tx.conn.execute(update(deliveries).where(shown).values(state=DeliveryState.WAITING.value, settled_at=None))
    if tx.conn.execute(select(deliveries.c.id).where(mine).limit(1)).one_or_none() is None:
        return
    under_way = and_(sends.c.conversation_id == conversation_id, equals(sends.c.lane, Lane.FILES))
    open_ = and_(under_way, among(sends.c.state, OPEN_SENDS))
    tx.conn.execute(update(sends).where(open_).values(outdated=sends.c.outdated + 1))
    arm(tx, conversation_id, Lane.FILES, 0.0)


def bury(tx: Tx, claim: Claim, delivery_id: int, cause: str) -> None:
    """Give up a file: a dead letter, and a line in the thread that says why."""
    end(tx, delivery_id, cause, DeliveryState.DEAD)
    add_notice(tx, claim.conversation.id, delivery_id, ThreadNotice.NO_FILE)


def end(tx: Tx, delivery_id: int, cause: str, state: DeliveryState = DeliveryState.IGNORED) -> None:
    """Nothing more is done about a file, or about deleting it."""
    ended = {"state": state.value, "cause": cause, "settled_at": tx.now}
    tx.conn.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(**ended))


def end_unshown(tx: Tx, send: Send, cause: str) -> None:
    """End a share that nobody has seen; its file is uploaded again. If the share appears late, it is deleted."""
    look = {"state": SendState.DELIVERED.value, "cause": cause, "look_again_at": tx.now + LAST_LOOK}
    tx.conn.execute(update(sends).where(sends.c.id == send.id).values(**look))
    tx.conn.execute(update(send_parts).where(send_parts.c.send_id == send.id).values(live=False))
    carried = select(send_parts.c.delivery_id).where(send_parts.c.send_id == send.id)
    waiting = {"state": DeliveryState.WAITING.value}
    tx.conn.execute(update(deliveries).where(deliveries.c.id.in_(carried)).values(**waiting))
