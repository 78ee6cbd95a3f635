"""What a refusal does to the deliveries a send carried: send them singly, step down a form, or bury them.

A buried delivery is a dead letter: it keeps its cause, and its thread is told once that a message is missing. The
caller holds the lane, and releases it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import case, select, update

from relay.messages import Form
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim, Send
from relay.store.db.tables import conversations, deliveries, send_parts
from relay.store.queue.sends import WHOLE_NOTICE, carried_deliveries, drop, void_frozen
from relay.vocabulary import DeliveryState, SendState


def current_form(tx: Tx, delivery_id: int) -> Form:
    """How richly a delivery is currently shown."""
    return Form(tx.conn.execute(select(deliveries.c.form).where(deliveries.c.id == delivery_id)).scalar_one())


def dissolve(tx: Tx, claim: Claim, send: Send, cause: str) -> None:
    """A batch was refused: its members are sent singly, so that only the culprit suffers."""
    _after_refusal(tx, claim, send, cause, {"alone": True})


def degrade(tx: Tx, claim: Claim, send: Send, cause: str, form: Form) -> None:
    """One message or card was refused: the same again in a lower form."""
    if send.is_root:
        set_root_form(tx, claim, form)
    _after_refusal(tx, claim, send, cause, {} if send.is_root else {"form": form.value})


def set_root_form(tx: Tx, claim: Claim, form: Form) -> None:
    """How the next card of this conversation is shown."""
    mine = conversations.c.id == claim.conversation.id
    tx.conn.execute(update(conversations).where(mine).values(root_form=form.value))


def bury(tx: Tx, claim: Claim, send: Send, cause: str) -> None:
    """One message was refused for good: a dead letter, and a notice in its place. A refused notice gets none."""
    notices = select(send_parts.c.delivery_id).where(send_parts.c.send_id == send.id, send_parts.c.part == WHOLE_NOTICE)
    is_notice = deliveries.c.id.in_(notices)
    values = {
        "state": DeliveryState.DEAD.value,
        "cause": case((is_notice, deliveries.c.cause), else_=cause),
        "notice_due": case((is_notice, False), else_=True),
        "settled_at": case((is_notice, deliveries.c.settled_at), else_=tx.now),
    }
    _after_refusal(tx, claim, send, cause, values)


def bury_unrendered(tx: Tx, delivery_id: int, cause: str) -> None:
    """A message that cannot be rendered is a dead letter too; the lane continues."""
    dead = DeliveryState.DEAD.value
    tx.conn.execute(
        update(deliveries)
        .where(deliveries.c.id == delivery_id)
        .values(
            state=dead,
            cause=cause,
            notice_due=case((deliveries.c.state == dead, False), else_=True),
            settled_at=tx.now,
        )
    )


def take_back(tx: Tx, claim: Claim, send: Send, cause: str) -> None:
    """The message is not at fault: what the send carried waits again, unchanged."""
    _after_refusal(tx, claim, send, cause, {})


def repeat_marked(tx: Tx, claim: Claim, send: Send, cause: str) -> None:
    """Nobody can find out whether it was done: send it again, marked as possibly repeated."""
    _after_refusal(tx, claim, send, cause, {"may_repeat": True, "alone": True})


def may_repeat(tx: Tx, send: Send) -> bool:
    """True if something a send carries is sent a second time without anybody knowing about the first."""
    carried = carried_deliveries(tx, send)
    found = select(deliveries.c.id).where(deliveries.c.id.in_(carried), deliveries.c.may_repeat).limit(1)
    return tx.conn.execute(found).one_or_none() is not None


def _after_refusal(tx: Tx, claim: Claim, send: Send, cause: str, values: dict[str, Any]) -> None:
    carried = carried_deliveries(tx, send)
    drop(tx, send, SendState.REFUSED, cause)
    void_frozen(tx, claim)
    if values and carried:
        tx.conn.execute(update(deliveries).where(deliveries.c.id.in_(carried)).values(**values))
