"""What replies and clicks have in common: who may, how often it is tried, and how an agent is told."""

from __future__ import annotations

import structlog

from relay.delivery.context import DeliveryContext
from relay.errors import DeliveryFailed, OperatorNeeded, RateLimited
from relay.store.conversations import replies
from relay.store.conversations.replies import Reply
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim
from relay.store.queue import gates
from relay.vocabulary import Vendor

SLOWEST = 60.0  # seconds between tries at most: a customer waits for this
NO_KEY = "this relay has no KOMMUNICATE_API_KEY, so nothing reaches the customer"
STRANGER = "Kommunicate knows no agent with your e-mail address, and this relay serves known agents only"

log = structlog.get_logger()


def next_try(out: DeliveryContext, held: Claim) -> float | None:
    """Seconds until the next try; None when the customer has waited long enough and the agent must know."""
    left = (out.replying.give_up_after if out.replying else 0.0) - held.spent
    return min(out.schedule.delay(held.attempts), SLOWEST, left) if left > 0 else None


def put_off(out: DeliveryContext, held: Claim, waiting: Reply, error: DeliveryFailed) -> bool:
    """Try again later, or when Kommunicate's gate opens; False where it was tried for long enough."""
    log.warning("reply.put_off", delivery=waiting.id, error=type(error).__name__, code=error.code)
    at_gate = isinstance(error, OperatorNeeded) or _limits_kommunicate(error)
    wait = 0.0 if at_gate else next_try(out, held)
    if wait is None:
        return False
    with out.store.begin() as tx:
        replies.put_off(tx, held, waiting.id, wait, str(error), at_gate=at_gate)
        if at_gate:
            close_gate(out, tx, held, error)
    return True


def close_gate(out: DeliveryContext, tx: Tx, held: Claim, error: DeliveryFailed) -> None:
    """Let no call to this account of Kommunicate's set out for a while."""
    account = held.conversation.key.account
    if isinstance(error, RateLimited):
        gates.close_for_rate_limit(tx, "account", account, error.retry_after, pace=out.pace, code=error.code)
    else:
        gates.close_for_operator(tx, "account", account, cause=str(error), code=error.code)


def post_ephemeral(
    out: DeliveryContext, channel: str, user_id: str, sentence: str, *, thread_ts: str | None = None
) -> bool:
    """Say something that only this agent sees; False where Slack did not take it, or did not say so."""
    try:
        out.slack.post_ephemeral(channel, user_id, sentence, thread_ts=thread_ts)
    except DeliveryFailed as error:
        log.warning("agent.not_told", channel=channel, error=type(error).__name__, code=error.code)
        return False
    return True


def _limits_kommunicate(error: DeliveryFailed) -> bool:
    """True for a limit of Kommunicate's."""
    return isinstance(error, RateLimited) and error.vendor is Vendor.KOMMUNICATE
