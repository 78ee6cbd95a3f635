"""The root card: what a conversation looks like from the channel. Only as tall as necessary: one line if nobody waits
for a person.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from relay.conversation import ConversationState, Holder, Status
from relay.messages import ConversationKey, Form, Mode
from relay.slack.blocks import (
    OPEN_LABEL,
    WAITING,
    Block,
    actions,
    button,
    context,
    date,
    headline,
    line_with_menu,
    link_or_words,
    menu,
    open_in_words,
    option,
    people,
    plain,
)
from relay.slack.post import SlackPost, fallback
from relay.slack.text import clean, clean_line, clean_name, escape, is_url, shorten

READ_ONLY = "Read only: replies here do not reach the customer"
MARKED_ONLY = "Only replies that begin with >> reach the customer"
TAKE_OVER, RELEASE, RESOLVE, REOPEN, ASSIGN = "take_over", "release", "resolve", "reopen", "assign"
MUTE, UNMUTE, MOVE = "mute", "unmute", "move"
MORE = " …"  # ends the label of a control that asks a question first
LABELS = {
    TAKE_OVER: "Take over",
    RELEASE: "Release",
    RESOLVE: "Resolve",
    REOPEN: "Reopen",
    ASSIGN: f"Assign to{MORE}",
    MUTE: "Mute: notify nobody",
    UNMUTE: "Unmute",
    MOVE: f"Move to another channel{MORE}",
}
MENU, OPEN = "menu", "open"  # the action of the menu, and of its link entry
NEWER = "a newer thread"
MAX_FIRST_WORDS = 300
MAX_BEGAN = 100
MAX_FACTS, MAX_FACT_NAME, MAX_FACT = 10, 40, 200
SOMEBODY = "somebody"
_MAX_REPLACES = 300
_SAID_OF = {Mode.MARKED: MARKED_ONLY, Mode.NONE: READ_ONLY}  # for settings other than the default
_MAX_PLAIN_URL = 200  # keeps `text` under the 4,000 that chat.update takes


@dataclass(frozen=True, slots=True)
class Card:
    """The contents of a root card. `since` is seconds since 1970; `replaces` is the old thread's permalink or `ts`.

    `last_words` are the customer's, who has waited from `waits_since` on (None for not at all) and written
    `waits_count` messages since; `holder_id` is the Slack user who has the chat, "" where Slack knows none. While
    nobody has it, Slack calls `calls`: a user, a user group, `here` or `channel`, "" for nobody. `facts` are what is
    told of the customer, each with what it is called. `can_move`: there is another channel for chats.
    """

    key: ConversationKey
    name: str
    first_words: str
    since: float
    dashboard_url: str
    read_only: bool
    replaces: str | None = None
    state: ConversationState = field(default_factory=ConversationState)
    mode: Mode = Mode.ALL
    last_words: str = ""
    holder_id: str = ""
    waits_since: float | None = None
    waits_count: int = 0
    calls: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    can_move: bool = False

    @property
    def is_quiet(self) -> bool:
        """True while nobody waits for a person."""
        return self.state.is_resolved or (self.state.holder is Holder.BOT and self.waits_since is None)


def render_card(card: Card, form: Form = Form.FULL) -> SlackPost:
    """Renders the post that begins a thread; its `text` is what a phone shows: the name, then the last words."""
    if form is Form.PLAIN:
        return SlackPost(_plain_text(card), (), ())
    said = (" · ".join(_who(card)), "" if card.is_quiet else _quoted(card))
    return SlackPost(fallback(": ".join(filter(None, said))), tuple(_blocks(card)), ())


def render_replaced(name: str, url: str) -> SlackPost:
    """Renders the card of a replaced thread; `url` opens the new one, "" if unknown."""
    said = f"{clean_name(name)} · continues in"
    text = f"{said} {NEWER}" + (f": {url}" if is_url(url) and len(url) <= _MAX_PLAIN_URL else "")
    return SlackPost(fallback(text), (context(plain(said), link_or_words(url, NEWER)),), ())


def acted_upon(action_id: str, value: str) -> str:
    """Returns the action of a click on a card: a button's, or the entry chosen from the menu."""
    return value if action_id == MENU else action_id


def _blocks(card: Card) -> Iterator[Block]:
    if card.is_quiet and not card.read_only:
        entries = (REOPEN,) if card.state.is_resolved else (TAKE_OVER, RESOLVE, MOVE)
        yield line_with_menu(" · ".join(_who(card)), _menu(card, *entries))
        return
    if card.is_quiet:
        yield context(plain(" · ".join(_who(card))))
    else:
        calls = card.calls if card.state.holder is Holder.NOBODY and not card.state.muted else ""
        yield headline(clean_name(card.name), _state(card), _quoted(card), calls)
        if facts := _facts(card):
            yield context(*map(plain, facts))
    if card.replaces is not None:
        yield _replaces(card.replaces)
    if began := _began_with(card):
        yield context(plain(f"Began with: \u201c{began}\u201d"))
    if card.read_only:
        yield _read_only(card)
        return
    if card.mode in _SAID_OF:
        yield context(plain(_SAID_OF[card.mode]))
    yield _controls(card)


