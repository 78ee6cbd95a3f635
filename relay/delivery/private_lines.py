"""Tells an agent something privately: why their request is not allowed, or a question. Then records it."""

from __future__ import annotations

import structlog

from relay.delivery.context import DeliveryContext
from relay.delivery.steps import SayPrivately
from relay.errors import DeliveryFailed
from relay.failpoints import failpoint
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim
from relay.store.queue.due import lock
from relay.store.queue.lanes import hold

SWITCHED_OFF = "`replies.mode` in the relay's settings does not let messages from here reach the customer"
log = structlog.get_logger()


def say_privately(context: DeliveryContext, claim: Claim, line: SayPrivately) -> None:
    """Tell its author, if that is possible, and settle; the lane is released."""
    told = _tell(context, line)
    failpoint("private.told")

    def work(tx: Tx) -> None:
        lock(tx, claim.conversation.id)
        hold(tx, claim)
        line.settle(tx, told)

    context.write("private_line", work, done=line.done)
    log.info("agent.told", kind=line.kind, told=told)


def _tell(context: DeliveryContext, line: SayPrivately) -> bool:
    """Say something only this agent sees; False if Slack did not accept it, or did not answer."""
    if line.author is None:
        return False
    where = line.author
    try:
        context.slack_at(where.channel).post_ephemeral(
            where.channel,
            where.user_id,
            line.sentence,
            thread_ts=where.thread_ts,
            controls=line.controls,
            rows=line.rows,
        )
    except DeliveryFailed as error:
        log.warning("agent.not_told", channel=where.channel, error=type(error).__name__, code=error.code)
        return False
    return True
