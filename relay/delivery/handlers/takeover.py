"""A chat that a bot has is taken over before an agent's first reply is sent."""

from __future__ import annotations

from functools import partial

import structlog

from relay.conversation import taken, without_bot
from relay.delivery.context import DeliveryContext
from relay.delivery.steps import Answered, Refused, Result, Step
from relay.store.conversations import replies
from relay.store.conversations.state import update_state
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim, Send
from relay.store.queue import sends
from relay.store.queue.lanes import give_back
from relay.vocabulary import Mark

log = structlog.get_logger()


def call(context: DeliveryContext, claim: Claim, send: Send) -> None:
    """Assign the chat to the agent who is about to reply. Repeating it is harmless."""
    who = send.payload["acting"]
    context.way_back(send.channel).assign(claim.conversation.key.group_id, who, acting=who, from_bot=True)


def settled(tx: Tx, context: DeliveryContext, claim: Claim, send: Send, result: Result) -> Step | None:
    """The reply is next.

    If the bot only wrote and is not known to have the chat, a refusal delays nothing.
    """
    match result:
        case Answered():
            who = {"agent_id": send.payload["acting"], "name": send.payload["agent"], "moment": tx.now}
            update_state(tx, claim.conversation.id, partial(taken, **who))
            log.info("chat.taken_over", conversation=claim.conversation.id)
        case Refused(cause) if send.payload["bot"]:
            sends.forget(tx, send)
            why = f"a bot has this chat, and it could not be taken over ({cause})"
            replies.bury(tx, claim, send.payload["delivery"], why, Mark.FAILED)
            return None
        case Refused():
            update_state(tx, claim.conversation.id, without_bot)
        case _:
            return None
    sends.forget(tx, send)
    give_back(tx, claim)
    return None
