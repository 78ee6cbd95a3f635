"""The versions of a conversation's card: the one it should show, and the one it shows.

Lock order: conversation, lane.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, exists, func, or_, select, update

from relay.store.db.dialects import among, equals
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim, Conversation
from relay.store.db.statements import given
from relay.store.db.tables import OPEN_SENDS, OUTDATED, conversations, deliveries, received, sends
from relay.store.queue.due import arm, lock
from relay.store.queue.lanes import give_back
from relay.vocabulary import Lane, Outcome, ReceivedKind, SendKind, SendState, Source

MOST = 20  # messages that are searched for the customer's latest
EARLIER_MOST = 100  # further ones, searched for the customer's metadata


def mark_shown(tx: Tx, claim: Claim, version: int, fingerprint: str | None = None, last_id: int | None = None) -> None:
    """The card visibly shows this version, with messages up to the received message `last_id`.

    `fingerprint` identifies its appearance, None for unknown.
    """
    mine = conversations.c.id == claim.conversation.id
    shown = {"shown": version, "card_fingerprint": fingerprint, "card_last_id": last_id}
    tx.conn.execute(update(conversations).where(mine, conversations.c.shown <= version).values(**shown))


def earlier_thread(tx: Tx, place: Conversation) -> tuple[str, str] | None:
    """Channel and `ts` of the thread that the current one replaces, if its root was posted; None for none."""
    if not place.dead_ts:
        return None
    roots = and_(sends.c.conversation_id == place.id, equals(sends.c.kind, SendKind.ROOT), sends.c.ts == place.dead_ts)
    channel = tx.conn.execute(select(sends.c.channel).where(roots).limit(1)).scalar_one_or_none()
    return channel or place.channel_id or "", place.dead_ts


def last_id(tx: Tx, conversation_id: int) -> int | None:
    """The id of the latest thing that Kommunicate sent in a conversation."""
    found: int | None = tx.run(LAST_ID, conversation_id=conversation_id).scalar_one_or_none()
    return found


def last_messages(tx: Tx, conversation_id: int) -> Sequence[tuple[int, bytes | None]]:
    """The ids and bodies of the latest things that Kommunicate sent in a conversation, newest first."""
    return [(row.id, row.body) for row in tx.run(LAST, conversation_id=conversation_id)]


def earlier_bodies(tx: Tx, conversation_id: int) -> Sequence[bytes | None]:
    """The bodies before those, newest first, as far back as anybody searches."""
    return [row.body for row in tx.run(EARLIER, conversation_id=conversation_id)]


_CAME = (
    received.c.conversation_id == given("conversation_id"),
    received.c.source == Source.KOMMUNICATE.value,
    received.c.kind == ReceivedKind.MESSAGE.value,
    received.c.outcome == Outcome.ACCEPTED.value,
)
LAST = select(received.c.id, received.c.body).where(*_CAME).order_by(received.c.id.desc()).limit(MOST)
EARLIER = select(received.c.body).where(*_CAME).order_by(received.c.id.desc()).offset(MOST).limit(EARLIER_MOST)
LAST_ID = select(received.c.id).where(*_CAME).order_by(received.c.id.desc()).limit(1)


def release(tx: Tx, claim: Claim, again: float | None = None) -> None:
    """Release a card lane: due at once if the card or a mark on a message is outdated.

    Otherwise in `again` seconds, None for only after an event.
    """
    mine = claim.conversation.id
    card = exists().where(conversations.c.id == mine, conversations.c.wanted != conversations.c.shown)
    marks = exists().where(deliveries.c.conversation_id == mine, OUTDATED)
    there = among(sends.c.state, (*OPEN_SENDS, SendState.DELIVERED))
    present = select(func.coalesce(conversations.c.thread_ts, "")).where(conversations.c.id == mine).scalar_subquery()
    earlier = and_(equals(sends.c.kind, SendKind.ROOT), sends.c.ts != present)
    mine_to_draw = and_(sends.c.conversation_id == mine, sends.c.outdated > 0, there)
    posts = exists().where(mine_to_draw, or_(equals(sends.c.kind, SendKind.POST), earlier))
    behind = tx.conn.execute(select(or_(card, marks, posts))).scalar_one()
    give_back(tx, claim, wait=0.0 if behind else again)


def request_redraw(tx: Tx, conversation_id: int) -> None:
    """Redraw the card, whatever it shows."""
    lock(tx, conversation_id)
    _want(tx, conversation_id, card_fingerprint=None)


def request_check(tx: Tx, conversation_id: int) -> None:
    """Check whether the card is up to date; the conversation is locked."""
    _want(tx, conversation_id)


def _want(tx: Tx, conversation_id: int, **more: None) -> None:
    mine = conversations.c.id == conversation_id
    tx.conn.execute(update(conversations).where(mine).values(wanted=conversations.c.wanted + 1, **more))
    arm(tx, conversation_id, Lane.CARD, 0.0)
