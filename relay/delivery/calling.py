"""Who calls people for a chat: once in a moment, whatever falls on it.

People are called by a customer's message that the channel sees as well, by a reminder, and by the line that gives a
chat back to everybody. Within a moment of one there is no other for the same chat: a reminder and a give-back wait for
its end, a give-back is the reminder as well, and a message is shown in the thread alone, unless something has happened
since that calls the channel. Whoever takes a chat or is given it is called by that, and by no line in the same moment.
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
    """When a line may call somebody for a chat again, in seconds since 1970; 0 where nobody was called lately."""
    held = state.held_since if state.holder is Holder.AGENT else None
    calls = [last_call(tx, conversation_id, tx.now - MOMENT), held]
    return max((at + MOMENT for at in calls if at is not None and at <= tx.now), default=0.0)


def said_by_others(tx: Tx, conversation_id: int, state: ConversationState, rows: Sequence[Waiting]) -> set[int]:
    """The lines among those about to be posted that would call people once more than there is reason to.

    Where nobody waits any more that is each. Of several that go out together one stays: a chat that goes back, else
    the last reminder, unless people were called a moment ago.
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
    """True for a line that calls somebody; where it names nobody, the channel must see it."""
    return line.told is not None and line.told.topic in CALLING


def shown_in_channel(tx: Tx, claim: Claim, lines: Sequence[Line], posts: Sequence[SlackPost]) -> int | None:
    """Which of the posts the channel sees as well, None for none."""
    for line in filter(is_call, lines):
        named = line.told is not None and line.told.user_id
        return None if named else next(at for at, post in enumerate(posts) if line.id in dict(post.parts))
    if not channel_is_due(claim, lines):
        return None
    called = last_call(tx, claim.conversation.id, tx.now - MOMENT)
    return 0 if called is None or called < (claim.broadcast_from or 0.0) else None  # else it was called for that


def channel_is_due(claim: Claim, lines: Sequence[Line]) -> bool:
    """True where a customer says something that nobody follows the thread to see."""
    due = claim.broadcast_from is not None and claim.broadcast_from <= claim.at
    due = due and not claim.conversation.state.muted
    return due and any(line.author.role in CUSTOMERS and line.is_spoken for line in lines)
