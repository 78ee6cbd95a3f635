"""What agents ask of Kommunicate, in order of writing, and what they see of it on their own messages.

Lock order: conversation, lane; the caller holds both.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, and_, case, false, or_, select, update

from relay.conversation import answered
from relay.messages import Fate
from relay.owners import ACCOUNT
from relay.store.conversations.kept_files import try_again
from relay.store.conversations.state import update_state
from relay.store.conversations.thread_notices import add_notice, end_line, redraw_lines
from relay.store.db.dialects import among, equals, past
from relay.store.db.engine import Tx
from relay.store.db.rows import AgentAction, Claim, Send
from relay.store.db.tables import OPEN_DELIVERIES, deliveries, received, send_parts, sends
from relay.store.intake.echoes import HOLD_REPLIES, take_key
from relay.store.queue.due import arm, lock
from relay.store.queue.lanes import give_back
from relay.store.queue.sends import carried_deliveries
from relay.store.queue.waiting import fate_of
from relay.vocabulary import (
    CLICK_TOPIC,
    NO_TOPIC,
    DeliveryState,
    Lane,
    Mark,
    ReceivedKind,
    SendState,
    Source,
    ThreadNotice,
)

ENDED = (DeliveryState.DELIVERED, DeliveryState.DEAD, DeliveryState.IGNORED)
SOON = 3.0  # seconds; anything faster needs no mark
LONG = 20.0  # seconds; anything slower is reported, with the reason
NO_ANSWER = "Kommunicate did not answer"  # the cause of a send that was given up, but may have arrived


# As in the index: SQLite does not infer that what waits is open.
_WAITING = (equals(deliveries.c.state, DeliveryState.WAITING), among(deliveries.c.state, OPEN_DELIVERIES))


def next_action(tx: Tx, claim: Claim, *, asks_in: float = 0.0) -> AgentAction | float | None:
    """The oldest action, or the seconds until it can no longer be undone; None if nothing waits.

    An author who must be asked is asked at once, whatever the position, or if nobody can be asked yet, `asks_in`
    seconds; until they have answered, or taken too long, no later reply is sent.
    """
    to_ask = and_(deliveries.c.asks != "", ~deliveries.c.asked)
    row = _first(tx, claim, case((to_ask, 1 if asks_in else 0), else_=1))
    if row is not None and row.asks and (row.asked or asks_in):  # only an answer that has not arrived is too late
        row = _beside_question(tx, claim, clicks_only=not row.asked or row.at <= tx.now) or row
    if row is None:
        return None
    if row.asks and not row.asked and asks_in:
        return asks_in
    if row.at > tx.now and not (row.asks and not row.asked):
        return float(row.at - tx.now)
    action = AgentAction(row.id, row.topic == CLICK_TOPIC, row.key, row.body, row.words_id, row.edit)
    asking = {"asks": row.asks, "asked": row.asked, "is_behind": row.is_behind}
    return replace(action, **asking, written_at=row.written_at, by_hand=row.by_hand)


def _beside_question(tx: Tx, claim: Claim, *, clicks_only: bool) -> Any:
    """What can be done while the author of the next reply is being asked; None for nothing.

    A click's action, which may be the answer; and the author of a later reply learns that it waits, once it can no
    longer be undone.
    """
    is_click = deliveries.c.topic == CLICK_TOPIC
    behind = and_(~is_click, deliveries.c.asks == "", deliveries.c.mark != Mark.PENDING.value)
    which = is_click if clicks_only else or_(is_click, behind)
    return _first(tx, claim, case((is_click, 0), else_=1), which, is_behind=~is_click)


def _first(
    tx: Tx,
    claim: Claim,
    order: ColumnElement[Any],
    which: ColumnElement[bool] | None = None,
    is_behind: ColumnElement[bool] | None = None,
) -> Any:
    edit = received.alias()
    may_go = past(tx, deliveries.c.not_before, deliveries.c.undo)
    return tx.conn.execute(
        select(
            deliveries.c.id,
            deliveries.c.topic,
            case((may_go, 0.0), else_=deliveries.c.not_before).label("at"),
            received.c.key,
            received.c.body,
            deliveries.c.words_id,
            edit.c.body.label("edit"),
            deliveries.c.asks,
            deliveries.c.asked,
            deliveries.c.by_hand,
            deliveries.c.written_at,
            (false() if is_behind is None else is_behind).label("is_behind"),
        )
        .join(received, received.c.id == deliveries.c.received_id)
        .outerjoin(edit, edit.c.id == deliveries.c.words_id)
        .where(_of_lane(claim), *_WAITING, *(() if which is None else (which,)))
        .order_by(order, deliveries.c.written_at, deliveries.c.id)
        .limit(1)
    ).one_or_none()


def is_as_read(tx: Tx, action: AgentAction) -> bool:
    """Lock what waits; False if the agent has changed it since it was read, or is changing it."""
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
    """Kommunicate accepted it, under `key`; None if its echo already provided the key. The lane is released."""
    mine = claim.conversation.id
    arrived = {"state": SendState.DELIVERED.value, "cause": "", **({} if key is None else {"ts": key})}
    tx.conn.execute(update(sends).where(sends.c.id == send.id).values(**arrived))
    done = {"state": DeliveryState.DELIVERED.value, "settled_at": tx.now, **send.outcome}
    _set_delivery(tx, send, **done)
    update_state(tx, mine, partial(answered, name=send.payload.get("agent", ""), agent_id=send.payload.get("agent_id")))
    (delivery_id,) = carried_deliveries(tx, send)
    end_line(tx, delivery_id)
    redraw_lines(tx, mine, delivery_id)
    if send.beside:
        add_notice(tx, mine, delivery_id, ThreadNotice.FILES)
    arm(tx, mine, Lane.CARD, 0.0)
    give_back(tx, claim)


def mark_pending(tx: Tx, claim: Claim, send: Send, cause: str) -> None:
    """Kommunicate may have it: the agent sees that it is on its way."""
    unanswered = and_(sends.c.id == send.id, sends.c.ts.is_(None))
    tx.conn.execute(update(sends).where(unanswered).values(state=SendState.UNSURE.value, cause=cause))
    _set_delivery(tx, send, state=DeliveryState.UNSURE.value, mark=Mark.PENDING.value)
    arm(tx, claim.conversation.id, Lane.CARD, 0.0)


def note_wait(tx: Tx, claim: Claim, delivery_id: int, cause: str, *, waits: float, left: float | None) -> None:
    """It cannot be sent now, and why; it `waits`, in seconds so far, and is tried for what is `left` (None: for ever).

    If that takes longer, the agent sees that it is on its way, and then why it has not arrived.
    """
    mine = deliveries.c.id == delivery_id
    until = None if left is None else tx.now + left
    tx.conn.execute(update(deliveries).where(mine).values(cause=cause, tries_until=until))
    of_words = and_(mine, deliveries.c.topic == NO_TOPIC)
    if waits > SOON:
        tx.conn.execute(update(deliveries).where(of_words).values(mark=Mark.PENDING.value))
        arm(tx, claim.conversation.id, Lane.CARD, 0.0)
    if waits > LONG and tx.conn.execute(select(deliveries.c.id).where(of_words)).one_or_none() is not None:
        add_notice(tx, claim.conversation.id, delivery_id, ThreadNotice.DELAYED)


def has_echoed(tx: Tx, send: Send) -> bool:
    """True if Kommunicate's webhook has shown this reply."""
    return tx.conn.execute(select(sends.c.ts).where(sends.c.id == send.id)).scalar_one() is not None


