"""What somebody pressed: what that is called, and where they can be told something privately."""

from __future__ import annotations

from relay.delivery.steps import Author
from relay.owners import bare
from relay.slack.card import LABELS, MORE
from relay.slack.events import HOME, Click
from relay.slack.thread_notices import BUTTONS


def label(asked: str) -> str:
    """The words on it."""
    return (LABELS | BUTTONS)[asked].removesuffix(MORE)


def not_done(what: str, cause: str) -> str:
    """That it was not done, without the full stop."""
    return f"{what}: not done, because {cause}"


def author_of(click: Click, channel_id: str | None, thread_ts: str | None) -> Author:
    """Who pressed it, and where: for a list of chats, in the thread of the chat concerned."""
    if bare(click.channel) == HOME:
        return Author(channel_id or "", click.user_id, thread_ts)
    return Author(click.channel, click.user_id, click.thread_ts)
