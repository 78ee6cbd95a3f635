"""The only reader of stored bodies: what came in, read again, or None for what cannot be read any more.

What is hidden by the settings is hidden here, once, before anybody shows, cuts or quotes it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from relay.errors import Rejected
from relay.kommunicate.parse import parse_webhook
from relay.messages import Assigned, ChatMessage
from relay.routing.redact import Redactor
from relay.slack.events import AgentEdit, AgentWords, Click, FormWords, event_key
from relay.slack.interactions import parse_interaction
from relay.slack.notes import customer_text
from relay.slack.parse import parse_event
from relay.slack.reply_text import labels

SHORT = 4096  # bytes of a body that is remembered with what it has become
GONE = "its content is no longer stored"

Said = AgentWords | AgentEdit


def read_message(body: bytes | None, account: str, redactor: Redactor | None) -> ChatMessage | str:
    """A customer's, bot's or agent's message without what is hidden; else why there is none."""
    message = read_as_it_came(body, account)
    if redactor is None or body is None or isinstance(message, str):
        return message
    return _redacted(body, account, redactor) if len(body) <= SHORT else without_details(message, redactor)


@lru_cache(maxsize=512)
def _redacted(body: bytes, account: str, redactor: Redactor) -> ChatMessage | str:
    """A message is read when it is shown and beside the next ones; it is redacted once."""
    message = read_as_it_came(body, account)
    return message if isinstance(message, str) else without_details(message, redactor)


def without_details(message: ChatMessage, redactor: Redactor) -> ChatMessage:
    """The message with nothing in what people read of it that the redactor finds."""
    text, unseen, title = redactor.hide(message.text), redactor.hide(message.unseen), redactor.clean(message.title)
    spoken = None if message.spoken is None else redactor.clean(message.spoken)
    file, hidden = message.attachment, text.count + unseen.count
    if file is not None:
        name = redactor.hide_name(file.name)
        file, hidden = replace(file, name=name.text), hidden + name.count
    news = message.news
    if isinstance(news, Assigned):
        news = replace(news, name=redactor.clean(news.name))
    said = replace(message, text=text.text, unseen=unseen.text, spoken=spoken, title=title)
    return replace(said, attachment=file, news=news, hidden=hidden)


def read_as_it_came(body: bytes | None, account: str) -> ChatMessage | str:
    """The same with all that is in it, which nobody may show."""
    if body is None:
        return GONE
    try:
        message = parse_webhook(body, account=account)
    except Rejected as error:
        return str(error)
    if isinstance(message, ChatMessage):
        return message
    return message.of_customer or message.reason  # nobody else's was queued


def read_said(body: bytes | None) -> Said | None:
    """What an agent wrote in Slack, or wrote instead."""
    if body is None:
        return None
    try:
        event = parse_event(body)
    except Rejected:
        return _from_form(body)
    return event if isinstance(event, AgentWords | AgentEdit) else None


def _from_form(body: bytes) -> AgentWords | None:
    try:
        form = parse_interaction(body)
    except Rejected:
        return None
    return form.words if isinstance(form, FormWords) else None


def words_of(body: bytes | None, redactor: Redactor | None) -> str:
    """What an agent wrote in Slack, as a customer would read it, with ids where names would have to be looked up.

    For the relay's own lines: without what is hidden. What the customer gets is as the agent wrote it.
    """
    said = read_said(body)
    words = "" if said is None else customer_text(said.blocks, said.text, labels(said.text))
    return words if redactor is None else redactor.clean(words)


def read_click(body: bytes | None, key: str | None = None) -> Click | None:
    """The click with this key, or the first: one body may hold several."""
    try:
        clicks = parse_interaction(body or b"")
    except Rejected:
        return None
    if not isinstance(clicks, tuple):
        return None
    return next((one for one in clicks if key in (None, event_key(one))), None)
