"""The only reader of stored bodies: returns the parsed body, or None if it can no longer be read.

Redaction happens here, once, before anything is shown, shortened or quoted.
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

SHORT = 4096  # bytes of a body whose parsed form is cached
GONE = "its content is no longer stored"

Said = AgentWords | AgentEdit


def read_message(body: bytes | None, account: str, redactor: Redactor | None) -> ChatMessage | str:
    """A customer's, bot's or agent's message, redacted; otherwise why there is none."""
    message = read_as_it_came(body, account)
    if redactor is None or body is None or isinstance(message, str):
        return message
    return _redacted(body, account, redactor) if len(body) <= SHORT else without_details(message, redactor)


@lru_cache(maxsize=512)
def _redacted(body: bytes, account: str, redactor: Redactor) -> ChatMessage | str:
    """Redacted once, although a message is read when it is shown and again beside later ones."""
    message = read_as_it_came(body, account)
    return message if isinstance(message, str) else without_details(message, redactor)


def without_details(message: ChatMessage, redactor: Redactor) -> ChatMessage:
    """The message with everything people read of it redacted."""
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
    """The same unredacted, which nobody may show."""
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
    """What an agent wrote in Slack, or in a form."""
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
    """An agent's Slack message as a customer would read it, with ids instead of names that need a look-up.

    For the relay's own lines: redacted. The customer gets what the agent wrote.
    """
    said = read_said(body)
    words = "" if said is None else customer_text(said.blocks, said.text, labels(said.text))
    return words if redactor is None else redactor.clean(words)


def read_click(body: bytes | None, key: str | None = None) -> Click | None:
    """The click with this key, or the first: one body may contain several."""
    try:
        clicks = parse_interaction(body or b"")
    except Rejected:
        return None
    if not isinstance(clicks, tuple):
        return None
    return next((one for one in clicks if key in (None, event_key(one))), None)
