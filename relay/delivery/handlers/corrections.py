"""Updates posts: one that shows a message its author withdrew is drawn again without it.

A post is drawn from what the store has now; its earlier text is kept nowhere. If Slack refuses it, it is tried without
pictures, then as text only; in the end the post is deleted, because the text must go.
"""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum
from typing import Any

import structlog

from relay.delivery import stored
from relay.delivery.context import DeliveryContext
from relay.delivery.events import assigned_to
from relay.delivery.handlers import card
from relay.delivery.lines import to_lines
from relay.delivery.steps import LOCK, Call, Need, Prepared, Ready, Refused, Result, Step, TooLate
from relay.delivery.stumbles import log_given_up
from relay.messages import Form
from relay.routing.per_route import LEFT
from relay.slack.post import SlackPost
from relay.slack.render import render_again, withdrawn_alone
from relay.store.conversations import cards, corrections
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim, Draft, Send, Waiting
from relay.store.queue import sends
from relay.store.queue.waiting import carried
from relay.vocabulary import SendKind

LATER = 1.0  # seconds to wait for the result of a post that is in flight

log = structlog.get_logger()


class Level(IntEnum):
    """How a correction is tried."""

    FULL = 0
    WITHOUT_PICTURES = 1
    TEXT = 2
    DELETED = 3


def prepare(tx: Tx, context: DeliveryContext, claim: Claim) -> Prepared:
    """The card and the marks; otherwise the next outdated post."""
    rest = card.prepare(tx, context, claim)
    if rest is not None and not isinstance(rest, float):
        return rest
    found = corrections.outdated(tx, claim)
    if found.post is None:
        return LATER if rest is None and found.more else rest
    drawn = _draw(tx, context, claim, found.post, patient=True)
    if isinstance(drawn, Need):
        return drawn
    if drawn is None:
        corrections.mark_corrected(tx, found.post.id, found.post.outdated)
        return 0.0
    payload = {**drawn.payload(), "again": rest}  # seconds until the card is checked again
    return Ready((_draft(found.post.channel, found.post.ts, payload, found.post.id, found.post.outdated),))


def give_up_next(tx: Tx, context: DeliveryContext, claim: Claim) -> Prepared:
    """What comes next, over which we fail each time: a post stays as it is, unless it shows what was withdrawn."""
    rest = card.give_up_next(tx, context, claim)
    if rest is not None and not isinstance(rest, float):
        return rest
    post = corrections.outdated(tx, claim).post
    if post is None:
        return rest
    if not claim.locked:
        return Need(LOCK)
    log_given_up(claim, SendKind.CORRECTION)
    if _shows_withdrawn(tx, post):
        return Ready((_draft(post.channel, post.ts, withdrawn_alone().payload(), post.id, post.outdated, Level.TEXT),))
    corrections.mark_corrected(tx, post.id, post.outdated)
    return 0.0


def _shows_withdrawn(tx: Tx, post: Send) -> bool:
    if post.is_root:
        return corrections.may_show_withdrawn(tx, post.id)
    return any(row.is_withdrawn for row in carried(tx, post)[0])


def call(context: DeliveryContext, claim: Claim, send: Send) -> None:
    """Update the post. Repeating it is harmless."""
    if send.payload["level"] == Level.DELETED:
        context.slack_at(send.channel).delete(send.channel, send.thread_ts or "")
    else:
        context.slack_at(send.channel).update(send.channel, send.thread_ts or "", send.payload)


