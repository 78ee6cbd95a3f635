"""From what waits in a conversation to the frozen posts that will show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import structlog

from relay.delivery.context import DeliveryContext
from relay.delivery.events import apply_events, subjects
from relay.delivery.handlers.card import draw
from relay.errors import DeliveryFailed, OperatorNeeded, RateLimited, Rejected, RelayError
from relay.kommunicate.parse import parse_webhook
from relay.messages import ChatMessage, ConversationKey, Ignored, Person, Role
from relay.slack.parse import parse_interaction
from relay.slack.render import Line, Notice, Previous, SlackPost, ThreadNotice, render_batch
from relay.store.conversations.threads import name_channel
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim, Draft, Send, Waiting
from relay.store.queue import gates
from relay.store.queue.lanes import give_back
from relay.store.queue.refusals import bury_unrendered
from relay.store.queue.sends import freeze
from relay.store.queue.waiting import last_shown, waiting

FIND_CHANNEL = "conversations.list"

log = structlog.get_logger()


class Unrenderable(RelayError):
    """A stored message cannot be shown."""

    def __init__(self, delivery_id: int, cause: str) -> None:
        super().__init__(cause)
        self.delivery_id = delivery_id


def prepare(out: DeliveryContext, held: Claim) -> Send | None:
    """Freeze what the lane has to show next and return its first send; None when the lane was given back.

    A message that cannot be rendered becomes a dead letter, so that it never stops those behind it.
    """
    if held.conversation.channel_id is None:
        _find_channel(out, held)
        return None
    try:
        return _freeze(out, held)
    except Unrenderable as error:
        log.error("message.unrenderable", delivery=error.delivery_id, cause=str(error))
        with out.store.begin() as tx:
            bury_unrendered(tx, held, error.delivery_id, str(error))
        return None


def _freeze(out: DeliveryContext, held: Claim) -> Send | None:
    key = held.conversation.key
    with out.store.read() as tx:
        rows = waiting(tx, held)
        above = last_shown(tx, held) if held.conversation.thread_ts else None
    messages = {row.id: _message(row, key) for row in rows}
    people = out.authors.of(key.account, subjects(messages))
    lines = [_line(row, messages[row.id], people) for row in rows]
    held = apply_events(out, held, list(zip(rows, lines, strict=True)), people)
    drafts = _drafts(out, held, lines, _previous(above, key))
    calls = bool(drafts) and _calls_the_channel(out, held, lines)
    if calls:
        drafts[0] = _broadcast(drafts[0])
    with out.store.begin("freeze") as tx:
        heard = max((row.id for row in rows), default=0)
        send = freeze(tx, held, drafts, lease=out.lease, heard=heard, calls=calls) if drafts else None
        if send is None:
            give_back(tx, held)
    return send


def _drafts(out: DeliveryContext, held: Claim, lines: Sequence[Line], above: Previous | None) -> list[Draft]:
    place = held.conversation
    if not lines:
        return []
    if place.thread_ts is None:
        return [Draft("root", draw(out, place).payload(), version=place.wanted)]
    posts = _render(lines, previous=above, url=out.conversation_url(place.key))
    return [Draft("post", post.payload(), post.parts) for post in posts]


def _calls_the_channel(out: DeliveryContext, held: Claim, lines: Sequence[Line]) -> bool:
    """True when the first post says something of the customer's that nobody follows the thread to see."""
    due = held.broadcast_from is not None and held.broadcast_from <= held.at
    customers = (Role.CUSTOMER, Role.UNKNOWN)
    spoken = any(line.author.role in customers and line.is_spoken for line in lines)
    return out.broadcasts and due and spoken and held.conversation.thread_ts is not None


def _broadcast(draft: Draft) -> Draft:
    return replace(draft, payload={**draft.payload, "reply_broadcast": True})


