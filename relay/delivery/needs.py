"""What a send needs but could not get: its lane waits, so that nothing overtakes it, or its agent is told."""

from __future__ import annotations

import structlog

from relay.delivery.context import NO_WORKSPACE, DeliveryContext
from relay.delivery.gates import close_gate
from relay.delivery.policy import GiveUp, Retry, Situation, WaitAtGate, decide
from relay.delivery.steps import Need, Step
from relay.delivery.waits import waits_at_gate
from relay.errors import DeliveryFailed, OperatorNeeded, RateLimited, Transient, Unsure
from relay.messages import Form
from relay.store.conversations.replies import note_wait
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim
from relay.store.queue.due import lock
from relay.store.queue.lanes import give_back, hold, put_off
from relay.vocabulary import GateScope, SendKind

log = structlog.get_logger()


def give_up_need(context: DeliveryContext, claim: Claim, need: Need, error: DeliveryFailed) -> Step | None:
    """A need failed: the lane is released until it may succeed, or its agent is told."""
    log.warning("send.not_ready", needs=need.what, error=type(error).__name__, code=error.code)
    error = _as_asked(need, error)
    at = Situation(need.kind, 1, Form.FULL, claim.attempts, claim.spent, 0, 0.0)
    verdict = decide(error, at, context.schedule(need.kind))
    wait = verdict.wait if isinstance(verdict, Retry) else None

    def work(tx: Tx) -> Step | None:
        lock(tx, claim.conversation.id)
        hold(tx, claim)
        if isinstance(verdict, GiveUp) and need.refuse is not None:
            return need.refuse(str(error))
        if need.delivery_id is not None:
            waits = waits_at_gate(error) if wait is None else claim.spent + wait
            left = None if wait is None else context.schedule(need.kind).give_up_after - claim.spent
            note_wait(tx, claim, need.delivery_id, str(error), waits=waits, left=left)
        if wait is not None:
            give_back(tx, claim, wait=wait, attempts=claim.attempts + 1, spent=claim.spent + wait)
        else:
            place, closes = claim.conversation, error
            if not isinstance(verdict, WaitAtGate):  # it will never succeed: its channel waits for a person
                closes = OperatorNeeded(GateScope.CHANNEL, str(error), code=error.code)
            seconds = close_gate(tx, context, closes, channel=place.channel or "", account=place.key.account)
            put_off(tx, claim, seconds if isinstance(error, RateLimited) else 0.0)
        return None

    return context.write("not_ready", work)


def _as_asked(need: Need, error: DeliveryFailed) -> DeliveryFailed:
    """What a failed question means for the send that needs its answer."""
    if isinstance(error, Unsure):  # a question changes nothing, so it can be repeated
        return Transient(str(error), code=error.code)
    if isinstance(error, OperatorNeeded) and error.code != NO_WORKSPACE and need.kind is SendKind.POST:
        # Only this name waits, even if the scope is missing: channels given by id need no look-up.
        return OperatorNeeded(GateScope.CHANNEL, str(error), code=error.code)
    return error