def settled(tx: Tx, context: DeliveryContext, claim: Claim, send: Send, result: Result) -> Step | None:
    """The post shows what the store has, or is gone; if Slack refuses, it is tried in another way."""
    post, times = send.payload["send"], send.payload["outdated"]
    if isinstance(result, TooLate):
        corrections.mark_outdated(tx, claim.conversation.id, post)
        return None
    sends.forget(tx, send)
    if isinstance(result, Refused) and not result.is_gone:
        level, words_must_go = Level(send.payload["level"]), corrections.may_show_withdrawn(tx, post)
        if level < (Level.DELETED if words_must_go else Level.TEXT):
            return Call(sends.store(tx, claim, [_stepped_down(tx, context, claim, send, Level(level + 1))]))
        if words_must_go:
            log.error("message.not_corrected", channel=send.channel, ts=send.thread_ts, cause=result.cause)
        else:
            log.info("card.not_led_on", channel=send.channel, ts=send.thread_ts, cause=result.cause)
    corrections.mark_corrected(tx, post, times)
    cards.release(tx, claim, send.payload.get("again"))
    return None


def redrawn(tx: Tx, context: DeliveryContext, claim: Claim, send: Send) -> Send:
    """A post or root that is sent again, without what was withdrawn meanwhile. Its lane is held."""
    if not send.outdated or send.kind not in (SendKind.ROOT, SendKind.POST):
        return send
    if send.is_root:
        drawn: SlackPost | Need | None = card.draw_now(tx, context, claim)
    else:
        drawn = _draw(tx, context, claim, send, patient=False)
    post = drawn if isinstance(drawn, SlackPost) else withdrawn_alone()
    besides = {name: value for name, value in send.payload.items() if name != "blocks"}
    return corrections.redrawn(tx, send, {**besides, **post.payload()})


def _draft(
    channel: str, ts: str | None, payload: dict[str, Any], post: str, times: int, level: Level = Level.FULL
) -> Draft:
    about = {"send": post, "outdated": times, "level": int(level)}
    return Draft(SendKind.CORRECTION, channel, ts, {**payload, **about})


def _stepped_down(tx: Tx, context: DeliveryContext, claim: Claim, send: Send, level: Level) -> Draft:
    payload = {name: value for name, value in send.payload.items() if name != "blocks"}
    if level is Level.WITHOUT_PICTURES:
        target = corrections.find(tx, send.payload["send"])
        drawn = _draw(tx, context, claim, target, patient=False, form=Form.WITHOUT_PICTURES)
        payload = {**payload, **drawn.payload()} if isinstance(drawn, SlackPost) else payload
    return _draft(send.channel, send.thread_ts, payload, send.payload["send"], send.payload["outdated"], level)


def _draw(
    tx: Tx, context: DeliveryContext, claim: Claim, send: Send, *, patient: bool, form: Form | None = None
) -> SlackPost | Need | None:
    """The post as it would be drawn now; a line says what is no longer stored. None: nothing of it counts any more."""
    if send.channel != claim.conversation.channel_id:  # another channel may be allowed to see less
        claim = replace(claim, conversation=replace(claim.conversation, rule=LEFT))
    if send.is_root:
        return card.draw_earlier(tx, context, claim, patient=patient)
    place = claim.conversation
    rows, parts = carried(tx, send)
    if not rows:
        return None
    if any(row.about for row in rows) and any(_is_pruned(row, place.key.account) for row in rows):
        return None  # a line that changes must not cost its neighbours their text
    rows = [replace(row, lost=row.lost or _why_lost(row, place.key.account), form=form or row.form) for row in rows]
    found = to_lines(tx, context, claim, rows, patient=patient)
    if isinstance(found, Need):
        return found
    lines, people = found
    lines = [replace(line, mention=context.members_at(place).known(assigned_to(line, people)) or "") for line in lines]
    try:
        return render_again(lines, parts, dashboard_url=context.conversation_url(place.key))
    except Exception as error:  # noqa: BLE001 - whatever a neighbour does to the renderer, the words must go
        log.error("message.unrenderable", send=send.id, error=type(error).__name__)
        return withdrawn_alone()


def _is_pruned(row: Waiting, account: str) -> bool:
    return row.lost is None and _why_lost(row, account) == stored.GONE


def _why_lost(row: Waiting, account: str) -> str | None:
    if row.about is not None or row.is_withdrawn:
        return None
    message = stored.read_as_it_came(row.body, account)
    return message if isinstance(message, str) else None
