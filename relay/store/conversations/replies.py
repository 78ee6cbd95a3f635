"""What agents want of Kommunicate, in order of writing, and what they see of it on their own messages.

Lock order: conversation, lane; whoever calls holds both.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, case, select, update

from relay.conversation import answered
from relay.store.conversations.state import update_state
from relay.store.conversations.thread_notices import add_notice
from relay.store.db.dialects import among, equals, past
from relay.store.db.engine import Tx
from relay.store.db.rows import AgentAction, Claim, Send
from relay.store.db.tables import OPEN_DELIVERIES, deliveries, received, send_parts, sends
from relay.store.intake.echoes import HOLD_REPLIES, take_key
from relay.store.queue.due import arm, lock
from relay.store.queue.lanes import give_back
from relay.store.queue.sends import carried_deliveries
from relay.vocabulary import CLICK_TOPIC, NO_TOPIC, DeliveryState, Lane, Mark, SendState, ThreadNotice

ENDED = (DeliveryState.DELIVERED, DeliveryState.DEAD, DeliveryState.IGNORED)
SOON = 3.0  # seconds; what takes no longer needs no mark that says it is on its way


# As the index has it too: SQLite does not see that what waits is open.
_WAITING = (equals(deliveries.c.state, DeliveryState.WAITING), among(deliveries.c.state, OPEN_DELIVERIES))


def next_action(tx: Tx, claim: Claim) -> AgentAction | float | None:
    """What was wanted first, or the seconds until it is not to be undone any more; None where nothing waits."""
    edit = received.alias()
    may_go = past(tx, deliveries.c.not_before, deliveries.c.undo)
    row = tx.conn.execute(
        select(
            deliveries.c.id,
            deliveries.c.topic,
            case((may_go, 0.0), else_=deliveries.c.not_before).label("at"),
            received.c.key,
            received.c.body,
            deliveries.c.words_id,
            edit.c.body.label("edit"),
        )
        .join(received, received.c.id == deliveries.c.received_id)
        .outerjoin(edit, edit.c.id == deliveries.c.words_id)
        .where(_of_lane(claim), *_WAITING)
        .order_by(deliveries.c.written_at, deliveries.c.id)
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    if row.at > tx.now:
        return float(row.at - tx.now)
    return AgentAction(row.id, row.topic == CLICK_TOPIC, row.key, row.body, row.words_id, row.edit)


def is_as_read(tx: Tx, action: AgentAction) -> bool:
    """Lock what waits; False where the agent has changed it since it was read, or is changing it."""
    found = (
        select(deliveries.c.id)
        .where(
            deliveries.c.id == action.id,
            deliveries.c.state == DeliveryState.WAITING.value,
            deliveries.c.words_id.is_not_distinct_from(action.edit_id),
        )
        .with_for_update(skip_locked=True)
    )
    return tx.conn.execute(found).one_or_none() is not None


def settle_sent(tx: Tx, claim: Claim, send: Send, key: str | None) -> None:
    """Kommunicate took it, under `key`; None where its echo has told the key already. The lane is given back."""
    mine = claim.conversation.id
    arrived = {"state": SendState.DELIVERED.value, "cause": "", **({} if key is None else {"ts": key})}
    tx.conn.execute(update(sends).where(sends.c.id == send.id).values(**arrived))
    done = {"state": DeliveryState.DELIVERED.value, "settled_at": tx.now, **send.outcome}
    _set_delivery(tx, send, **done)
    update_state(tx, mine, lambda now: answered(now, name=send.payload.get("agent", "")))
    if send.beside:
        add_notice(tx, mine, carried_deliveries(tx, send)[0], ThreadNotice.FILES)
    arm(tx, mine, Lane.CARD, 0.0)
    give_back(tx, claim)


def mark_pending(tx: Tx, claim: Claim, send: Send, cause: str) -> None:
    """Kommunicate may have it: the agent sees that it is on its way."""
    unanswered = and_(sends.c.id == send.id, sends.c.ts.is_(None))
    tx.conn.execute(update(sends).where(unanswered).values(state=SendState.UNSURE.value, cause=cause))
    _set_delivery(tx, send, state=DeliveryState.UNSURE.value, mark=Mark.PENDING.value)
    arm(tx, claim.conversation.id, Lane.CARD, 0.0)


def note_wait(tx: Tx, claim: Claim, delivery_id: int, cause: str, *, for_long: bool) -> None:
    """It cannot go out now, and why; where it takes `for_long`, the agent sees that it is on its way."""
    mine = deliveries.c.id == delivery_id
    tx.conn.execute(update(deliveries).where(mine).values(cause=cause))
    if for_long:
        of_words = and_(mine, deliveries.c.topic == NO_TOPIC)
        tx.conn.execute(update(deliveries).where(of_words).values(mark=Mark.PENDING.value))
        arm(tx, claim.conversation.id, Lane.CARD, 0.0)


def has_echoed(tx: Tx, send: Send) -> bool:
    """True when Kommunicate's webhook has shown this reply."""
    return tx.conn.execute(select(sends.c.ts).where(sends.c.id == send.id)).scalar_one() is not None


