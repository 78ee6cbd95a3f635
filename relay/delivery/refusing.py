"""Tells an agent, alone, that what they want may not be done, and writes it down."""

from __future__ import annotations

import structlog

from relay.delivery.context import DeliveryContext, Replying
from relay.delivery.steps import Author, Refuse
from relay.errors import DeliveryFailed
from relay.messages import Agent, Standing
from relay.store.conversations.replies import is_ended
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim
from relay.store.queue.due import lock
from relay.store.queue.lanes import hold

NO_KEY = "this relay has no KOMMUNICATE_API_KEY, so nothing reaches the customer"
STRANGER = "Kommunicate knows no agent with your e-mail address, and this relay serves known agents only"

GUEST = "you are a guest of this workspace, and this relay serves its members; `replies.guests` can allow it"
OUTSIDER = "you belong to another workspace, and this relay serves its own; `replies.other_workspaces` can allow it"
NO_PERSON = "only people who are active members of this workspace speak to customers"

log = structlog.get_logger()


def may_speak(agent: Agent, replying: Replying, *, comes_from_elsewhere: bool) -> str | None:
    """Return why a user of Slack may not speak to customers, nor press a button; None where they may.

    `comes_from_elsewhere`: what they did names another workspace as theirs.
    """
    standing = agent.standing
    if comes_from_elsewhere and standing in (Standing.MEMBER, Standing.GUEST):
        standing = Standing.OUTSIDER
    if standing in (Standing.BOT, Standing.DEACTIVATED):
        return NO_PERSON
    if standing is Standing.GUEST and not replying.guests:
        return GUEST
    if standing is Standing.OUTSIDER and not replying.other_workspaces:
        return OUTSIDER
    return STRANGER if replying.known_only and not agent.agent_id else None


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
