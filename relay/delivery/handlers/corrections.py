"""Posts brought up to date: one that shows what its author took back is drawn again, without it.

It is drawn from what the store has now, as it was drawn first: nobody keeps what a post said before.
"""

from __future__ import annotations

from dataclasses import replace

import structlog

from relay.delivery import stored
from relay.delivery.context import DeliveryContext
from relay.delivery.handlers import card, messages
from relay.delivery.steps import Need, Prepared, Ready, Refused, Result, Step, TooLate
from relay.slack.post import SlackPost
from relay.slack.render import render_again
from relay.store.conversations import cards, corrections
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim, Draft, Send, Waiting
from relay.store.queue import sends
from relay.store.queue.waiting import carried
from relay.vocabulary import SendKind

LATER = 1.0  # seconds until it may be known what became of a post that is under way

log = structlog.get_logger()


def prepare(tx: Tx, context: DeliveryContext, claim: Claim) -> Prepared:
    """The next post that is outdated; else the card, and the marks."""
    found = corrections.outdated(tx, claim)
    if found.post is None:
        rest = card.prepare(tx, context, claim)
        return LATER if rest is None and found.more else rest
    drawn = _draw(tx, context, claim, found.post, patient=True)
    if isinstance(drawn, Need):
        return drawn
    about = {"send": found.post.id, "outdated": found.post.outdated}
    post = {**drawn.payload(), **about}
    return Ready((Draft(SendKind.CORRECTION, found.post.channel, found.post.ts, post),))


def call(context: DeliveryContext, claim: Claim, send: Send) -> None:
    """It may be done twice: it says the same."""
    context.slack.update(send.channel, send.thread_ts or "", send.payload)


def settled(tx: Tx, context: DeliveryContext, claim: Claim, send: Send, result: Result) -> Step | None:
    """It shows what the store has; also where it is gone, or can never be changed: another try would change nothing."""
    post: str = send.payload["send"]
    if isinstance(result, TooLate):
        corrections.mark_outdated(tx, claim.conversation.id, post)
        return None
    if isinstance(result, Refused):
        log.error("message.not_corrected", channel=send.channel, ts=send.thread_ts, cause=result.cause)
    corrections.mark_corrected(tx, post, send.payload["outdated"])
    sends.forget(tx, send)
    cards.release(tx, claim)
    return None


def redrawn(tx: Tx, context: DeliveryContext, claim: Claim, send: Send) -> Send:
    """A post or root that goes out again, without what was taken back meanwhile. Its lane is held."""
    if not send.outdated:
        return send
    drawn = card.draw(tx, context, claim) if send.is_root else _draw(tx, context, claim, send, patient=False)
    return send if isinstance(drawn, Need) else corrections.redrawn(tx, send, drawn.payload())


def _draw(tx: Tx, context: DeliveryContext, claim: Claim, send: Send, *, patient: bool) -> SlackPost | Need:
    """As it would be drawn now; what is no longer stored is a line that says so."""
    place = claim.conversation
    rows, parts = carried(tx, send)
    rows = [replace(row, lost=row.lost or _why_lost(row, place.key.account)) for row in rows]
    found = messages.to_lines(tx, context, claim, rows, patient=patient)
    if isinstance(found, Need):
        return found
    return render_again(found[0], parts, dashboard_url=context.conversation_url(place.key))


def _why_lost(row: Waiting, account: str) -> str | None:
    if row.about is not None or row.is_withdrawn:
        return None
    message = stored.read_message(row.body, account)
    return message if isinstance(message, str) else None