def give_up(tx: Tx, claim: Claim, send: Send, cause: str, mark: Mark) -> None:
    """Refused for good, or nobody knows: a dead letter, and a line in the thread with a way to go on."""
    (delivery_id,) = carried_deliveries(tx, send)
    ended = {"state": SendState.REFUSED.value, "cause": cause}
    tx.conn.execute(update(sends).where(sends.c.id == send.id).values(**ended))
    tx.conn.execute(update(send_parts).where(send_parts.c.send_id == send.id).values(live=False))
    bury(tx, claim, delivery_id, cause, mark)


def bury(tx: Tx, claim: Claim, delivery_id: int, cause: str, mark: Mark, *, told: bool = False) -> None:
    """The same for a reply that was not even stored as a send; without the line where the agent was `told` otherwise.

    The lane is given back.
    """
    mine = claim.conversation.id
    values = {"state": DeliveryState.DEAD.value, "cause": cause, "mark": mark.value, "settled_at": tx.now}
    tx.conn.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(**values))
    arm(tx, mine, Lane.CARD, 0.0)
    give_back(tx, claim)
    if not told:
        add_notice(tx, mine, delivery_id, ThreadNotice(mark.value))


def end_click(tx: Tx, delivery_id: int, state: DeliveryState, cause: str = "") -> None:
    """What a click asked for is done, or will not be."""
    ended = {"state": state.value, "cause": cause, "settled_at": tx.now}
    tx.conn.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(**ended))


def is_ended(tx: Tx, delivery_id: int) -> bool:
    """True when nothing more is to be done for what an agent wanted."""
    found = select(deliveries.c.state).where(deliveries.c.id == delivery_id)
    return DeliveryState(tx.conn.execute(found).scalar_one()) in ENDED


def came_late(tx: Tx, claim: Claim, send: Send, key: str) -> None:
    """An answer came back to a lane that was taken over meanwhile: like an echo, it settles what it can."""
    lock(tx, claim.conversation.id)
    tx.run(HOLD_REPLIES, conversation_id=claim.conversation.id)
    if not has_echoed(tx, send):
        take_key(tx, claim.conversation.id, send.id, key)


def send_again(tx: Tx, delivery_id: int) -> bool:
    """Somebody wants a reply that was given up to be sent once more; False where there is nothing to send again."""
    conversation_id = lock_reply(tx, delivery_id)
    if conversation_id is None:
        return False
    again = tx.conn.execute(
        update(deliveries)
        .where(deliveries.c.id == delivery_id, deliveries.c.state == DeliveryState.DEAD.value)
        .values(state=DeliveryState.WAITING.value, cause="", mark=Mark.PENDING.value, not_before=tx.now, undo=0.0)
        .returning(deliveries.c.id)
    ).one_or_none()
    if again is not None:
        arm(tx, conversation_id, Lane.CARD, 0.0)
        arm(tx, conversation_id, Lane.REPLIES, 0.0)
    return again is not None


def is_of(tx: Tx, claim: Claim, delivery_id: int) -> bool:
    """True when this is a reply of the claim's conversation."""
    found = select(deliveries.c.id).where(deliveries.c.id == delivery_id, _of_lane(claim))
    return tx.conn.execute(found).one_or_none() is not None


def lock_reply(tx: Tx, delivery_id: int) -> int | None:
    """Lock the conversation that a reply belongs to, and return it; None where it is no reply."""
    conversation_id: int | None = tx.conn.execute(
        select(deliveries.c.conversation_id).where(
            deliveries.c.id == delivery_id, deliveries.c.lane == Lane.REPLIES.value
        )
    ).scalar_one_or_none()
    if conversation_id is not None:
        lock(tx, conversation_id)
    return conversation_id


def _set_delivery(tx: Tx, send: Send, **values: object) -> None:
    carried = select(send_parts.c.delivery_id).where(send_parts.c.send_id == send.id, send_parts.c.live)
    tx.conn.execute(update(deliveries).where(deliveries.c.id.in_(carried)).values(**values))


def _of_lane(claim: Claim) -> Any:
    return and_(deliveries.c.conversation_id == claim.conversation.id, deliveries.c.lane == claim.lane.value)
