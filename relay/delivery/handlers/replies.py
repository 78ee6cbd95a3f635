"""An agent's message goes to the customer, once and in order; a mark on the message shows its state.

A call without an answer is never repeated: its echo on the webhook settles it, or the agent is told after a while.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from relay.conversation import Holder
from relay.delivery import agents, stored
from relay.delivery.accounts import Replying
from relay.delivery.context import DeliveryContext
from relay.delivery.handing_on import FOLLOWS, REFUSED, HandedOn, hand_on, still_shared
from relay.delivery.handlers import clicks, questions
from relay.delivery.policy import ECHO_AFTER
from relay.delivery.private_lines import SWITCHED_OFF
from relay.delivery.starting import wait_for_account, why_read_only
from relay.delivery.steps import (
    LOCK,
    MISTAKE,
    Answered,
    Author,
    Need,
    Prepared,
    Ready,
    Refused,
    Result,
    SayPrivately,
    Step,
    TooLate,
    agent_of,
)
from relay.delivery.stored import Said
from relay.delivery.stumbles import log_given_up
from relay.files import FilesBack
from relay.messages import Agent, Mode
from relay.owners import owner_of
from relay.routing.speaking import may_speak
from relay.slack.events import AgentWords
from relay.slack.message_events import FILES
from relay.slack.notes import customer_text
from relay.slack.reply_text import labels, mentioned
from relay.store.conversations import replies
from relay.store.db.engine import Tx
from relay.store.db.rows import AgentAction, Claim, Draft, Send
from relay.store.queue.gates import reopen
from relay.store.queue.lanes import give_back
from relay.vocabulary import GateScope, Mark, SendKind

NOTHING = "it has no words"
NOT_YET = "do not reach the customer yet"


def prepare(tx: Tx, context: DeliveryContext, claim: Claim) -> Prepared:
    """The agent's oldest reply, once it can no longer be taken back."""
    action = replies.next_action(tx, claim)
    if isinstance(action, AgentAction) and action.is_question and (wait := questions.seconds_until_asked(tx, claim)):
        action = replies.next_action(tx, claim, asks_in=wait)
    if not isinstance(action, AgentAction):
        return action
    if action.is_click:
        return clicks.prepare(tx, context, claim, action)
    if context.reply_rules.mode_of(claim.conversation.rule) is Mode.NONE:
        return _refusal(claim, action, stored.read_said(action.body), SWITCHED_OFF)
    if action.asks or action.is_behind:
        return questions.prepare(context, claim, action)
    said = stored.read_said(action.body)
    now = said if action.edit_id is None else stored.read_said(action.edit)
    if said is None or now is None:
        return _refusal(claim, action, said, stored.GONE)
    replying = context.replying(claim.conversation)
    if replying is None:
        wait, why = wait_for_account(tx, context, claim), why_read_only(context, claim)
        return _refusal(claim, action, said, why) if wait is None else wait
    return _reply(tx, replying, claim, action, said, now)


def give_up(tx: Tx, context: DeliveryContext, claim: Claim) -> Prepared:
    """What an agent wanted first, and what we fail over each time: the thread says that it is not done."""
    action = replies.next_action(tx, claim)
    if not isinstance(action, AgentAction):
        return action
    if action.is_behind:  # not this one, which only waits
        return questions.prepare(context, claim, action)
    log_given_up(claim, SendKind.CLICK if action.is_click else SendKind.REPLY)
    return clicks.give_up(claim, action.id, MISTAKE) if action.is_click else _refusal(claim, action, None, MISTAKE)


def unanswered(tx: Tx, context: DeliveryContext, claim: Claim, send: Send) -> Step | None:
    """Its echo settles it; without one, the agent is told after a while."""
    if not claim.locked:
        return Need(LOCK)
    elapsed = max(0.0, claim.at - (send.started_at or claim.at))
    if replies.has_echoed(tx, send):
        replies.settle_sent(tx, claim, send, None)
    elif elapsed < ECHO_AFTER:
        replies.mark_pending(tx, claim, send, "waiting for its echo")
        give_back(tx, claim, wait=ECHO_AFTER - elapsed, looking=True, attempts=claim.attempts, spent=claim.spent)
    else:
        replies.give_up(tx, claim, send, replies.NO_ANSWER, Mark.UNSURE)
    return None


def call(context: DeliveryContext, claim: Claim, send: Send) -> str:
    """Send it once; returns Kommunicate's key for it."""
    replying = context.way_back(send.channel)
    return replying.kommunicate.send(
        claim.conversation.key.group_id,
        send.payload["text"],
        sender=send.payload["sender"],
        relay_id=send.id,
        deadline=replying.call_deadline,
        beside=send.payload.get("template"),
    )


