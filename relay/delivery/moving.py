"""Continues a chat elsewhere: in another channel, because an agent or its own data say so, or in a new thread.

The agent is asked privately where to, and the chat moves in its turn among the messages. Only channels that the
configuration names for chats are allowed: for others, nobody has decided who may read them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from relay.delivery import stored
from relay.delivery.context import DeliveryContext
from relay.delivery.last_words import CUSTOMERS
from relay.delivery.showing import Shown
from relay.delivery.steps import LOCK, Author, Need, Prepared, SayPrivately
from relay.messages import ChatMessage, Decision
from relay.owners import is_named, owner_of
from relay.slack.blocks import channels
from relay.slack.thread_notices import MOVE_TO
from relay.store.conversations import replies, threads
from relay.store.conversations.thread_notices import add_notice
from relay.store.db.engine import Tx
from relay.store.db.rows import AgentAction, Claim, Waiting
from relay.vocabulary import DeliveryState, SendKind, ThreadNotice

CHANNELS = "channels"  # what a claim has already asked for
WHERE_TO = "Where should this chat go? New messages will appear in a new thread there."
NOT_NAMED = "that is not one of the channels for customers' chats; the relay's settings name them"
THERE_ALREADY = "it is there already"


def ask_where_to(action: AgentAction, author: Author, settle: Callable[[Tx, bool], None]) -> SayPrivately:
    """The question with a menu of channels, for an agent who wants to move a chat."""
    menu, done = channels(MOVE_TO, "Choose a channel"), partial(replies.is_ended, delivery_id=action.id)
    return SayPrivately(SendKind.CLICK, WHERE_TO, author, settle, done, (menu,), about=str(action.id))


def move(
    tx: Tx, context: DeliveryContext, claim: Claim, action: AgentAction, channel: str, *, by: str
) -> Prepared | str:
    """Queue the line that announces the move; the chat moves at that line's place. A string says why not."""
    named, ids = context.chat_channels, context.channel_ids
    mine = [one for one in named if owner_of(one) == owner_of(channel)]  # other workspaces may be unavailable
    unknown = [one for one in mine if is_named(one) and one not in ids]
    if unknown and channel not in named and CHANNELS not in claim.asked:
        return Need(CHANNELS, partial(context.find_channels, unknown))
    if channel not in named | {ids.get(one) for one in named}:
        return NOT_NAMED
    if channel == claim.conversation.channel_id:
        return THERE_ALREADY
    if not claim.locked:
        return Need(LOCK)
    replies.end_click(tx, action.id, DeliveryState.DELIVERED, cause=channel, by=by)
    add_notice(tx, claim.conversation.id, action.id, ThreadNotice.MOVED)
    return 0.0


def moved_by(context: DeliveryContext, claim: Claim, shown: Shown) -> Decision | None:
    """Where an agent, or otherwise the customer's latest message, moves the chat, None for nowhere."""
    follow, place = context.showing.follow, claim.conversation
    if (by_hand := _moved_by_hand(row for row, _ in shown)) and by_hand.channel != place.channel_id:
        return replace(by_hand, rule=place.rule)
    if follow is None or any(row.parts_done for row, _ in shown):  # half of a message is already there
        return None
    said = [row for row, line in shown if not (row.about or row.lost) and line.author.role in CUSTOMERS]
    message = stored.read_as_it_came(said[-1].body, place.key.account) if said else None
    if not isinstance(message, ChatMessage):
        return None
    to = follow(replace(message, title=message.title or place.title), said[-1].queued_at)
    return to if to is not None and to.rule != place.rule else None


def _moved_by_hand(rows: Iterable[Waiting]) -> Decision | None:
    """Where the last waiting line says the chat was moved; its rule still decides what is shown there."""
    fates = [row.about.fate for row in rows if row.about and row.about.topic is ThreadNotice.MOVED]
    return Decision(fates[-1].cause, "", f"moved by {fates[-1].by}") if fates else None


def begins_anew(tx: Tx, context: DeliveryContext, claim: Claim, first: Waiting) -> bool:
    """True if a chat continues after so long a silence that a new thread is easier to find."""
    silence, place = context.showing.new_thread_after, claim.conversation
    if silence is None or place.thread_ts is None or first.about or first.lost or first.parts_done:
        return False
    before = threads.last_came_at(tx, place.id, first.received_id)
    if before is None or first.queued_at - before <= silence:
        return False
    # The thread that was opened for this message is not opened again, whatever the clocks say: Slack's `ts` is its own
    # time, and the root may have waited for long.
    began = max(threads.last_root_at(tx, place.id), float(place.thread_ts))
    return claim.at - began > silence