def _controls(card: Card) -> Block:
    assign, mute = people(ASSIGN, LABELS[ASSIGN]), UNMUTE if card.state.muted else MUTE
    if card.state.holder is Holder.AGENT:
        return actions(button(RESOLVE, LABELS[RESOLVE]), assign, _menu(card, TAKE_OVER, RELEASE, mute, MOVE))
    return actions(button(TAKE_OVER, LABELS[TAKE_OVER], style="primary"), assign, _menu(card, RESOLVE, mute, MOVE))


def _menu(card: Card, *entries: str) -> Block:
    link = [option(OPEN, OPEN_LABEL, url=card.dashboard_url)] if is_url(card.dashboard_url) else []
    offered = [option(entry, LABELS[entry]) for entry in entries if entry != MOVE or card.can_move]
    return menu(MENU, offered + link)


def _read_only(card: Card) -> Block:
    # A link, not a button: without interactivity, Slack marks every click on a button with a warning.
    return context(plain(READ_ONLY), link_or_words(card.dashboard_url))


def _who(card: Card) -> list[str]:
    """The customer's name and the conversation's state, in plain text."""
    holder = clean_name(card.state.holder_name) if card.state.holder_name else SOMEBODY
    said = ("".join(_in_words(element, holder) for element in piece) for piece in _state(card))
    return [clean_name(card.name), *said]


def _state(card: Card) -> list[list[Block]]:
    """The conversation's state, piece by piece, in rich text elements."""
    state, said = card.state, []
    if state.status is Status.REOPENED:
        said.append([_text("reopened")])
    if state.is_resolved:
        by = f" by {clean_name(state.resolved_by)}" if state.resolved_by else ""
        return [*said, [_text(f"resolved{by}")]]
    if card.waits_since is not None:
        more = [_text(f", {card.waits_count} messages")] if card.waits_count > 1 else []
        said.append([_text("waiting since "), date(card.waits_since, WAITING), *more])
    elif state.holder is Holder.AGENT and card.last_words:
        said.append([_text("answered")])
    elif state.holder is Holder.NOBODY:
        said.append([_text("since "), date(card.since)])
    if state.holder is Holder.BOT:
        said.append([_text("a bot answers" if card.is_quiet else "a bot has this chat")])
    elif state.holder is Holder.AGENT:
        name = clean_name(state.holder_name) if state.holder_name else ""
        user = {"type": "user", "user_id": card.holder_id} if card.holder_id else _text(name)
        said.append([_text("with "), user] if card.holder_id or name else [_text("taken")])
    return [*said, [_text("muted")]] if state.muted else said


def _in_words(element: Block, holder: str) -> str:
    return str(element.get("text") or element.get("fallback") or holder)


def _plain_text(card: Card) -> str:
    words = _quoted(card)
    lines = [" · ".join(_who(card))]
    if words and not card.is_quiet:
        lines.append(f"> {words}")
    if not card.is_quiet:
        lines += _facts(card)
    if card.read_only or card.mode in _SAID_OF:
        lines.append(READ_ONLY if card.read_only else _SAID_OF[card.mode])
    if is_url(card.dashboard_url) and len(card.dashboard_url) <= _MAX_PLAIN_URL:
        lines.append(open_in_words(card.dashboard_url))
    return escape("\n".join(lines))


def _facts(card: Card) -> list[str]:
    """The customer's details, at most as many as fit in one block."""
    told = ((clean_line(name, MAX_FACT_NAME), clean_line(value, MAX_FACT)) for name, value in card.facts)
    return [f"{name}: {value}" for name, value in told if name and value][:MAX_FACTS]


def _quoted(card: Card) -> str:
    """The customer's latest message, otherwise the first."""
    return _one_paragraph(card.last_words) or _one_paragraph(card.first_words)


def _began_with(card: Card) -> str:
    """The first message, if the card quotes a later one."""
    began = _one_paragraph(card.first_words)
    later = not card.is_quiet and began and began != _quoted(card)
    return shorten(began, MAX_BEGAN) if later else ""


def _one_paragraph(words: str) -> str:
    # The card stays low, and no line of it can look like one of ours.
    return shorten(" ".join(clean(words).split()), MAX_FIRST_WORDS)


def _text(words: str) -> Block:
    return {"type": "text", "text": words}


def _replaces(earlier: str) -> Block:
    if is_url(earlier):
        return context(plain("Continued from"), link_or_words(earlier, "an earlier thread"))
    return context(plain(f"Continued from an earlier thread: {clean_line(earlier, _MAX_REPLACES) or 'gone'}"))
