"""What a click on a card asks for: done in Kommunicate, then shown on the card; where it fails, the clicker is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from relay.conversation import ConversationState, released, reopened, resolved, taken
from relay.delivery.context import DeliveryContext, Replying
from relay.delivery.desk import NO_KEY, STRANGER, post_ephemeral, put_off
from relay.errors import DeliveryFailed, Permanent, Rejected
from relay.messages import Agent, Ignored
from relay.slack.card import LABELS, RELEASE, REOPEN, RESOLVE, TAKE_OVER, acted_upon
from relay.slack.events import Click, key_of
from relay.slack.parse import parse_interaction
from relay.slack.thread_notices import ThreadNotice
from relay.store.conversations.replies import Reply
from relay.store.db.rows import Claim
from relay.store.intake.clicks import click_done, click_refused

UNKNOWN = "Kommunicate knows no agent with your e-mail address; `replies.map` in the relay's settings can name one"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ClickContext:
    """One click, and who may do what it asks for where."""

    replying: Replying
    group_id: str
    agent: Agent
    moment: float

    @property
    def acting(self) -> str:
        """Whom Kommunicate is told that it acts for."""
        return self.agent.agent_id or self.replying.sender


@dataclass(frozen=True, slots=True)
class Control:
    """`call` may be repeated: it asks for a state. `step` is what it makes of how the conversation stands."""

    call: Callable[[ClickContext], None]
    step: Callable[[ConversationState, ClickContext], ConversationState]
    topic: str = ""
    needs_agent: bool = False


CONTROLS = {
    TAKE_OVER: Control(
        lambda click: click.replying.assign(click.group_id, click.agent.agent_id, acting=click.acting, from_bot=True),
        lambda now, click: taken(now, agent_id=click.agent.agent_id, name=click.agent.name),
        topic=ThreadNotice.TAKEN,
        needs_agent=True,
    ),
    # There is no documented way to give a chat to nobody; the relay's own sender answers nobody.
    RELEASE: Control(
        lambda click: click.replying.assign(click.group_id, click.replying.sender, acting=click.acting, from_bot=False),
        lambda now, click: released(now, moment=click.moment),
    ),
    RESOLVE: Control(
        lambda click: click.replying.set_status(click.group_id, "resolved", acting=click.acting),
        lambda now, click: resolved(now, by=click.agent.name),
    ),
    REOPEN: Control(
        lambda click: click.replying.set_status(click.group_id, "open", acting=click.acting),
        lambda now, _: reopened(now),
    ),
}


def act(out: DeliveryContext, held: Claim, waiting: Reply) -> None:
    """Do what a stored click asks for, and give the lane back."""
    click = _click(waiting)
    if click is None:
        with out.store.begin() as tx:
            click_refused(tx, held, waiting.id, "its content is no longer stored")
        return
    action = acted_upon(click.action_id, click.value)
    try:
        cause = _attempt(out, held, waiting, click, action)
    except Permanent as error:
        cause = str(error)
    except DeliveryFailed as error:  # also what Kommunicate may have done: it may be asked for again
        cause = "" if put_off(out, held, waiting, error) else str(error)
    if cause:
        _refuse(out, held, waiting, click, f"{LABELS[action]}: not done, because {cause}")


def _attempt(out: DeliveryContext, held: Claim, waiting: Reply, click: Click, action: str) -> str:
    """Do it; returns why it may not be done, "" if it is."""
    replying, control = out.replying, CONTROLS[action]
    if replying is None:
        return NO_KEY
    agent = replying.agents.of(click.team, click.user_id)
    if not agent.agent_id and (control.needs_agent or replying.known_only):
        return UNKNOWN if control.needs_agent else STRANGER
    doing = ClickContext(replying, held.conversation.key.group_id, agent, held.at)
    control.call(doing)
    with out.store.begin("click") as tx:
        click_done(tx, held, waiting.id, lambda now: control.step(now, doing), topic=control.topic)
    log.info("click.done", conversation=held.conversation.id, action=action)
    return ""


def _refuse(out: DeliveryContext, held: Claim, waiting: Reply, click: Click, cause: str) -> None:
    told = post_ephemeral(out, click.channel, click.user_id, f"{cause}.", thread_ts=click.thread_ts)
    with out.store.begin("click_refused") as tx:
        click_refused(tx, held, waiting.id, cause, topic="" if told else ThreadNotice.REFUSED)
    log.info("click.refused", conversation=held.conversation.id, action=click.action_id)


def _click(waiting: Reply) -> Click | None:
    """The click that was stored: its body may hold several."""
    try:
        clicks = parse_interaction(waiting.body or b"")
    except Rejected:
        return None
    return None if isinstance(clicks, Ignored) else next((one for one in clicks if key_of(one) == waiting.key), None)
