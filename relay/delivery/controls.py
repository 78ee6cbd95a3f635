"""The controls of a card: what each asks of Kommunicate, how it changes the conversation's state, and what is said to
whoever uses one that would change nothing: their card was not drawn again yet, or somebody else was quicker.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from relay.conversation import ConversationState, Holder, muted, released, reopened, resolved, taken
from relay.delivery.accounts import Replying
from relay.slack.card import ASSIGN, MUTE, RELEASE, REOPEN, RESOLVE, TAKE_OVER, UNMUTE
from relay.slack.text import clean_name
from relay.slack.thread_notices import TAKE_ANYWAY
from relay.vocabulary import ThreadNotice

YOURS = "You already have this chat."
NOBODYS = "Nobody has this chat."
OPEN_ALREADY = "This chat is already open."
MUTED_ALREADY = "This chat is already muted."
NOT_MUTED = "This chat is not muted."


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
    """`call` may be repeated, because it asks for a state. `step` changes the conversation's state.

    `already` is how the conversation stands if nothing is left to do, "" if there is; it gets the id of the agent that
    the click is about.
    """

    call: Callable[[ClickContext], None]
    step: Callable[[ConversationState, ClickContext], ConversationState]
    already: Callable[[ConversationState, str], str]
    topic: ThreadNotice | None = None
    needs_agent: bool = False


def _nothing(_: ClickContext) -> None:
    """For what Kommunicate has no concept of."""


def _resolved(now: ConversationState) -> str:
    by = f" by {clean_name(now.resolved_by)}" if now.resolved_by else ""
    return f"Already resolved{by}." if now.is_resolved else ""


def _is_held_by(now: ConversationState, agent_id: str) -> bool:
    """True if Kommunicate knows it too."""
    return (now.holder, now.assignee) == (Holder.AGENT, agent_id) and now.held_since is not None


_TAKE = Control(
    lambda click: click.replying.assign(click.group_id, click.agent_id, acting=click.acting, from_bot=True),
    lambda now, click: taken(now, agent_id=click.agent_id, name=click.name, moment=click.moment),
    lambda now, agent_id: YOURS if _is_held_by(now, agent_id) else "",
    topic=ThreadNotice.TAKEN,
    needs_agent=True,
)
CONTROLS = {
    TAKE_OVER: _TAKE,
    TAKE_ANYWAY: _TAKE,
    ASSIGN: replace(
        _TAKE,
        already=lambda now, agent_id: (
            f"{clean_name(now.holder_name)} already has this chat." if _is_held_by(now, agent_id) else ""
        ),
        topic=ThreadNotice.ASSIGNED,
    ),
    # There is no documented way to unassign a chat; the relay's own sender answers nobody.
    RELEASE: Control(
        lambda click: click.replying.assign(click.group_id, click.replying.sender, acting=click.acting, from_bot=False),
        lambda now, click: released(now, moment=click.moment),
        lambda now, _: NOBODYS if now.holder is Holder.NOBODY else "",
        topic=ThreadNotice.RELEASED,
    ),
    RESOLVE: Control(
        lambda click: click.replying.set_status(click.group_id, "resolved", acting=click.acting),
        lambda now, click: resolved(now, by=click.by),
        lambda now, _: _resolved(now),
        topic=ThreadNotice.RESOLVED,
    ),
    MUTE: Control(
        _nothing,
        lambda now, _: muted(now, on=True),
        lambda now, _: _resolved(now) or (MUTED_ALREADY if now.muted else ""),  # what is resolved notifies nobody
    ),
    UNMUTE: Control(_nothing, lambda now, _: muted(now, on=False), lambda now, _: "" if now.muted else NOT_MUTED),
    REOPEN: Control(
        lambda click: click.replying.set_status(click.group_id, "open", acting=click.acting),
        lambda now, _: reopened(now),
        lambda now, _: "" if now.is_resolved else OPEN_ALREADY,
    ),
}
