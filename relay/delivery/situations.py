"""What the policy needs to know about a send whose call failed, read in the transaction that records the failure."""

from __future__ import annotations

from relay.delivery.policy import Schedule, Situation
from relay.messages import Form
from relay.store.conversations import files
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim, Send
from relay.store.queue import refusals, sends
from relay.vocabulary import SendKind


def situation(tx: Tx, claim: Claim, send: Send, elapsed: float, schedule: Schedule) -> Situation:
    """What the policy needs to know about a send."""
    carried = sends.carried_deliveries(tx, send)
    form = claim.conversation.root_form
    if send.kind is SendKind.POST:
        form = refusals.current_form(tx, carried[0]) if carried else Form.FULL
    if send.kind is SendKind.UPLOAD:  # each file has its own count of tries
        spent = files.age(tx, send.payload["delivery"])
        return Situation(send.kind, 1, form, schedule.attempts_in(spent), spent, send.resent, elapsed)
    return Situation(send.kind, len(carried), form, claim.attempts, claim.spent, send.resent, elapsed)
