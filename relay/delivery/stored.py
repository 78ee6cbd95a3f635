"""The only reader of stored bodies: what came in, read again, or None for what cannot be read any more."""

from __future__ import annotations

from relay.errors import Rejected
from relay.kommunicate.parse import parse_webhook
from relay.messages import ChatMessage
from relay.slack.events import AgentEdit, AgentWords, Click, FormWords, event_key
from relay.slack.interactions import parse_interaction
from relay.slack.notes import customer_text
from relay.slack.parse import parse_event
from relay.slack.reply_text import labels

GONE = "its content is no longer stored"

Said = AgentWords | AgentEdit


def read_message(body: bytes | None, account: str) -> ChatMessage | str:
    """A customer's, bot's or agent's message as Kommunicate sent it; else why there is none."""
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


def words_of(body: bytes | None) -> str:
    """What an agent wrote in Slack, as a customer would read it, with ids where names would have to be looked up."""
    said = read_said(body)
    return "" if said is None else customer_text(said.blocks, said.text, labels(said.text))


def read_click(body: bytes | None, key: str | None = None) -> Click | None:
    """The click with this key, or the first: one body may hold several."""
    try:
        clicks = parse_interaction(body or b"")
    except Rejected:
        return None
    if not isinstance(clicks, tuple):
        return None
    return next((one for one in clicks if key in (None, event_key(one))), None)