def _message(row: Waiting, key: ConversationKey) -> ChatMessage:
    if row.lost is not None or row.about is not None:
        return ChatMessage(key, key="", sender="", sent_at=0.0, text="")
    if row.body is None:
        raise Unrenderable(row.id, "its content is no longer stored")
    try:
        message = parse_webhook(row.body, account=key.account)
    except Rejected as error:
        raise Unrenderable(row.id, str(error)) from None
    if not isinstance(message, ChatMessage):
        raise Unrenderable(row.id, message.reason)
    return message


def _line(row: Waiting, message: ChatMessage, people: Mapping[str, Person]) -> Line:
    author = people.get(message.sender, Person(message.sender, message.sender or "Kommunicate"))
    told = Notice(ThreadNotice(row.about.topic), row.about.id, row.about.cause, _clicker(row)) if row.about else None
    return Line(row.id, message, author, row.form, row.alone, row.parts_done, row.lost, told)


def _clicker(row: Waiting) -> str:
    """Who pressed the button that a line tells of; "" where it tells of something else."""
    if row.about is None or row.about.topic != ThreadNotice.TAKEN or row.body is None:
        return ""
    clicks = parse_interaction(row.body)
    return "" if isinstance(clicks, Ignored) else clicks[0].user_id


def _previous(above: bytes | None, key: ConversationKey) -> Previous | None:
    if above is None:
        return None
    try:
        message = parse_webhook(above, account=key.account)
    except Rejected:
        return None
    return Previous(message.sender, message.sent_at) if isinstance(message, ChatMessage) else None


def _render(lines: Sequence[Line], *, previous: Previous | None, url: str) -> list[SlackPost]:
    try:
        posts = render_batch(lines, previous=previous, dashboard_url=url)
    except Exception as error:  # whatever a message does to the renderer, those behind it go on
        raise Unrenderable(_culprit(lines, url), f"rendering failed: {type(error).__name__}") from error
    if not posts:  # or its lane would be claimed for ever
        raise Unrenderable(lines[0].id, "nothing of it is left to show")
    return posts


def _culprit(lines: Sequence[Line], url: str) -> int:
    for line in lines:
        try:
            render_batch([line], previous=None, dashboard_url=url)
        except Exception:  # noqa: BLE001 - this one it is
            return line.id
    return lines[0].id


def _find_channel(out: DeliveryContext, held: Claim) -> None:
    """Turn the mapping's "#name" into Slack's id; what fails closes the name's gate or waits."""
    name = held.conversation.channel or ""
    with out.store.begin() as tx:
        if name in out.channel_ids:
            name_channel(tx, held, out.channel_ids[name])
            return
        wait = gates.seconds_closed(tx, "method", FIND_CHANNEL)
        if wait is not None:
            give_back(tx, held, wait=wait, attempts=held.attempts, spent=held.spent)
            return
    try:
        out.channel_ids[name] = out.slack.find_channel(name)
    except DeliveryFailed as error:
        with out.store.begin() as tx:
            _not_found(tx, out, held, name, error)
        log.warning("channel.not_found", channel=name, error=type(error).__name__, code=error.code)
    else:
        with out.store.begin() as tx:
            name_channel(tx, held, out.channel_ids[name])


def _not_found(tx: Tx, out: DeliveryContext, held: Claim, name: str, error: DeliveryFailed) -> None:
    """Only this name waits, also where the scope is missing: channels given by id need no look-up."""
    if isinstance(error, RateLimited):
        give_back(tx, held, attempts=held.attempts, spent=held.spent)
        gates.close_for_rate_limit(tx, "method", FIND_CHANNEL, error.retry_after, pace=out.pace, code=error.code)
    elif isinstance(error, OperatorNeeded):
        give_back(tx, held)
        gates.close_for_operator(tx, "channel", name, cause=str(error), code=error.code)
    else:
        give_back(tx, held, wait=out.schedule.delay(held.attempts), attempts=held.attempts + 1, spent=held.spent)
