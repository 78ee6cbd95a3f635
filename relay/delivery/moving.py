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
from relay.owners import bare, is_named, owner_of
from relay.slack.questions import where_to
from relay.store.conversations import replies, threads
from relay.store.conversations.thread_notices import add_notice, moving_to
from relay.store.db.engine import Tx
from relay.store.db.rows import AgentAction, Claim, Waiting
from relay.store.operations.health import pauses
from relay.vocabulary import DeliveryState, GateScope, SendKind, ThreadNotice

BY_HAND = "moved by "  # begins why a chat is where an agent has moved it
CHANNELS = "channels"  # what a claim has already asked for
MOST = 40  # channels that are offered a line each; Slack takes 50 blocks
WHERE_TO = "Where should this chat go? New messages will appear in a new thread there."
NOWHERE = "no other channel is named for customers' chats in the relay's settings"
ALL_SHUT = "no other channel for customers' chats takes posts at the moment"
NOT_NAMED = "that is not one of the channels for customers' chats; the relay's settings name them"
NOT_FOUND = "Slack shows the relay no channel of that name"
THERE_ALREADY = "it is there already"
ON_ITS_WAY = "it is on its way there already"


def ask_where_to(
    tx: Tx,
    context: DeliveryContext,
    claim: Claim,
    action: AgentAction,
    author: Author,
    settle: Callable[[Tx, bool], None],
) -> SayPrivately | str:
    """The question with the channels that a chat can go to, for whoever wants to move it. A string says why not."""
    others = context.other_channels(claim.conversation)
    if not others:
        return NOWHERE
    shut = {one.name for one in pauses(tx) if one.scope is GateScope.CHANNEL and one.for_operator}
    offered = [one for one in others if shut.isdisjoint((one, context.channel_ids.get(one, one)))]
    if not offered:
        return ALL_SHUT
    rows = where_to(action.id, [bare(one) for one in offered[:MOST]], more=len(offered) > MOST)
    done = partial(replies.is_ended, delivery_id=action.id)
    return SayPrivately(SendKind.CLICK, WHERE_TO, author, settle, done, rows=rows)


def move(
    tx: Tx, context: DeliveryContext, claim: Claim, action: AgentAction, channel: str, *, by: str
) -> Prepared | str:
    """Queue the line that announces the move; the chat moves at that line's place. A string says why not."""
    named, ids = context.chat_channels, context.channel_ids
    mine = [one for one in named if owner_of(one) == owner_of(channel)]  # a workspace that is away holds up no other
    unknown = [one for one in ([channel] if channel in named else mine) if is_named(one) and one not in ids]
    if unknown and CHANNELS not in claim.asked:
        return Need(CHANNELS, partial(context.find_channels, unknown))
    if channel not in {*named, *(ids.get(one) for one in named)}:
        return NOT_NAMED
    to = ids.get(channel, channel)
    if is_named(to):
        return NOT_FOUND
    if to == claim.conversation.channel_id:
        return THERE_ALREADY
    if to == moving_to(tx, claim.conversation.id):
        return ON_ITS_WAY
    if not claim.locked:
        return Need(LOCK)
    replies.end_click(tx, action.id, DeliveryState.DELIVERED, cause=to, by=by)
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
    return Decision(fates[-1].cause, "", f"{BY_HAND}{fates[-1].by}") if fates else None


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
