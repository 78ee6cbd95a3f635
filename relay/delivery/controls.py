"""The controls of a card: what each asks of Kommunicate, and how it changes the conversation's state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from relay.conversation import ConversationState, muted, released, reopened, resolved, taken
from relay.delivery.accounts import Replying
from relay.slack.card import ASSIGN, MUTE, RELEASE, REOPEN, RESOLVE, TAKE_OVER, UNMUTE
from relay.slack.thread_notices import TAKE_ANYWAY
from relay.vocabulary import ThreadNotice


@dataclass(frozen=True, slots=True)
class ClickContext:
    """One click: `by`, the name of the person; `acting`, the Kommunicate user it is done as; and the agent it is about.

    `agent_id` is "" if Kommunicate does not know them.
    """

    replying: Replying
    group_id: str
    agent_id: str
    name: str
    moment: float
    by: str
    acting: str


@dataclass(frozen=True, slots=True)
class Control:
    """`call` may be repeated, because it asks for a state. `step` changes the conversation's state."""

    call: Callable[[ClickContext], None]
    step: Callable[[ConversationState, ClickContext], ConversationState]
    topic: ThreadNotice | None = None
    needs_agent: bool = False


def _nothing(_: ClickContext) -> None:
    """For what Kommunicate has no concept of."""


_TAKE = Control(
    lambda click: click.replying.assign(click.group_id, click.agent_id, acting=click.acting, from_bot=True),
    lambda now, click: taken(now, agent_id=click.agent_id, name=click.name, moment=click.moment),
    topic=ThreadNotice.TAKEN,
    needs_agent=True,
)
CONTROLS = {
    TAKE_OVER: _TAKE,
    TAKE_ANYWAY: _TAKE,
    ASSIGN: replace(_TAKE, topic=ThreadNotice.ASSIGNED),
    # There is no documented way to unassign a chat; the relay's own sender answers nobody.
    RELEASE: Control(
        lambda click: click.replying.assign(click.group_id, click.replying.sender, acting=click.acting, from_bot=False),
        lambda now, click: released(now, moment=click.moment),
        topic=ThreadNotice.RELEASED,
    ),
    RESOLVE: Control(
        lambda click: click.replying.set_status(click.group_id, "resolved", acting=click.acting),
        lambda now, click: resolved(now, by=click.by),
        topic=ThreadNotice.RESOLVED,
    ),
    MUTE: Control(_nothing, lambda now, _: muted(now, on=True)),
    UNMUTE: Control(_nothing, lambda now, _: muted(now, on=False)),
    REOPEN: Control(
        lambda click: click.replying.set_status(click.group_id, "open", acting=click.acting),
        lambda now, _: reopened(now),
    ),
}
