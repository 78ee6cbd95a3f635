"""How much of a chat its channel sees: everything, no bot messages, nothing before a person is needed, only the card.

What is left out is settled as ignored, with the reason. What was left to a bot comes back when a person is needed, in
its original place.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial

from relay.conversation import Holder, Show, is_left_to_bot, waits_for_bot
from relay.delivery.context import DeliveryContext
from relay.delivery.last_words import CUSTOMERS, PATIENCE, asks
from relay.delivery.steps import LOCK, Need
from relay.kommunicate.people import answers_customers
from relay.messages import MessageKind, Role
from relay.slack.render import Line
from relay.store.conversations.left_out import bring_back, leave_out
from relay.store.conversations.state import LATER, update_state
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim, Waiting
from relay.store.queue.due import arm_card_in_passing

OF_BOTS = "a bot's words; `show` leaves them out"
CARD_ALONE = "`show` asks for the card alone"
WITH_BOT = "left to the bot until a person is needed"
CLOCKS_DIFFER = 5.0  # seconds by which a message may seem to arrive after the take that shows it

Shown = Sequence[tuple[Waiting, Line]]


def left_to_bot(tx: Tx, claim: Claim, shown: Shown, closing: Collection[str]) -> float | Need | bool:
    """Whether a bot has this chat to itself, so that waiting messages are left out; or in how many seconds to check
    again.

    A customer who says one of the words in `closing` asks for nothing. False if a person is needed and everything to be
    shown is among the waiting messages.
    """
    place, at = claim.conversation, claim.at
    if any(row.is_brought_back for row, _ in shown):
        return False  # decided already: the message that needed a person may be far behind these
    calls = claim.broadcast_from is not None and claim.broadcast_from <= at
    if not any(_is_of_people(row, line) for row, line in shown) and is_left_to_bot(
        place.state, was_shown=bool(place.thread_ts or place.dead_ts), calls=calls
    ):
        asked = None if place.state.is_resolved else _unanswered(shown, at, closing)
        if asked is None:
            leave_out(tx, [row.id for row, _ in shown], WITH_BOT)
            return True
        if asked + PATIENCE > at:
            return asked + PATIENCE - at
        if place.state.holder is Holder.BOT:
            if not claim.locked:
                return Need(LOCK)
            update_state(tx, place.id, partial(waits_for_bot, since=asked))
            return 0.0
    return 0.0 if bring_back(tx, place.id, WITH_BOT) else False


def back_after_an_edit(tx: Tx, claim: Claim) -> bool:
    """True if a chat that is now to be shown was left to a bot under an earlier configuration: all of it comes."""
    is_old = claim.conversation.thread_ts is None and claim.events_applied_to > 0
    return is_old and bring_back(tx, claim.conversation.id, WITH_BOT)


def without_the_left_out(tx: Tx, claim: Claim, show: Show, shown: Shown) -> Shown:
    """What of it is to be shown; the rest is settled."""
    reason = {Show.CUSTOMERS: OF_BOTS, Show.ALERTS: CARD_ALONE}.get(show)
    if reason is None:
        return shown
    out = {row.id for row, line in shown if not (row.about or row.lost) and (show is Show.ALERTS or _is_of_bot(line))}
    leave_out(tx, sorted(out), reason)
    if any(row.id in out and line.author.role in CUSTOMERS for row, line in shown):
        arm_card_in_passing(tx, claim.conversation.id, LATER)  # it quotes the customer's latest message
    return [(row, line) for row, line in shown if row.id not in out]


def seconds_to_gather(context: DeliveryContext, claim: Claim, shown: Shown) -> float:
    """How long a bot's messages wait to be combined; 0.0 if they do not, or if somebody else's are among them."""
    if not all(_is_of_bot(line) and not (row.about or row.lost) for row, line in shown):
        return 0.0
    batch = context.showing.batch_of(claim.conversation.rule)
    wait = min(row.queued_at for row, _ in shown) + batch - claim.at
    return wait if 0.0 < wait <= batch + CLOCKS_DIFFER else 0.0


def _is_of_people(row: Waiting, line: Line) -> bool:
    """True for the relay's lines and for agents' messages."""
    return bool(row.about or row.lost) or (line.author.role is Role.AGENT and line.message.kind is MessageKind.MESSAGE)


def _is_of_bot(line: Line) -> bool:
    return line.author.role is Role.BOT and line.message.kind is MessageKind.MESSAGE


def _came(row: Waiting, at: float) -> float:
    """When it arrived. A time in the future is from before a clock was set back, and has waited long enough."""
    return row.queued_at if row.queued_at <= at + CLOCKS_DIFFER else at - 2 * PATIENCE


def _unanswered(shown: Shown, at: float, closing: Collection[str]) -> float | None:
    """When the first question arrived that no bot has answered, None for none."""
    since: float | None = None
    for row, line in shown:
        if line.author.role in CUSTOMERS:
            since = _came(row, at) if since is None and asks(line.message, closing) else since
        elif _is_of_bot(line) and answers_customers(line.message.sender, line.message.metadata):
            since = None
    return since
