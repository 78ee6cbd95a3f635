"""Lines in which the relay itself speaks in a thread, queued like messages.

What has become of a reply is one line, drawn again whenever that changes; so is what an agent has changed of it since.
Lock order: whoever calls holds the conversation.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, insert, literal, select, update

from relay.store.db.dialects import equals
from relay.store.db.engine import Tx
from relay.store.db.tables import NOT_DELIVERED, conversations, deliveries, send_parts, sends
from relay.store.queue.due import arm
from relay.vocabulary import CHANGE, FATE, DeliveryState, Lane, SendKind, ThreadNotice

# Each has one line for a delivery, which is drawn again when something becomes of that.
DRAWN = (FATE, CHANGE, (ThreadNotice.NO_FILE,))


def add_notice(tx: Tx, conversation_id: int, delivery_id: int, topic: ThreadNotice) -> None:
    """Say in the thread what there is to say of a delivery; a line there that is about the same says it from now on."""
    if _say_on_line(tx, conversation_id, delivery_id, topic):
        return
    columns = ("conversation_id", "lane", "received_id", "about", "topic", "created_at")
    notice = select(
        deliveries.c.conversation_id,
        literal(Lane.WORDS.value),
        deliveries.c.received_id,
        deliveries.c.id,
        literal(topic.value),
        literal(tx.now),
    ).where(deliveries.c.id == delivery_id)
    tx.conn.execute(insert(deliveries).from_select(columns, notice))
    arm(tx, conversation_id, Lane.WORDS, 0.0)


def refuse_moves(tx: Tx, conversation_id: int, cause: str) -> None:
    """A chat could not go where an agent had moved it: the line that waits there says so, wherever the chat is now."""
    lines = update(deliveries).where(_moves(conversation_id))
    clicks = tx.conn.execute(lines.values(topic=ThreadNotice.REFUSED.value).returning(deliveries.c.about)).scalars()
    if ids := list(clicks):
        tx.conn.execute(update(deliveries).where(deliveries.c.id.in_(ids)).values(cause=cause))


def moving_to(tx: Tx, conversation_id: int) -> str | None:
    """The channel to which an agent has moved a chat that is not there yet; None for none."""
    click = deliveries.alias()
    lines = select(click.c.cause).join(deliveries, deliveries.c.about == click.c.id).where(_moves(conversation_id))
    last = lines.order_by(deliveries.c.id.desc()).limit(1)
    channel: str | None = tx.conn.execute(last).scalar_one_or_none()
    return channel


def _moves(conversation_id: int) -> ColumnElement[bool]:
    """The lines that wait to say that an agent has moved a chat."""
    here = and_(deliveries.c.conversation_id == conversation_id, deliveries.c.lane == Lane.WORDS.value)
    moves = and_(NOT_DELIVERED, deliveries.c.topic == ThreadNotice.MOVED.value)
    return and_(here, moves, deliveries.c.state == DeliveryState.WAITING.value)


def redraw_lines(tx: Tx, conversation_id: int, delivery_id: int) -> None:
    """Something has become of a delivery: what stands in the thread about it, or about what it corrects, says so."""
    corrects = select(deliveries.c.id).where(deliveries.c.correction_id == delivery_id)
    about = [delivery_id, *tx.conn.execute(corrects).scalars()]
    _redraw(tx, conversation_id, deliveries.c.about.in_(about))


def end_line(tx: Tx, delivery_id: int) -> None:
    """A reply has arrived: a line that should have said that it has not, and nobody has seen, is no longer needed."""
    unseen = and_(_of(delivery_id, FATE), equals(deliveries.c.state, DeliveryState.WAITING))
    needed = deliveries.c.topic == ThreadNotice.SAID.value
    ended = {"state": DeliveryState.IGNORED.value, "settled_at": tx.now}
    tx.conn.execute(update(deliveries).where(unseen, ~needed).values(**ended))


def _say_on_line(tx: Tx, conversation_id: int, delivery_id: int, topic: ThreadNotice) -> bool:
    group = next((group for group in DRAWN if topic in group), None)
    if group is None:
        return False
    line = and_(_of(delivery_id, group), deliveries.c.state != DeliveryState.IGNORED.value)
    # One that stands in an earlier thread is not looked at any more.
    here = select(conversations.c.thread_ts).where(conversations.c.id == conversation_id).scalar_subquery()
    elsewhere = (
        select(send_parts.c.delivery_id)
        .join(sends, sends.c.id == send_parts.c.send_id)
        .where(send_parts.c.delivery_id == deliveries.c.id, send_parts.c.live, sends.c.thread_ts != here)
        .correlate(deliveries)
        .exists()
    )
    row = tx.conn.execute(select(deliveries.c.id, deliveries.c.topic).where(line, ~elsewhere).limit(1)).one_or_none()
    if row is None:
        return False
    if row.topic != ThreadNotice.SAID.value:  # it says all the others say, and the words
        tx.conn.execute(update(deliveries).where(deliveries.c.id == row.id).values(topic=topic.value))
    _redraw(tx, conversation_id, deliveries.c.id == row.id)
    return True


def _of(delivery_id: int, group: Sequence[ThreadNotice]) -> ColumnElement[bool]:
    return and_(deliveries.c.about == delivery_id, deliveries.c.topic.in_([topic.value for topic in group]))


def _redraw(tx: Tx, conversation_id: int, which: ColumnElement[bool]) -> None:
    """The posts that carry these lines are outdated."""
    lines = select(deliveries.c.id).where(
        which, deliveries.c.topic.in_([one.value for group in DRAWN for one in group])
    )
    carrying = select(send_parts.c.send_id).where(send_parts.c.delivery_id.in_(lines), send_parts.c.live)
    ids = tx.conn.execute(carrying).scalars().all()
    posts = update(sends).where(sends.c.id.in_(ids), equals(sends.c.kind, SendKind.POST))
    if tx.conn.execute(posts.values(outdated=sends.c.outdated + 1).returning(sends.c.id)).all():
        arm(tx, conversation_id, Lane.CARD, 0.0)
