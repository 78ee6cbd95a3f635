"""The root card: drawn for a thread that begins, and brought up to date when a conversation stands differently."""

from __future__ import annotations

from dataclasses import replace

import structlog

from relay.delivery.context import DeliveryContext
from relay.errors import DeliveryFailed, OperatorNeeded, Permanent, RateLimited, Rejected, ThreadGone
from relay.kommunicate.parse import parse_webhook
from relay.messages import ChatMessage, Form
from relay.slack.post import SlackPost
from relay.slack.render import Card, render_card
from relay.store.conversations import cards
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim, Conversation
from relay.store.queue import gates
from relay.store.queue.lanes import Fenced

NAMELESS = "A customer"
UPDATE = "chat.update"
INACTIVE = "is_inactive"  # the channel is archived: the card is brought up to date once it is back

log = structlog.get_logger()


def draw(out: DeliveryContext, place: Conversation) -> SlackPost:
    """The card as it should look now; one that cannot be drawn must not keep its conversation waiting."""
    card = _card(out, place)
    try:
        return render_card(card, place.root_form)
    except Exception as error:  # noqa: BLE001 - whatever a customer's words do to the renderer
        log.error("card.unrenderable", conversation=place.id, error=type(error).__name__)
        return render_card(replace(card, name=NAMELESS, first_words="", replaces=None), Form.PLAIN)


def update(out: DeliveryContext, held: Claim) -> None:
    """Bring the card of a claimed `card` lane up to date, and give the lane back. It may be done twice: it says the
    same.
    """
    place = held.conversation
    if place.channel_id is None or place.thread_ts is None:  # a root to come shows the newest version anyway
        with out.store.begin() as tx:
            cards.mark_shown(tx, held)
        return
    try:
        out.slack.update(place.channel_id, place.thread_ts, draw(out, place).payload())
    except DeliveryFailed as error:
        _settle_failure(out, held, error)
        return
    try:
        with out.store.begin("card") as tx:
            cards.mark_shown(tx, held)
    except Fenced:
        with out.store.begin() as tx:  # what came late may have covered something newer
            cards.request_redraw(tx, place.id)
        raise
    log.info("card.updated", conversation=place.id, version=place.wanted)


def _card(out: DeliveryContext, place: Conversation) -> Card:
    state = place.state
    opener = _opener(out, place)
    sender = state.opener_sender
    people = out.authors.of(place.key.account, [sender]) if sender else {}
    return Card(
        key=place.key,
        name=people[sender].name if sender else NAMELESS,
        first_words=_first_words(opener),
        since=state.since or place.created_at,
        dashboard_url=out.conversation_url(place.key),
        read_only=out.read_only,
        replaces=place.dead_ts and _permalink(out, place),
        state=state,
    )


def _first_words(opener: ChatMessage | None) -> str:
    """What was said; of a file alone, its name."""
    if opener is None:
        return ""
    return opener.text or (opener.attachment.name if opener.attachment else "")


def _opener(out: DeliveryContext, place: Conversation) -> ChatMessage | None:
    """The message that the card quotes, as long as its words are kept."""
    with out.store.read() as tx:
        body = cards.body_of(tx, place.state.opener_id)
    if body is None:
        return None
    try:
        message = parse_webhook(body, account=place.key.account)
    except Rejected:
        return None
    return message if isinstance(message, ChatMessage) else None


def _permalink(out: DeliveryContext, place: Conversation) -> str | None:
    """A link to the thread that this one replaces; where Slack has none, there is none."""
    if place.channel_id is None or place.dead_ts is None:
        return None
    try:
        return out.slack.permalink(place.channel_id, place.dead_ts)
    except DeliveryFailed as error:
        log.info("card.no_permalink", conversation=place.id, code=error.code)
        return None


def _settle_failure(out: DeliveryContext, held: Claim, error: DeliveryFailed) -> None:
    log.warning("card.failed", conversation=held.conversation.id, error=type(error).__name__, code=error.code)
    with out.store.begin() as tx:
        if isinstance(error, Permanent | ThreadGone) and error.code != INACTIVE:
            cards.mark_shown(tx, held)  # the root is gone, or can never be changed: nobody would see another try
            return
        try_later(out, tx, held, error)


def try_later(out: DeliveryContext, tx: Tx, held: Claim, error: DeliveryFailed) -> None:
    """Put a claimed `card` lane off, its card and its marks: until a limit is over, or a person has done something."""
    wait = out.schedule.delay(held.attempts)
    if isinstance(error, RateLimited):
        wait = gates.close_for_rate_limit(tx, "method", error.method, error.retry_after, pace=out.pace, code=error.code)
    elif isinstance(error, OperatorNeeded | Permanent):
        wait = max(gates.RECHECK)
    cards.postpone(tx, held, wait)
