"""What a refusal does to the deliveries a send carried: go singly, step down a form, or be buried.

A buried delivery is a dead letter: it keeps its cause, and its thread is told once that a message is missing.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import case, select, update

from relay.messages import Form
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim, Send
from relay.store.db.tables import conversations, deliveries, send_parts
from relay.store.queue import gates
from relay.store.queue.lanes import give_back, hold
from relay.store.queue.sends import WHOLE_NOTICE, drop, void_frozen


def carried_deliveries(tx: Tx, send: Send) -> list[int]:
    """The ids of the deliveries that a live send carries, in order."""
    rows = tx.conn.execute(
        select(send_parts.c.delivery_id)
        .where(send_parts.c.send_id == send.id, send_parts.c.live)
        .distinct()
        .order_by(send_parts.c.delivery_id)
    )
    return [row.delivery_id for row in rows]


def current_form(tx: Tx, delivery_id: int) -> Form:
    """How richly a delivery is shown at present."""
    return Form(tx.conn.execute(select(deliveries.c.form).where(deliveries.c.id == delivery_id)).scalar_one())


def dissolve(tx: Tx, held: Claim, send: Send, cause: str) -> None:
    """A batch was refused: its members go singly, so that only the culprit suffers."""
    _after_refusal(tx, held, send, cause, {"alone": True})


def degrade(tx: Tx, held: Claim, send: Send, cause: str, form: Form) -> None:
    """One message was refused: the same message again in a lower form."""
    _after_refusal(tx, held, send, cause, {"form": form.value})


def bury(tx: Tx, held: Claim, send: Send, cause: str) -> None:
    """One message was refused for good: a dead letter, and a notice where it is missing. A notice gets none."""
    notices = select(send_parts.c.delivery_id).where(send_parts.c.send_id == send.id, send_parts.c.part == WHOLE_NOTICE)
    is_notice = deliveries.c.id.in_(notices)
    values = {
        "state": "dead",
        "cause": case((is_notice, deliveries.c.cause), else_=cause),
        "notice_due": case((is_notice, False), else_=True),
        "settled_at": tx.now,
    }
    _after_refusal(tx, held, send, cause, values)


def bury_unrendered(tx: Tx, held: Claim, delivery_id: int, cause: str) -> None:
    """A message that cannot even be rendered is a dead letter too; the lane goes on."""
    hold(tx, held)
    tx.conn.execute(
        update(deliveries)
        .where(deliveries.c.id == delivery_id)
        .values(
            state="dead",
            cause=cause,
            notice_due=case((deliveries.c.state == "dead", False), else_=True),
            settled_at=tx.now,
        )
    )
    give_back(tx, held)


def degrade_root(tx: Tx, held: Claim, send: Send, cause: str, form: Form) -> None:
    """The card was refused: the next one is plainer."""
    tx.conn.execute(
        update(conversations).where(conversations.c.id == held.conversation.id).values(root_form=form.value)
    )
    _after_refusal(tx, held, send, cause, {})


def close_channel_for_root(tx: Tx, held: Claim, send: Send, cause: str, code: str) -> None:
    """Even the plain card was refused: something is wrong with the channel, which a person must see to."""
    tx.conn.execute(
        update(conversations).where(conversations.c.id == held.conversation.id).values(root_form=Form.FULL.value)
    )
    hold(tx, held)
    gates.close_for_operator(tx, "channel", send.channel, cause=cause, code=code)
    _after_refusal(tx, held, send, cause, {})


def _after_refusal(tx: Tx, held: Claim, send: Send, cause: str, values: dict[str, Any]) -> None:
    hold(tx, held)
    carried = carried_deliveries(tx, send)
    drop(tx, send, "refused", cause)
    void_frozen(tx, held)
    if values and carried:
        tx.conn.execute(update(deliveries).where(deliveries.c.id.in_(carried)).values(**values))
    give_back(tx, held)
