"""Receipts on agents' own messages: an emoji says what became of each. At low priority, one message at a time."""

from __future__ import annotations

import structlog

from relay.delivery.context import DeliveryContext
from relay.delivery.handlers.card import try_later
from relay.errors import DeliveryFailed, Permanent, ThreadGone
from relay.store.conversations import marks
from relay.store.conversations.marks import Marking
from relay.store.db.rows import Claim

EMOJI = {
    "pending": "hourglass_flowing_sand",
    "sent": "white_check_mark",
    "failed": "x",
    "unsure": "grey_question",
    "note": "lock",
}

log = structlog.get_logger()


def mark(out: DeliveryContext, held: Claim) -> None:
    """Bring one message's mark up to date and give the lane back."""
    with out.store.begin() as tx:
        marking = marks.next_marking(tx, held)
    if marking is None:
        return
    try:
        _show(out, marking)
    except DeliveryFailed as error:
        _settle_failure(out, held, marking, error)
        return
    with out.store.begin("mark") as tx:
        marks.mark_shown(tx, held, marking)


def _show(out: DeliveryContext, marking: Marking) -> None:
    """Both calls may be repeated: Slack says "already" and means done."""
    for name in marking.shown:
        out.slack.unreact(marking.channel, marking.ts, EMOJI[name])
    if marking.wanted:
        out.slack.react(marking.channel, marking.ts, EMOJI[marking.wanted])


def _settle_failure(out: DeliveryContext, held: Claim, marking: Marking, error: DeliveryFailed) -> None:
    with out.store.begin() as tx:
        if isinstance(error, Permanent | ThreadGone):
            marks.mark_shown(tx, held, marking)  # the message is gone or takes no marks: nobody would see another try
        else:
            try_later(out, tx, held, error)
    log.warning("mark.failed", channel=marking.channel, error=type(error).__name__, code=error.code)