def settled(tx: Tx, context: DeliveryContext, claim: Claim, send: Send, result: Result) -> Step | None:
    """Kommunicate accepted it; or never will."""
    match result:
        case Answered(str(key)):
            replies.settle_sent(tx, claim, send, key)
            reopen(tx, GateScope.ACCOUNT, send.channel)
            reopen(tx, GateScope.AGENT, agent_of(send))
        case Refused(cause):
            replies.give_up(tx, claim, send, cause, Mark.FAILED)
        case TooLate(str(key)):
            replies.came_late(tx, claim, send, key)
    return None


def _reply(tx: Tx, replying: Replying, claim: Claim, action: AgentAction, said: Said, now: Said) -> Prepared:
    author, named = said.user_id or "", labels(now.text)
    others = frozenset(mentioned(now.blocks, now.text).users)
    place = agents.Team(said.team, owner_of(said.channel))
    found = agents.known_or_look_up(tx, replying.agents, claim, place, author, others)
    if callable(found):
        refuse = partial(_refusal, claim, action, said)
        return Need(agents.LOOKED_UP, found, SendKind.REPLY, action.id, lambda cause: refuse(cause, in_thread=True))
    names = {**named, **{one: found[one].name for one in others if one in found}}
    text, agent = customer_text(now.blocks, now.text, names), found.get(author) or Agent(author, agents.NAMELESS, "")
    barred = may_speak(agent, replying.rules, comes_from_elsewhere=said.comes_from_elsewhere)
    files, how = said.files if isinstance(said, AgentWords) else (), replying.files_back(claim.conversation.rule)
    shared = still_shared(tx, action, files) if files else ()
    if barred or (shared and how is FilesBack.REFUSE):
        return _refusal(claim, action, said, barred or REFUSED)
    given = hand_on(tx, claim, action, shared, how, replying.public_url) if shared else HandedOn()
    if not isinstance(given, HandedOn):
        return given
    beside = _beside(said, given)
    text = "\n\n".join(filter(None, (text.strip("\n"), "\n".join(given.lines))))
    if not text.strip():
        return _refusal(claim, action, said, beside or NOTHING, in_thread=bool(given.missing))
    if not replies.is_as_read(tx, action):
        return 0.0
    if given.missing:
        text = f"{text}\n{FOLLOWS}"
    template = replying.templates.get(said.saved, {}) if isinstance(said, AgentWords) else {}
    draft = _draft(claim, action, agent, text, agent.agent_id or replying.sender, beside, template or given.template)
    return Ready((_takeover(claim, action, draft) if claim.conversation.state.bot_active else draft,))


def _beside(said: Said, given: HandedOn) -> str:
    """What is not sent along with the text, as the end of a sentence."""
    others = [kind for kind in said.beside if kind != FILES] if isinstance(said, AgentWords) else []
    unsent = [f"{' and '.join(others)} {NOT_YET}"] if others else []
    return "; ".join([*given.missing, *unsent])


def _draft(
    claim: Claim,
    action: AgentAction,
    agent: Agent,
    text: str,
    sender: str,
    beside: str,
    template: Mapping[str, str],
) -> Draft:
    """The draft. If the relay's own user speaks, the actual author's name is put in front."""
    signed = text if agent.agent_id else f"{agent.name}: {text}"
    payload: dict[str, Any] = {"text": signed, "sender": sender, "agent": agent.name, "beside": beside}
    payload |= {"agent_id": agent.agent_id} if agent.agent_id else {}
    payload |= {"template": dict(template)} if template else {}
    return Draft(SendKind.REPLY, claim.conversation.key.account, None, payload, ((action.id, 0),))


def _takeover(claim: Claim, action: AgentAction, reply: Draft) -> Draft:
    """Take the chat over first: a bot that keeps answering beside the agent would confuse the customer. The reply is
    next.
    """
    has_it = claim.conversation.state.holder is Holder.BOT
    payload = {"acting": reply.payload["sender"], "agent": reply.payload["agent"], "delivery": action.id, "bot": has_it}
    return Draft(SendKind.TAKEOVER, reply.channel, None, payload)


def _refusal(
    claim: Claim, action: AgentAction, said: Said | None, cause: str, *, in_thread: bool = False
) -> SayPrivately:
    """The reply may not be sent, or nothing is left of it: told privately to its author, or if that fails, in the
    thread.

    `in_thread`: directly in the thread, which offers a retry; so is what a button sent off, perhaps not its author's.
    """
    pressed = action.by_hand and said is not None and said.ts != ""  # what was written in a form has none
    in_thread = in_thread or pressed
    author = Author(said.channel, said.user_id, said.thread_ts) if said and said.user_id and not in_thread else None

    def settle(tx: Tx, told: bool) -> None:  # noqa: FBT001
        replies.bury(tx, claim, action.id, cause, Mark.FAILED, told=told)

    done = partial(replies.is_ended, delivery_id=action.id)
    return SayPrivately(SendKind.REPLY, f"Not sent to the customer: {cause}.", author, settle, done)
