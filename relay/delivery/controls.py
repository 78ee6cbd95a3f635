"""What a click on a card asks for: done in Kommunicate, then shown on the card; where it fails, the clicker is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from relay.delivery.desk import NO_KEY, STRANGER, put_off, tell_agent
from relay.delivery.outbound import Outbound, Replying
from relay.errors import DeliveryFailed, Permanent, Rejected
from relay.messages import Agent
from relay.slack.card import LABELS, RELEASE, REOPEN, RESOLVE, TAKE_OVER, acted_upon
from relay.slack.events import Aside, Click, key_of
from relay.slack.inbound import parse_interaction
from relay.slack.told import Topic
from relay.standing import Standing, released, reopened, resolved, taken
from relay.store.clicks import click_done, click_refused
from relay.store.replies import Reply
from relay.store.rows import Claim

UNKNOWN = "Kommunicate knows no agent with your e-mail address; `replies.map` in the relay's settings can name one"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Deed:
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

    call: Callable[[Deed], None]
    step: Callable[[Standing, Deed], Standing]
    topic: str = ""
    needs_agent: bool = False


CONTROLS = {
    TAKE_OVER: Control(
        lambda deed: deed.replying.assign(deed.group_id, deed.agent.agent_id, acting=deed.acting, from_bot=True),
        lambda now, deed: taken(now, agent_id=deed.agent.agent_id, name=deed.agent.name),
        topic=Topic.TAKEN,
        needs_agent=True,
    ),
    # There is no documented way to give a chat to nobody; the relay's own sender answers nobody.
    RELEASE: Control(
        lambda deed: deed.replying.assign(deed.group_id, deed.replying.sender, acting=deed.acting, from_bot=False),
        lambda now, deed: released(now, moment=deed.moment),
    ),
    RESOLVE: Control(
        lambda deed: deed.replying.set_status(deed.group_id, "resolved", acting=deed.acting),
        lambda now, deed: resolved(now, by=deed.agent.name),
    ),
    REOPEN: Control(
        lambda deed: deed.replying.set_status(deed.group_id, "open", acting=deed.acting),
        lambda now, _: reopened(now),
    ),
}


def act(out: Outbound, held: Claim, waiting: Reply) -> None:
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


def _attempt(out: Outbound, held: Claim, waiting: Reply, click: Click, action: str) -> str:
    """Do it; returns why it may not be done, "" if it is."""
    replying, control = out.replying, CONTROLS[action]
    if replying is None:
        return NO_KEY
    agent = replying.agents.of(click.team, click.user_id)
    if not agent.agent_id and (control.needs_agent or replying.known_only):
        return UNKNOWN if control.needs_agent else STRANGER
    deed = Deed(replying, held.conversation.key.group_id, agent, held.at)
    control.call(deed)
    with out.store.begin("click") as tx:
        click_done(tx, held, waiting.id, lambda now: control.step(now, deed), topic=control.topic)
    log.info("click.done", conversation=held.conversation.id, action=action)
    return ""


def _refuse(out: Outbound, held: Claim, waiting: Reply, click: Click, cause: str) -> None:
    told = tell_agent(out, click.channel, click.user_id, f"{cause}.", thread_ts=click.thread_ts)
    with out.store.begin("click_refused") as tx:
        click_refused(tx, held, waiting.id, cause, topic="" if told else Topic.REFUSED)
    log.info("click.refused", conversation=held.conversation.id, action=click.action_id)


def _click(waiting: Reply) -> Click | None:
    """The click that was stored: its body may hold several."""
    try:
        clicks = parse_interaction(waiting.body or b"")
    except Rejected:
        return None
    return None if isinstance(clicks, Aside) else next((one for one in clicks if key_of(one) == waiting.key), None)
