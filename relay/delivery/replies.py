"""What an agent wrote goes to the customer, once and in order; the agent sees on their own message what became of it.

A call without an answer is never repeated: its echo on the webhook settles it, or after a while the agent is told.
"""

from __future__ import annotations

import structlog

from relay.delivery.outbound import Outbound, Replying
from relay.errors import DeliveryFailed, OperatorNeeded, Permanent, RateLimited, Rejected, Unsure
from relay.failpoints import failpoint
from relay.messages import Agent
from relay.slack.events import AgentEdit, AgentWords
from relay.slack.inbound import parse_event
from relay.slack.notes import customer_text
from relay.store import gates, replies
from relay.store.engine import Tx
from relay.store.lanes import Fenced
from relay.store.replies import FAILED, UNSURE, Draft, Reply
from relay.store.rows import Claim, Send

SLOWEST = 60.0  # seconds between tries at most: a customer waits for this
ECHO_AFTER = 30.0  # seconds that Kommunicate's echo of an unanswered call is waited for
NO_ANSWER = "Kommunicate did not answer, so it may not have arrived"
NO_KEY = "this relay has no KOMMUNICATE_API_KEY, so it cannot reply"
ONLY_FILES = "files do not reach the customer yet"
STRANGER = "Kommunicate knows no agent with your e-mail address, and this relay sends for known agents only"

log = structlog.get_logger()


def reply(out: Outbound, held: Claim) -> None:
    """Take a claimed `replies` lane one step further and give it back."""
    send = held.head
    if send is None:
        send = _freeze(out, held)
    elif send.state != "frozen":
        _settle_unanswered(out, held, send)
        return
    if send is not None and out.replying is not None:
        _send(out, out.replying, held, send)


def _freeze(out: Outbound, held: Claim) -> Send | None:
    with out.store.begin() as tx:
        waiting = replies.next_reply(tx, held)
    if waiting is None:
        return None
    try:
        draft = _draft(out, waiting)
    except DeliveryFailed as error:
        _put_off(out, held, waiting, error)
        return None
    if isinstance(draft, str):
        with out.store.begin() as tx:
            replies.bury_reply(tx, held, waiting.id, draft, FAILED)
        log.info("reply.refused", delivery=waiting.id, cause=draft)
        return None
    with out.store.begin("reply_freeze") as tx:
        return replies.freeze_reply(tx, held, waiting, draft, lease=out.lease)


def _draft(out: Outbound, waiting: Reply) -> Draft | str:
    """The call to make, or why nobody may make it."""
    if out.replying is None:
        return NO_KEY
    said, now = _event(waiting.body), _event(waiting.edit or waiting.body)
    if not isinstance(said, AgentWords) or not isinstance(now, AgentWords | AgentEdit):
        return "its content is no longer stored"
    text = customer_text(now.blocks, now.text, {})
    if not text.strip():
        return ONLY_FILES
    agent = out.replying.agents.of(said.team, said.user_id)
    if not agent.agent_id and out.replying.known_only:
        return STRANGER
    return Draft(_signed(text, agent), agent.agent_id or out.replying.sender)


def _signed(text: str, agent: Agent) -> str:
    """The relay's own sender speaks for many: whoever really wrote is named in front."""
    return text if agent.agent_id else f"{agent.name}: {text}"


def _event(body: bytes | None) -> object:
    if body is None:
        return None
    try:
        return parse_event(body)
    except Rejected:
        return None


def _put_off(out: Outbound, held: Claim, waiting: Reply, error: DeliveryFailed) -> None:
    """Who wrote it could not be looked up now: the lane waits, so that order is kept."""
    with out.store.begin() as tx:
        replies.put_off(tx, held, waiting.id, _next_try(out, held), str(error))
    log.warning("reply.put_off", delivery=waiting.id, error=type(error).__name__, code=error.code)


def _next_try(out: Outbound, held: Claim) -> float | None:
    """Seconds until the next try; None when the customer has waited long enough and the agent must know."""
    left = (out.replying.give_up_after if out.replying else 0.0) - held.spent
    return min(out.schedule.delay(held.attempts), SLOWEST, left) if left > 0 else None


def _send(out: Outbound, replying: Replying, held: Claim, frozen: Send) -> None:
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


def _settle_failure(out: Outbound, held: Claim, send: Send, error: DeliveryFailed) -> None:
    cause, wait = str(error), _next_try(out, held)
    with out.store.begin("reply_failure") as tx:
        match error:
            case RateLimited() | OperatorNeeded():
                replies.reply_again(tx, held, send, 0.0, cause, at_gate=True)
                _close(out, tx, held, error)
            case Unsure():
                replies.reply_unsure(tx, held, send, ECHO_AFTER, cause)
            case Permanent():
                replies.reply_given_up(tx, held, send, cause, FAILED)
            case _ if wait is None:
                replies.reply_given_up(tx, held, send, cause, FAILED)
            case _:
                replies.reply_again(tx, held, send, wait, cause)
    log.warning("reply.failed", send=send.id, error=type(error).__name__, code=error.code)


def _close(out: Outbound, tx: Tx, held: Claim, error: RateLimited | OperatorNeeded) -> None:
    account = held.conversation.key.account
    if isinstance(error, RateLimited):
        gates.close(tx, "account", account, error.retry_after, pace=out.pace, code=error.code)
    else:
        gates.close_for_operator(tx, "account", account, cause=str(error), code=error.code)


def _settle_unanswered(out: Outbound, held: Claim, send: Send) -> None:
    elapsed = max(0.0, held.at - (send.started_at or held.at))
    with out.store.begin("reply_unanswered") as tx:
        if replies.has_echoed(tx, send):
            replies.reply_sent(tx, held, send, None)
        elif elapsed < ECHO_AFTER:
            replies.reply_unsure(tx, held, send, ECHO_AFTER - elapsed, "waiting for its echo")
        else:
            replies.reply_given_up(tx, held, send, NO_ANSWER, UNSURE)
