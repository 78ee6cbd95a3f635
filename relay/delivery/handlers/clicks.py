"""What a click asks for: done in Kommunicate and shown on the card, or done to a reply. A refusal is told privately."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import structlog

from relay.conversation import Holder
from relay.delivery import agents, moving, notices, stored
from relay.delivery.accounts import Replying
from relay.delivery.context import DeliveryContext
from relay.delivery.controls import CONTROLS, ClickContext
from relay.delivery.presses import author_of, label, not_done
from relay.delivery.private_lines import SWITCHED_OFF
from relay.delivery.starting import wait_for_account, why_read_only
from relay.delivery.steps import (
    LOCK,
    Answered,
    Author,
    Need,
    Prepared,
    Ready,
    Refused,
    Result,
    SayPrivately,
    Step,
    agent_of,
)
from relay.messages import Agent, Mode
from relay.owners import owned, owner_of
from relay.routing.speaking import may_speak
from relay.slack.blocks import button
from relay.slack.card import ASSIGN, MOVE, TAKE_OVER, acted_upon
from relay.slack.events import Click, message_of_click
from relay.slack.text import clean_name
from relay.slack.thread_notices import (
    BUTTONS,
    KEEP_INSIDE,
    MOVE_TO,
    SEND_AGAIN,
    SEND_CORRECTION,
    SEND_TO_CUSTOMER,
    TAKE_ANYWAY,
    what_happened,
)
from relay.store.conversations import questions, replies
from relay.store.conversations.state import update_state
from relay.store.conversations.thread_notices import add_notice
from relay.store.db.engine import Tx
from relay.store.db.rows import AgentAction, Claim, Draft, Send
from relay.store.intake.edits import send_correction
from relay.store.queue import sends
from relay.store.queue.gates import reopen
from relay.store.queue.lanes import give_back
from relay.store.queue.waiting import about_reply
from relay.vocabulary import DeliveryState, GateScope, SendKind, SendState, ThreadNotice

UNKNOWN = "Kommunicate knows no agent with your e-mail address; `replies.map` in the relay's settings can name one"

THEY_ARE_UNKNOWN = UNKNOWN.replace("your", "their")
JUST_NOW = 60.0  # seconds during which taking a chat that a colleague just took needs a confirmation
NOT_AN_AGENTS = "this message is not an agent's, or is older than the relay"
NOT_ASKED = "Slack did not show the question"
NOTHING_LEFT = "nothing is left to do"
BY_ITS_LINE = "the line about it has another button"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Press:
    """A click, what it asks for, who clicked, and where they can be told something privately; `about` is the agent it
    is about.
    """

    click: Click
    asked: str
    author: Author
    agent: Agent
    about: Agent


OF_A_REPLY: Mapping[str, Callable[[Tx, int, str], bool]] = {
    SEND_AGAIN: replies.send_again,
    SEND_CORRECTION: send_correction,
    SEND_TO_CUSTOMER: questions.send_to_customer,
    KEEP_INSIDE: questions.keep_as_note,
}


def prepare(tx: Tx, context: DeliveryContext, claim: Claim, action: AgentAction) -> Prepared:
    """The call that a stored click asks for."""
    click = stored.read_click(action.body, action.key)
    if click is None:
        replies.end_click(tx, action.id, DeliveryState.IGNORED, stored.GONE)
        return 0.0
    asked = acted_upon(click.action_id, click.value)
    author = author_of(click, claim.conversation.channel_id, claim.conversation.thread_ts)
    replying = context.replying(claim.conversation)
    if replying is None:
        wait, why = wait_for_account(tx, context, claim), why_read_only(context, claim)
        return _refusal(claim, action.id, asked, author, why) if wait is None else wait
    named, place = frozenset({click.value} if asked == ASSIGN else ()), agents.Team(click.team, owner_of(click.channel))
    found = agents.known_or_look_up(tx, replying.agents, claim, place, click.user_id, named)
    if callable(found):
        refuse = lambda cause: _refusal(claim, action.id, asked, author, cause)  # noqa: E731
        return Need(agents.LOOKED_UP, found, SendKind.CLICK, action.id, refuse)
    agent = found[click.user_id]
    about = found.get(click.value) if asked == ASSIGN else agent
    barred = may_speak(agent, replying.rules, comes_from_elsewhere=click.comes_from_elsewhere)
    if barred or (asked in CONTROLS and CONTROLS[asked].needs_agent and not (about and about.agent_id)):
        return _refusal(claim, action.id, asked, author, barred or (UNKNOWN if about is agent else THEY_ARE_UNKNOWN))
    press = Press(click, asked, author, agent, about or agent)
    here = _without_kommunicate(tx, context, claim, action, press)
    return Ready((_draft(replying, claim, action, press),)) if here is None else here


def _without_kommunicate(
    tx: Tx, context: DeliveryContext, claim: Claim, action: AgentAction, press: Press
) -> Prepared | None:
    """Handle what needs nothing from Kommunicate; None for everything else."""
    asked, name, refuse = press.asked, press.agent.name, partial(_refusal, claim, action.id, press.asked, press.author)
    if asked in CONTROLS and (stands := CONTROLS[asked].already(claim.conversation.state, press.about.agent_id)):
        settle, ended = partial(_end, claim, action.id, stands), partial(replies.is_ended, delivery_id=action.id)
        return SayPrivately(SendKind.CLICK, stands, press.author, settle, ended)
    if asked == TAKE_OVER:
        return _just_taken(claim, action, press.author)
    if asked == MOVE:
        settle = partial(_end, claim, action.id, not_done(label(asked), NOT_ASKED))
        asks = moving.ask_where_to(tx, context, claim, action, press.author, settle)
        return refuse(asks) if isinstance(asks, str) else asks
    if asked == MOVE_TO:
        moved = moving.move(
            tx, context, claim, action, owned(owner_of(press.click.channel), press.click.value), by=name
        )
        return refuse(moved) if isinstance(moved, str) else moved
    if asked == SEND_TO_CUSTOMER and context.reply_rules.mode_of(claim.conversation.rule) is Mode.NONE:
        return refuse(SWITCHED_OFF)
    if asked in OF_A_REPLY:
        named = press.click.value
        reply_id = int(named) if named else replies.of_message(tx, claim, message_of_click(press.click))
        return _of_a_reply(tx, claim, action, asked, reply_id, press.author, name)
    return None


def _of_a_reply(
    tx: Tx, claim: Claim, action: AgentAction, asked: str, delivery_id: int | None, author: Author, name: str
) -> Prepared:
    """Handle what needs only the store. The reply that a button names must belong to its own thread.

    Pressing a button that was already pressed reports what came of it.
    """
    if not claim.locked:
        return Need(LOCK)
    if delivery_id is None:
        return _refusal(claim, action.id, asked, author, NOT_AN_AGENTS)
    if not replies.is_of(tx, claim, delivery_id):
        return _refusal(claim, action.id, asked, author, stored.GONE)
    stands = notices.how_it_stands(about_reply(tx, delivery_id), of_change=asked == SEND_CORRECTION)
    if not stands.is_back and OF_A_REPLY[asked](tx, delivery_id, name):
        replies.end_click(tx, action.id, DeliveryState.DELIVERED)
        return 0.0
    state = (stands.correction or stands).fate.state
    why = BY_ITS_LINE if state is DeliveryState.DEAD else NOTHING_LEFT
    return _refusal(claim, action.id, asked, author, f"{why}: {what_happened(stands).rstrip('.')}")


def call(context: DeliveryContext, claim: Claim, send: Send) -> None:
    """Do in Kommunicate what was asked for. Repeating it is harmless."""
    CONTROLS[send.payload["action"]].call(_context(context, claim, send))


def settled(tx: Tx, context: DeliveryContext, claim: Claim, send: Send, result: Result) -> Step | None:
    """Record it, with a line in the thread unless nothing changed; or tell its author why it was refused."""
    (delivery_id,) = sends.carried_deliveries(tx, send)
    match result:
        case Answered():
            control, click = CONTROLS[send.payload["action"]], _context(context, claim, send)
            sends.end(tx, send, SendState.DELIVERED)
            replies.end_click(tx, delivery_id, DeliveryState.DELIVERED, cause=click.name, by=click.by)
            before, after = update_state(tx, claim.conversation.id, lambda now: control.step(now, click))
            begins = before.held_since is None and after.held_since is not None
            if control.topic and (begins or after.card != before.card):
                add_notice(tx, claim.conversation.id, delivery_id, control.topic)
            reopen(tx, GateScope.ACCOUNT, send.channel)
            reopen(tx, GateScope.AGENT, agent_of(send))
            give_back(tx, claim)
        case Refused(cause):
            where = Author(*send.payload["where"])
            return _refusal(claim, delivery_id, send.payload["action"], where, cause, send)
    return None


def _just_taken(claim: Claim, action: AgentAction, author: Author) -> SayPrivately | None:
    """The question if a colleague has just done the same."""
    now = claim.conversation.state
    ago = claim.at - (now.held_since or 0.0)
    if now.is_resolved or now.holder is not Holder.AGENT or not 0 <= ago < JUST_NOW:
        return None
    who = clean_name(now.holder_name) if now.holder_name else "Somebody"
    sentence = f"{who} took this chat {ago:.0f} s ago. Take it anyway?"
    controls = (button(TAKE_ANYWAY, BUTTONS[TAKE_ANYWAY], str(action.id)),)
    settle = partial(_end, claim, action.id, not_done(label(TAKE_OVER), NOT_ASKED))
    ended = partial(replies.is_ended, delivery_id=action.id)
    return SayPrivately(SendKind.CLICK, sentence, author, settle, ended, controls)


def _end(claim: Claim, delivery_id: int, untold: str, tx: Tx, told: bool) -> None:  # noqa: FBT001
    """Nothing is done; if that could not be told privately, the thread says `untold`."""
    replies.end_click(tx, delivery_id, DeliveryState.IGNORED, "" if told else untold.rstrip("."))
    if not told:
        add_notice(tx, claim.conversation.id, delivery_id, ThreadNotice.REFUSED)
    give_back(tx, claim)


def _draft(replying: Replying, claim: Claim, action: AgentAction, press: Press) -> Draft:
    author = press.author
    payload = {
        "action": press.asked,
        "agent_id": press.about.agent_id,
        "acting": press.agent.agent_id or replying.sender,
        "agent": press.about.name,
        "by": press.agent.name,
        "moment": claim.at,
        "where": [author.channel, author.user_id, author.thread_ts],
    }
    return Draft(SendKind.CLICK, claim.conversation.key.account, None, payload, ((action.id, 0),))


def _context(context: DeliveryContext, claim: Claim, send: Send) -> ClickContext:
    said = send.payload
    group_id = claim.conversation.key.group_id
    by = said.get("by", said["agent"])  # an earlier version stored only one name
    return ClickContext(
        context.way_back(send.channel), group_id, said["agent_id"], said["agent"], said["moment"], by, said["acting"]
    )


def give_up(claim: Claim, delivery_id: int, cause: str) -> SayPrivately:
    """Nobody can tell what was pressed, or by whom: the thread says that it is not done."""
    return _not_done(claim, delivery_id, "What was pressed", cause, None)


def _refusal(
    claim: Claim, delivery_id: int, asked: str, author: Author, cause: str, send: Send | None = None
) -> SayPrivately:
    return _not_done(claim, delivery_id, label(asked), cause, author, send)


def _not_done(
    claim: Claim, delivery_id: int, what: str, cause: str, author: Author | None, send: Send | None = None
) -> SayPrivately:
    sentence = not_done(what, cause)

    def settle(tx: Tx, told: bool) -> None:  # noqa: FBT001
        if send is not None:
            sends.end(tx, send, SendState.REFUSED, cause)
        replies.end_click(tx, delivery_id, DeliveryState.IGNORED, sentence)
        if not told:
            add_notice(tx, claim.conversation.id, delivery_id, ThreadNotice.REFUSED)
        give_back(tx, claim)

    done = partial(replies.is_ended, delivery_id=delivery_id)
    return SayPrivately(SendKind.CLICK, f"{sentence}.", author, settle, done)
