"""What an agent wrote goes to the customer, once and in order; the agent sees on their own message what became of it.

A call without an answer is never repeated: its echo on the webhook settles it, or after a while the agent is told.
"""

from __future__ import annotations

import structlog

from relay.conversation import ConversationState, Holder, taken, without_bot
from relay.delivery.context import DeliveryContext, Replying
from relay.delivery.desk import NO_KEY, STRANGER, close_gate, next_try, post_ephemeral, put_off
from relay.delivery.handlers.clicks import act
from relay.errors import DeliveryFailed, OperatorNeeded, Permanent, RateLimited, Rejected, Unsure
from relay.failpoints import failpoint
from relay.messages import Agent
from relay.slack.events import AgentEdit, AgentWords
from relay.slack.notes import customer_text
from relay.slack.parse import parse_event
from relay.store.conversations import replies
from relay.store.conversations.replies import FAILED, UNSURE, Draft, Reply
from relay.store.db.rows import Claim, Send
from relay.store.intake.clicks import CLICK
from relay.store.queue.lanes import Fenced

ECHO_AFTER = 30.0  # seconds that Kommunicate's echo of an unanswered call is waited for
NO_ANSWER = "Kommunicate did not answer, so it may not have arrived"
ONLY_FILES = "files do not reach the customer yet"
GONE = "its content is no longer stored"

Said = AgentWords | AgentEdit

log = structlog.get_logger()


def reply(out: DeliveryContext, held: Claim) -> None:
    """Take a claimed `replies` lane one step further and give it back."""
    send = held.head
    if send is None:
        send = _next(out, held)
    elif send.state != "frozen":
        _settle_unanswered(out, held, send)
        return
    if send is not None and out.replying is not None:
        _send(out, out.replying, held, send)


def _next(out: DeliveryContext, held: Claim) -> Send | None:
    with out.store.begin() as tx:
        waiting = replies.next_reply(tx, held)
    if waiting is None:
        return None
    if waiting.topic == CLICK:
        act(out, held, waiting)
        return None
    try:
        return _freeze(out, held, waiting)
    except DeliveryFailed as error:
        _put_off(out, held, waiting, error)
        return None


def _freeze(out: DeliveryContext, held: Claim, waiting: Reply) -> Send | None:
    said = _event(waiting.body)
    draft = _draft(out, waiting, said)
    if isinstance(draft, str):
        _refuse(out, held, waiting, said, draft)
        return None
    if out.replying is not None and held.conversation.state.bot_active:
        _take_over_first(out, out.replying, held, waiting, draft)
        return None
    with out.store.begin("reply_freeze") as tx:
        return replies.freeze_reply(tx, held, waiting, draft, lease=out.lease)


def _draft(out: DeliveryContext, waiting: Reply, said: Said | None) -> Draft | str:
    """The call to make, or why nobody may make it."""
    if out.replying is None:
        return NO_KEY
    now = _event(waiting.edit) if waiting.edit else said
    if said is None or now is None:
        return GONE
    text = customer_text(now.blocks, now.text, out.replying.agents.names(said.team, now.blocks, now.text))
    if not text.strip():
        return ONLY_FILES
    agent = out.replying.agents.of(said.team, said.user_id or "")
    if not agent.agent_id and out.replying.known_only:
        return STRANGER
    files = isinstance(said, AgentWords) and bool(said.files)
    return Draft(_signed(text, agent), agent.agent_id or out.replying.sender, agent.name, files)


def _signed(text: str, agent: Agent) -> str:
    """The relay's own sender speaks for many: whoever really wrote is named in front."""
    return text if agent.agent_id else f"{agent.name}: {text}"


def _event(body: bytes | None) -> Said | None:
    if body is None:
        return None
    try:
        event = parse_event(body)
    except Rejected:
        return None
    return event if isinstance(event, AgentWords | AgentEdit) else None


