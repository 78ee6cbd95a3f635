"""The root card: drawn for a new thread, and updated when the state of its conversation changes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import structlog

from relay.conversation import Holder, waits_for_bot
from relay.delivery.context import DeliveryContext
from relay.delivery.facts import facts
from relay.delivery.handlers import marks
from relay.delivery.last_words import LastWords, last_words
from relay.delivery.steps import Answered, Need, Prepared, Ready, Refused, Result, Step, TooLate
from relay.delivery.stumbles import log_given_up
from relay.messages import ChatMessage, Form
from relay.slack.card import Card, render_card, render_replaced
from relay.slack.markdown import without_markup
from relay.slack.post import SlackPost, fingerprint
from relay.store.conversations import cards
from relay.store.conversations.state import LATER, update_state
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim, Conversation, Draft, Send
from relay.store.queue import sends
from relay.store.queue.refusals import set_root_form
from relay.store.queue.waiting import body_of
from relay.vocabulary import SendKind

MOST = 1000  # characters of the first message that are read: the card shows fewer
NAMELESS = "A customer"
NAMES, MEMBERS, PERMALINK = "names", "members", "permalink"

log = structlog.get_logger()


def prepare(tx: Tx, context: DeliveryContext, claim: Claim) -> Prepared:
    """The card as it should look now; otherwise the next mark. A root that is not posted yet shows the newest version
    anyway.
    """
    place = claim.conversation
    if place.channel_id is None or place.thread_ts is None or not _is_behind(tx, place):
        return marks.prepare(tx, context, claim)
    post = draw(tx, context, claim)
    if isinstance(post, Need):
        return post
    last, drawn_as = last_words(tx, context, place, claim.at), fingerprint(post.payload())
    if drawn_as == place.card_fingerprint:  # it changed, and changed back
        cards.mark_shown(tx, claim, place.wanted, drawn_as, _seen(last))
        rest = marks.prepare(tx, context, claim)
        return last.again if rest is None else rest
    drawn = {"fingerprint": drawn_as, "last_id": _seen(last), "waits_since": last.waits_since, "again": last.again}
    payload = {**post.payload(), **drawn}
    return Ready((Draft(SendKind.CARD, place.channel_id, place.thread_ts, payload, version=place.wanted),))


def give_up_next(tx: Tx, context: DeliveryContext, claim: Claim) -> Prepared:
    """The card over which we fail each time, without anybody's words; otherwise the next mark is left out."""
    place = claim.conversation
    if place.channel_id is None or place.thread_ts is None or not _is_behind(tx, place):
        return marks.give_up_next(tx, context, claim)
    log_given_up(claim, SendKind.CARD)
    url, since = context.conversation_url(place.key), place.state.since or place.created_at
    read_only = context.replying(place) is None
    bare = Card(place.key, NAMELESS, "", since, url, read_only, state=place.state, waits_since=place.state.waits_since)
    payload = {**render_card(bare, place.root_form).payload(), "last_id": cards.last_id(tx, place.id)}
    return Ready((Draft(SendKind.CARD, place.channel_id, place.thread_ts, payload, version=place.wanted),))


def _is_behind(tx: Tx, place: Conversation) -> bool:
    """True if the state has changed since, or something was said."""
    return place.wanted != place.shown or cards.last_id(tx, place.id) != place.card_last_id


def call(context: DeliveryContext, claim: Claim, send: Send) -> None:
    """Update the card. Repeating it is harmless."""
    context.slack_at(send.channel).update(send.channel, send.thread_ts or "", send.payload)


def settled(tx: Tx, context: DeliveryContext, claim: Claim, send: Send, result: Result) -> Step | None:
    """The card shows this version. Also if it was refused, so that the next one is plain, or if the root is gone."""
    if isinstance(result, TooLate):  # a late call may have overwritten a newer version
        cards.request_redraw(tx, claim.conversation.id)
        return None
    if isinstance(result, Refused) and not result.is_gone and claim.conversation.root_form is not Form.PLAIN:
        set_root_form(tx, claim, Form.PLAIN)
        cards.request_redraw(tx, claim.conversation.id)
    drawn_as = send.payload.get("fingerprint") if isinstance(result, Answered) else None
    cards.mark_shown(tx, claim, send.version or 0, drawn_as, send.payload.get("last_id"))
    if since := send.payload.get("waits_since"):
        update_state(tx, claim.conversation.id, partial(waits_for_bot, since=since))
    sends.forget(tx, send)
    again = send.payload.get("again")
    if cards.last_id(tx, claim.conversation.id) != send.payload.get("last_id"):  # more was said meanwhile
        again = LATER if again is None else again
    cards.release(tx, claim, again)
    return None


