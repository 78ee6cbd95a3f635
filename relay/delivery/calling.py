"""Who is notified about a chat: once per moment, whatever happens in it.

Three things notify people: a customer's message that also appears in the channel, a reminder, and the line that
releases a chat. For the same chat, one of them excludes the others for a moment: a reminder and a release wait for its
end, a release is the reminder as well, and a message is shown only in the thread, unless something has happened since
that notifies the channel. Taking or being given a chat notifies its agent, who gets no other line in the same moment.
"""

from __future__ import annotations

from collections.abc import Sequence

from relay.conversation import ConversationState, Holder
from relay.delivery.last_words import CUSTOMERS
from relay.slack.post import SlackPost
from relay.slack.render import Line
from relay.store.conversations.calls import last_call
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim, Waiting
from relay.vocabulary import CALLING, ThreadNotice

MOMENT = 60.0  # seconds


def free_from(tx: Tx, conversation_id: int, state: ConversationState) -> float:
    """When a line may next notify somebody about a chat, in seconds since 1970; 0 if nobody was notified recently."""
    held = state.held_since if state.holder is Holder.AGENT else None
    calls = [last_call(tx, conversation_id, tx.now - MOMENT), held]
    return max((at + MOMENT for at in calls if at is not None and at <= tx.now), default=0.0)


def said_by_others(tx: Tx, conversation_id: int, state: ConversationState, rows: Sequence[Waiting]) -> set[int]:
    """The lines about to be posted that would notify people without need.

    If nobody waits any more, that is all of them. Of several that are posted together one stays: a release, otherwise
    the last reminder, unless people were notified a moment ago.
    """
    calling = [row for row in rows if row.about and row.about.topic in CALLING]
    if not calling or state.waits_since is None:
        return {row.id for row in calling}
    back = [row for row in calling if row.about and row.about.topic is ThreadNotice.STALE]
    keep = (back or calling)[-1]
    if not back and free_from(tx, conversation_id, state) > tx.now:
        return {row.id for row in calling}
    return {row.id for row in calling} - {keep.id}


def is_call(line: Line) -> bool:
    """True for a line that notifies somebody; if it names nobody, the channel must see it."""
    return line.told is not None and line.told.topic in CALLING


def shown_in_channel(tx: Tx, claim: Claim, lines: Sequence[Line], posts: Sequence[SlackPost]) -> int | None:
    """Which of the posts also appears in the channel, None for none."""
    for line in filter(is_call, lines):
        named = line.told is not None and line.told.user_id
        return None if named else next(at for at, post in enumerate(posts) if line.id in dict(post.parts))
    if not channel_is_due(claim, lines):
        return None
    called = last_call(tx, claim.conversation.id, tx.now - MOMENT)
    return 0 if called is None or called < (claim.broadcast_from or 0.0) else None  # otherwise already notified


def channel_is_due(claim: Claim, lines: Sequence[Line]) -> bool:
    """True if a customer says something in a thread that nobody follows."""
    due = claim.broadcast_from is not None and claim.broadcast_from <= claim.at
    due = due and not claim.conversation.state.muted
    return due and any(line.author.role in CUSTOMERS and line.is_spoken for line in lines)