def give_up(tx: Tx, claim: Claim, send: Send, cause: str, mark: Mark) -> None:
    """Refused for good, or unknown: a dead letter, and a line in the thread with a way to continue."""
    (delivery_id,) = carried_deliveries(tx, send)
    ended = {"state": SendState.REFUSED.value, "cause": cause}
    tx.conn.execute(update(sends).where(sends.c.id == send.id).values(**ended))
    tx.conn.execute(update(send_parts).where(send_parts.c.send_id == send.id).values(live=False))
    bury(tx, claim, delivery_id, cause, mark)


def bury(tx: Tx, claim: Claim, delivery_id: int, cause: str, mark: Mark, *, told: bool = False) -> None:
    """The same for a reply that was not yet stored as a send; without the line if the agent was `told` otherwise.

    The lane is released.
    """
    mine = claim.conversation.id
    if mark is Mark.FAILED and may_have_arrived(tx, delivery_id):
        mark, cause = Mark.UNSURE, f"{cause}; an earlier try was not answered"
    values = {"state": DeliveryState.DEAD.value, "cause": cause, "mark": mark.value, "settled_at": tx.now}
    tx.conn.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(**values))
    arm(tx, mine, Lane.CARD, 0.0)
    give_back(tx, claim)
    redraw_lines(tx, mine, delivery_id)
    if not told:
        add_notice(tx, mine, delivery_id, ThreadNotice(mark.value))


