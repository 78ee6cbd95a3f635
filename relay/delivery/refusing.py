"""Tells an agent, alone, that what they want may not be done, and writes it down."""

from __future__ import annotations

import structlog

from relay.delivery.context import DeliveryContext
from relay.delivery.steps import Author, Refuse
from relay.errors import DeliveryFailed
from relay.store.conversations.replies import is_ended
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim
from relay.store.queue.due import lock
from relay.store.queue.lanes import hold

NO_KEY = "this relay has no KOMMUNICATE_API_KEY, so nothing reaches the customer"
log = structlog.get_logger()


def refuse(context: DeliveryContext, claim: Claim, refusal: Refuse) -> None:
    """Tell its author, if that is possible, and settle; the lane is given back."""
    told = refusal.author is not None and _tell(context, refusal.author, refusal.sentence)

    def work(tx: Tx) -> None:
        lock(tx, claim.conversation.id)
        hold(tx, claim)
        refusal.settle(tx, told)

    context.write("refused", work, done=lambda tx: is_ended(tx, refusal.delivery_id))
    log.info("agent.refused", kind=refusal.kind, told=told)


def _tell(context: DeliveryContext, author: Author, sentence: str) -> bool:
    """Say something that only this agent sees; False where Slack did not take it, or did not say so."""
    try:
        context.slack.post_ephemeral(author.channel, author.user_id, sentence, thread_ts=author.thread_ts)
    except DeliveryFailed as error:
        log.warning("agent.not_told", channel=author.channel, error=type(error).__name__, code=error.code)
        return False
    return True