def _refuse(out: DeliveryContext, held: Claim, waiting: Reply, said: Said | None, cause: str) -> None:
    """Nobody may send it, or nothing is left of it: said to its author alone, or where that fails, in the thread."""
    sentence = f"Not sent to the customer: {cause}."
    told = False
    if said is not None and said.user_id:
        told = post_ephemeral(out, said.channel, said.user_id, sentence, thread_ts=said.thread_ts)
    with out.store.begin() as tx:
        replies.bury_reply(tx, held, waiting.id, cause, FAILED, told=told)
    log.info("reply.refused", delivery=waiting.id, cause=cause)


def _take_over_first(out: DeliveryContext, replying: Replying, held: Claim, waiting: Reply, draft: Draft) -> None:
    """A bot that went on answering beside the agent would confuse the customer; the reply comes with the next claim.

    Where a bot was only heard, and not known to have the chat, being refused it holds nothing up.
    """
    who = draft.sender

    def step(now: ConversationState) -> ConversationState:
        return taken(now, agent_id=who, name=draft.agent)

    try:
        replying.assign(held.conversation.key.group_id, who, acting=who, from_bot=True)
    except Permanent as error:
        if held.conversation.state.holder is Holder.BOT:
            cause = f"a bot has this chat, and it could not be taken over ({error})"
            with out.store.begin() as tx:
                replies.bury_reply(tx, held, waiting.id, cause, FAILED)
            return
        step = without_bot
    with out.store.begin("take_over") as tx:
        replies.now_stands(tx, held, step)
    log.info("chat.taken_over", conversation=held.conversation.id, from_bot=step is not without_bot)


def _put_off(out: DeliveryContext, held: Claim, waiting: Reply, error: DeliveryFailed) -> None:
    """It could not be made ready now: the lane waits, so that order is kept, until the agent must know."""
    if not put_off(out, held, waiting, error):
        with out.store.begin() as tx:
            replies.bury_reply(tx, held, waiting.id, str(error), FAILED)


def _send(out: DeliveryContext, replying: Replying, held: Claim, frozen: Send) -> None:
    with out.store.begin("reply_start") as tx:
        send = replies.start_reply(tx, held, frozen, lease=out.lease)
    try:
        key = replying.kommunicate.send(
            held.conversation.key.group_id,
            send.payload["text"],
            sender=send.payload["sender"],
            relay_id=send.id,
            deadline=replying.call_deadline,
        )
        failpoint("reply.answered")
    except DeliveryFailed as error:
        _settle_failure(out, held, send, error)
        return
    try:
        with out.store.begin("reply_settle") as tx:
            replies.reply_sent(tx, held, send, key)
    except Fenced:
        with out.store.begin() as tx:
            replies.reply_came_late(tx, held, send, key)
        raise
    log.info("reply.sent", send=send.id)


def _settle_failure(out: DeliveryContext, held: Claim, send: Send, error: DeliveryFailed) -> None:
    cause, wait = str(error), next_try(out, held)
    with out.store.begin("reply_failure") as tx:
        match error:
            case RateLimited() | OperatorNeeded():
                replies.reply_again(tx, held, send, 0.0, cause, at_gate=True)
                close_gate(out, tx, held, error)
            case Unsure():
                replies.reply_unsure(tx, held, send, ECHO_AFTER, cause)
            case Permanent():
                replies.reply_given_up(tx, held, send, cause, FAILED)
            case _ if wait is None:
                replies.reply_given_up(tx, held, send, cause, FAILED)
            case _:
                replies.reply_again(tx, held, send, wait, cause)
    log.warning("reply.failed", send=send.id, error=type(error).__name__, code=error.code)


def _settle_unanswered(out: DeliveryContext, held: Claim, send: Send) -> None:
    elapsed = max(0.0, held.at - (send.started_at or held.at))
    with out.store.begin("reply_unanswered") as tx:
        if replies.has_echoed(tx, send):
            replies.reply_sent(tx, held, send, None)
        elif elapsed < ECHO_AFTER:
            replies.reply_unsure(tx, held, send, ECHO_AFTER - elapsed, "waiting for its echo")
        else:
            replies.reply_given_up(tx, held, send, NO_ANSWER, UNSURE)
