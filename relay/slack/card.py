"""The root card: what a conversation looks like from the channel."""

from __future__ import annotations

from dataclasses import dataclass

from relay.messages import ConversationKey, Form
from relay.slack.blocks import (
    Block,
    context,
    headline,
    link_or_words,
    open_in_words,
    plain,
    utc_minute,
)
from relay.slack.links import is_url
from relay.slack.post import SlackPost, fallback
from relay.slack.text import clean, clean_line, clean_name, escape, shorten

READ_ONLY = "Read only: replies here do not reach the customer"
MAX_FIRST_WORDS = 300
_MAX_REPLACES = 300
_MAX_PLAIN_URL = 200  # keeps `text` under the 4,000 that chat.update takes


@dataclass(frozen=True, slots=True)
class Card:
    """All a root card says. `since` is seconds since 1970; `replaces` is the old thread's permalink or `ts`."""

    key: ConversationKey
    name: str
    first_words: str
    since: float
    dashboard_url: str
    read_only: bool
    replaces: str | None = None


def render_card(card: Card, form: Form = Form.FULL) -> SlackPost:
    """Renders the post that begins a thread; its `text` is the name, then the first words."""
    if form is Form.PLAIN:
        return SlackPost(_plain_text(card), (), ())
    name, words = clean_name(card.name), _first_words(card)
    text = fallback(f"{name}: {words}" if words else name)
    return SlackPost(text, tuple(_blocks(card, name, words)), ())


def _blocks(card: Card, name: str, words: str) -> list[Block]:
    blocks = [headline(name, card.since, words)]
    if card.replaces is not None:
        blocks.append(_replaces(card.replaces))
    # A link, not a button: Slack marks every click on a button with a warning where no interactivity is set up.
    said = [plain(READ_ONLY)] if card.read_only else []
    return [*blocks, context(*said, link_or_words(card.dashboard_url))]


def _plain_text(card: Card) -> str:
    name, words = clean_name(card.name), _first_words(card)
    lines = [f"{name} · since {utc_minute(card.since)}"]
    if words:
        lines.append(f"> {words}")
    if card.read_only:
        lines.append(READ_ONLY)
    if is_url(card.dashboard_url) and len(card.dashboard_url) <= _MAX_PLAIN_URL:
        lines.append(open_in_words(card.dashboard_url))
    return escape("\n".join(lines))


def _first_words(card: Card) -> str:
    # One paragraph: the card stays low, and no line of it can look like one of ours.
    return shorten(" ".join(clean(card.first_words).split()), MAX_FIRST_WORDS)


def _replaces(earlier: str) -> Block:
    if is_url(earlier):
        return context(plain("Goes on from"), link_or_words(earlier, "an earlier thread"))
    return context(plain(f"Goes on from an earlier thread: {clean_line(earlier, _MAX_REPLACES) or 'gone'}"))
