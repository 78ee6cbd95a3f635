"""Receipts on agents' own messages: an emoji shows the state of each. At low priority, one message at a time."""

from __future__ import annotations

from relay.delivery.context import DeliveryContext
from relay.delivery.steps import LOCK, Need, Prepared, Ready, Result, Step, TooLate
from relay.delivery.stumbles import log_given_up
from relay.slack.events import message_of
from relay.store.conversations import cards, marks
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim, Draft, Send
from relay.store.queue import sends
from relay.vocabulary import Mark, SendKind

LATER = 1.0  # seconds until the line about a message may be in its thread
EMOJI = {
    Mark.PENDING: "hourglass_flowing_sand",
    Mark.SENT: "white_check_mark",
    Mark.PARTLY: "warning",
    Mark.FAILED: "x",
    Mark.UNSURE: "grey_question",
    Mark.NOTE: "lock",
}


def prepare(tx: Tx, context: DeliveryContext, claim: Claim) -> Prepared:
    """The next message with an outdated mark, with the marks to remove and the one to add."""
    found = marks.next_outdated(tx, claim)
    if isinstance(found, bool):
        return LATER if found else None
    place = message_of(found.key)
    if place is None:  # what was written in a form has a line, but no message that could carry a mark
        marks.mark_shown(tx, found.delivery_id, found.wanted)
        return 0.0
    channel, ts = place
    taken_away = [mark.value for mark in found.shown if mark is not found.wanted]
    payload = {"delivery": found.delivery_id, "remove": taken_away, "mark": found.wanted.value}
    return Ready((Draft(SendKind.MARK, channel, ts, payload),))


def give_up_next(tx: Tx, context: DeliveryContext, claim: Claim) -> Prepared:
    """The next mark, over which we fail each time, is left out."""
    found = marks.next_outdated(tx, claim)
    if isinstance(found, bool):
        return LATER if found else None
    if not claim.locked:
        return Need(LOCK)
    log_given_up(claim, SendKind.MARK)
    marks.mark_shown(tx, found.delivery_id, found.wanted)
    return 0.0


def call(context: DeliveryContext, claim: Claim, send: Send) -> None:
    """Set the mark. All of it can be repeated: Slack answers "already" and means done."""
    for mark in send.payload["remove"]:
        context.slack_at(send.channel).unreact(send.channel, send.thread_ts or "", EMOJI[Mark(mark)])
    if send.payload["mark"]:
        context.slack_at(send.channel).react(send.channel, send.thread_ts or "", EMOJI[Mark(send.payload["mark"])])


def settled(tx: Tx, context: DeliveryContext, claim: Claim, send: Send, result: Result) -> Step | None:
    """The message has this mark; also if it is gone or accepts none. A newer mark comes next."""
    if isinstance(result, TooLate):
        return None
    marks.mark_shown(tx, send.payload["delivery"], Mark(send.payload["mark"]))
    sends.forget(tx, send)
    cards.release(tx, claim)
    return None