def _seen(last: LastWords) -> int | None:
    """Up to which message the card is correct; None if it must be checked again even without a new message."""
    return last.received_id if last.again is None else None


def draw(tx: Tx, context: DeliveryContext, claim: Claim) -> SlackPost | Need:
    """The card of a conversation, or what is missing for it."""
    place = claim.conversation
    sender = place.state.opener_sender
    known = context.known(tx, place, [sender] if sender else [])
    if known.missing and NAMES not in claim.asked:
        return Need(NAMES, partial(context.look_up_names, place.key.account, known.missing), SendKind.CARD)
    holder = [place.state.assignee] if place.state.holder is Holder.AGENT and place.state.assignee else []
    if holder and MEMBERS not in claim.asked and (missing := context.members_at(place).missing(holder)):
        return Need(MEMBERS, partial(context.members_at(place).look_up, missing), SendKind.CARD)
    if link := _need_link(context, claim, cards.earlier_thread(tx, place)):
        return link
    return draw_now(tx, context, claim)


def _need_link(context: DeliveryContext, claim: Claim, post: tuple[str, str] | None) -> Need | None:
    if post is None or post in context.permalinks or PERMALINK in claim.asked:
        return None
    return Need(PERMALINK, partial(context.look_up_permalink, *post), SendKind.CARD)


def draw_earlier(tx: Tx, context: DeliveryContext, claim: Claim, *, patient: bool) -> SlackPost | Need:
    """The card of a replaced thread: a link to where the conversation continues."""
    place = claim.conversation
    newer = (place.channel_id or "", place.thread_ts or "")
    if patient and place.thread_ts and (link := _need_link(context, claim, newer)):
        return link
    opener = place.state.opener_sender
    known = context.known(tx, place, [opener] if opener else []).people
    return render_replaced(known[opener].name if opener else NAMELESS, context.permalinks.get(newer) or "")


def draw_now(tx: Tx, context: DeliveryContext, claim: Claim) -> SlackPost:
    """The card from what is known; a card that cannot be drawn must not block its conversation."""
    place = claim.conversation
    sender = place.state.opener_sender
    known = context.known(tx, place, [sender] if sender else [])
    earlier = cards.earlier_thread(tx, place)
    is_team = bool(sender) and known.people[sender].role.is_of_the_team
    last = last_words(tx, context, place, claim.at)
    card = Card(
        key=place.key,
        name=known.people[sender].name if sender else NAMELESS,
        first_words=_first_words(tx, context, place, is_team=is_team),
        last_words=last.words,
        waits_since=last.waits_since,
        waits_count=last.count,
        holder_id=context.members_at(place).known(place.state.assignee or "") or "",
        since=place.state.since or place.created_at,
        dashboard_url=context.conversation_url(place.key),
        read_only=context.replying(place) is None,
        mode=context.reply_rules.mode_of(place.rule),
        calls=context.showing.notify_of(place.rule),
        replaces=context.permalinks.get(earlier) if earlier else None,
        state=place.state,
        facts=facts(tx, context, place, known.people.get(sender)),
        can_move=bool(context.other_channels(place)),
    )
    try:
        return render_card(card, place.root_form)
    except Exception as error:  # noqa: BLE001 - whatever a customer's words do to the renderer
        log.error("card.unrenderable", conversation=place.id, error=type(error).__name__)
        return render_card(
            replace(card, name=NAMELESS, first_words="", last_words="", facts=(), replaces=None), Form.PLAIN
        )


def _first_words(tx: Tx, context: DeliveryContext, place: Conversation, *, is_team: bool) -> str:
    """The opener's text while it is kept; for a lone file its name; for a team member without Markdown."""
    opener = context.read(body_of(tx, place.state.opener_id), place)
    if not isinstance(opener, ChatMessage):
        return ""
    words = context.files.in_words(place.rule, opener)
    return without_markup(words[:MOST]) if is_team else words