def may_have_arrived(tx: Tx, delivery_id: int) -> bool:
    """True if nobody knows what became of an earlier try."""
    earlier = and_(send_parts.c.delivery_id == delivery_id, ~send_parts.c.live, send_parts.c.send_id == sends.c.id)
    given_up = and_(equals(sends.c.state, SendState.REFUSED), sends.c.cause == NO_ANSWER)
    return tx.conn.execute(select(sends.c.id).where(earlier, given_up).limit(1)).one_or_none() is not None


def end_click(tx: Tx, delivery_id: int, state: DeliveryState, cause: str = "", by: str = "") -> None:
    """A click's action is done, or will not be; `by` is the name of the person who clicked."""
    ended = {"state": state.value, "cause": cause, "settled_at": tx.now, "pressed_by": by}
    tx.conn.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(**ended))


def fate(tx: Tx, delivery_id: int) -> Fate:
    """The state of something an agent did."""
    return fate_of(tx.conn.execute(select(deliveries).where(deliveries.c.id == delivery_id)).one())


def is_ended(tx: Tx, delivery_id: int) -> bool:
    """True if nothing more is to be done for an agent's action."""
    return fate(tx, delivery_id).state in ENDED


def came_late(tx: Tx, claim: Claim, send: Send, key: str) -> None:
    """An answer came back to a lane that was taken over meanwhile: like an echo, it settles what it can."""
    lock(tx, claim.conversation.id)
    tx.run(HOLD_REPLIES, conversation_id=claim.conversation.id)
    if not has_echoed(tx, send):
        take_key(tx, claim.conversation.id, send.id, key)


def send_again(tx: Tx, delivery_id: int, by: str = "") -> bool:
    """`by` wants to resend a reply that was given up; False if there is nothing to resend."""
    return let_go(tx, delivery_id, by, deliveries.c.state == DeliveryState.DEAD.value)


def let_go(tx: Tx, delivery_id: int, by: str, which: ColumnElement[bool]) -> bool:
    """`by` decides that it is sent, whatever it looks like; False if it is none of `which`."""
    conversation_id = lock_reply(tx, delivery_id)
    if conversation_id is None:
        return False
    freely = {"not_before": tx.now, "undo": 0.0, "asks": "", "by_hand": True}
    goes = {"state": DeliveryState.WAITING.value, "cause": "", "mark": Mark.PENDING.value, "pressed_by": by, **freely}
    chosen = update(deliveries).where(deliveries.c.id == delivery_id, which).values(**goes)
    if tx.conn.execute(chosen.returning(deliveries.c.id)).one_or_none() is None:
        return False
    arm(tx, conversation_id, Lane.CARD, 0.0)
    arm(tx, conversation_id, Lane.REPLIES, 0.0)
    redraw_lines(tx, conversation_id, delivery_id)
    try_again(tx, delivery_id)
    return True


def is_of(tx: Tx, claim: Claim, delivery_id: int) -> bool:
    """True if this is a reply in the claim's conversation."""
    found = select(deliveries.c.id).where(deliveries.c.id == delivery_id, _of_lane(claim))
    return tx.conn.execute(found).one_or_none() is not None


def of_message(tx: Tx, claim: Claim, key: str) -> int | None:
    """The action in Kommunicate of the message with this key, if it is in this conversation."""
    message = and_(received.c.kind == ReceivedKind.MESSAGE.value, received.c.key == key)
    mine = and_(received.c.source == Source.SLACK.value, received.c.account == ACCOUNT, message)
    found = select(deliveries.c.id).join(received, received.c.id == deliveries.c.received_id).where(mine)
    delivery_id: int | None = tx.conn.execute(found.where(_of_lane(claim))).scalar_one_or_none()
    return delivery_id


def lock_reply(tx: Tx, delivery_id: int) -> int | None:
    """Lock the conversation of a reply, and return it; None if it is not a reply."""
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
