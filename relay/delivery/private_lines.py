"""Tells an agent something privately: why their request is not allowed, or a question. Then records it."""

from __future__ import annotations

from functools import partial

import structlog

from relay.delivery.context import DeliveryContext
from relay.delivery.gates import close_gate
from relay.delivery.steps import Author, SayPrivately
from relay.errors import DeliveryFailed, Permanent, RateLimited
from relay.failpoints import failpoint
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim
from relay.store.queue.due import lock
from relay.store.queue.lanes import hold, put_off
from relay.vocabulary import SendKind

SWITCHED_OFF = "`replies.mode` in the relay's settings does not let messages from here reach the customer"
PATIENCE = 60.0  # seconds that Slack may ask for, and what is to be said is still worth saying

log = structlog.get_logger()


def say_privately(context: DeliveryContext, claim: Claim, line: SayPrivately) -> None:
    """Tell its author, if that is possible, and settle; the lane is released."""
    refused = None if line.author is None else _tell(context, line, line.author)
    failpoint("private.told")
    if isinstance(refused, RateLimited) and _is_waited_for(claim, line, refused):
        context.write("private_line", partial(_put_off, context, claim, line, refused))
        return
    told = line.author is not None and refused is None
    if line.author is not None and refused is not None:
        log.warning("agent.not_told", channel=line.author.channel, error=type(refused).__name__, code=refused.code)

    def work(tx: Tx) -> None:
        lock(tx, claim.conversation.id)
        hold(tx, claim)
        line.settle(tx, told)

    context.write("private_line", work, done=line.done)
    log.info("agent.told", kind=line.kind, told=told)


def _is_waited_for(claim: Claim, line: SayPrivately, limit: RateLimited) -> bool:
    return (limit.retry_after or 0.0) <= PATIENCE and claim.at < (line.waits_until or 0.0)


def _put_off(context: DeliveryContext, claim: Claim, line: SayPrivately, limit: RateLimited, tx: Tx) -> None:
    """While this gate is closed, the lane does what needs no question."""
    lock(tx, claim.conversation.id)
    hold(tx, claim)
    close_gate(tx, context, limit, channel=line.author.channel if line.author else "")
    put_off(tx, claim, 0.0)


def say_to(context: DeliveryContext, author: Author, sentence: str, kind: SendKind) -> bool:
    """Tell somebody something privately about what they did of this kind; False if Slack accepts nothing now."""
    try:
        slack = context.slack_at(author.channel)
        slack.post_ephemeral(author.channel, author.user_id, sentence, thread_ts=author.thread_ts)
    except DeliveryFailed as error:
        log.warning("agent.not_told", channel=author.channel, error=type(error).__name__, code=error.code)
        return isinstance(error, Permanent)  # of this person alone
    log.info("agent.told", kind=kind, told=True)
    return True


def _tell(context: DeliveryContext, line: SayPrivately, where: Author) -> DeliveryFailed | None:
    """Say something only this agent sees; returns why Slack did not accept it, None if it did."""
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
        return error
    return None
