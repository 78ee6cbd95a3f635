"""One message as the parts it is shown in. How its text is cut never depends on form or neighbours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from relay.files import Way
from relay.messages import ChatMessage, Form, MessageKind, Person, Role
from relay.slack.blocks import (
    MAX_TEXT,
    Block,
    author_line,
    context,
    link_or_words,
    open_in_words,
    plain,
    rich_text,
    utc_minute,
    words,
)
from relay.slack.files import describe, file_block
from relay.slack.markdown import to_parts, without_markup
from relay.slack.text import author_of, clean, clean_line, clean_name, is_flood, shorten, split, to_rich_text
from relay.slack.thread_notices import MARK, Notice, notice_blocks, notice_text

EMPTY = "(empty message)"
FOR = "This chat is for "
QUOTED = "Go to it"
WITHDRAWN = "Withdrawn by its author"
LOST = -1  # the part number of the notice for a message that could not be shown
_MAX_MARKDOWN = 10_000  # characters: longer ones could take seconds to read
_GOES_ON = "… "
_MAX_REASON = 200
_MAX_QUOTE = 150
_MAX_PREVIEW = 1000  # more than a phone shows
_LINE_END = re.compile("[\n\u2028\u2029]")
_QUOTE_MARK = "> "  # in plain form, all lines without it are ours


@dataclass(frozen=True, slots=True)
class Quote:
    """The message being answered: its author, its text while it is stored, and a link to it in Slack."""

    name: str
    words: str
    url: str | None = None
    is_withdrawn: bool = False

    def __str__(self) -> str:
        """The quote as one line, without the link."""
        if self.is_withdrawn:
            return "In reply to a message that was withdrawn"
        words = shorten(" ".join(clean(self.words).split()), _MAX_QUOTE)
        if not words:
            return "In reply to an earlier message"
        return f"In reply to {clean_name(self.name)}: “{words}”" if self.name else f"In reply to “{words}”"


@dataclass(frozen=True, slots=True)
class Line:
    """One message to show in a thread.

    `id` is the delivery's; `alone`: must not share a post with others; `parts_done` are visible in Slack already;
    `lost`, if not None, is why a notice is shown instead of the message; `told`, if not None, is the relay's own line;
    `is_withdrawn`: its author withdrew it; `quote` is what it answers, `mention` the Slack user who has the chat now,
    "" for nobody. `file` is how its file is shown.
    """

    id: int
    message: ChatMessage
    author: Person
    form: Form = Form.FULL
    alone: bool = False
    parts_done: frozenset[int] = frozenset()
    lost: str | None = None
    told: Notice | None = None
    is_withdrawn: bool = False
    quote: Quote | None = None
    mention: str = ""
    file: Way = Way.LINE

    @property
    def is_spoken(self) -> bool:
        """True for a person's message; False for a grey line."""
        ours = self.is_withdrawn or self.lost is not None or self.told is not None
        return not ours and self.message.kind is MessageKind.MESSAGE


@dataclass(frozen=True, slots=True)
class Previous:
    """The author and time of the post above in the thread; the time is in seconds since 1970."""

    sender: str
    sent_at: float


@dataclass(frozen=True, slots=True)
class Part:
    """A part ready to be packed. `text` is unescaped: a line of the fallback, or in plain form the whole content."""

    line: Line
    number: int
    blocks: tuple[Block, ...]
    text: str

    @property
    def done(self) -> bool:
        """True if it is in Slack already."""
        return self.number in self.line.parts_done

    @property
    def post_group(self) -> tuple[int, int] | None:
        """Consecutive parts of equal post_group may share a post."""
        if self.line.form is Form.PLAIN:
            return (self.line.id, self.number)
        return (self.line.id, 0) if self.line.alone else None

    @property
    def spoken(self) -> Previous | None:
        """The author; None for a grey line, after which the author is named again."""
        if not self.line.is_spoken:
            return None
        return Previous(self.line.message.sender, self.line.message.sent_at)

    def signed(self) -> Part:
        """Returns the part with its author line on top; a plain part contains its author anyway."""
        if self.line.form is Form.PLAIN:
            return self
        above = author_line(author_of(self.line.author), self.line.message.sent_at)
        return replace(self, blocks=(above, *self.blocks))


def parts_of(line: Line, dashboard_url: str) -> Iterator[Part]:
    """Yields all parts of a line, including those that are done, without author lines."""
    if line.lost is not None:
        yield _lost(line, line.lost, dashboard_url)
        return
    if line.told is not None:
        yield Part(line, 0, () if line.form is Form.PLAIN else notice_blocks(line.told), notice_text(line.told))
        return
    if line.is_withdrawn:
        yield Part(line, 0, () if line.form is Form.PLAIN else (context(plain(MARK + WITHDRAWN)),), MARK + WITHDRAWN)
        return
    pieces = list(_pieces(line.message))
    for number, piece in enumerate(pieces):
        last, quote = number == len(pieces) - 1, None if number else line.quote
        if line.form is Form.PLAIN:
            yield Part(line, number, (), _plain_text(line, piece, dashboard_url, quote, last=last))
        else:
            blocks = (*_quote_block(quote), *_blocks(line, piece, dashboard_url, last=last))
            yield Part(line, number, blocks, _summary(line, piece))


@dataclass(frozen=True, slots=True)
class _Piece:
    """Text that fits one block; `small` text is beside the message, and begins with our own mark.

    `is_cut`: the word at its end continues in the next piece.
    """

    text: str
    small: bool = False
    is_cut: bool = False


def _pieces(message: ChatMessage) -> Iterator[_Piece]:
    text, unseen = clean(message.text), clean(message.unseen)
    if text.strip():
        spoken = text.replace("\n", " ") if message.kind is MessageKind.NOTICE else text
        *cut, end = split(spoken, MAX_TEXT)
        yield from (_Piece(each, is_cut=not each[-1].isspace()) for each in cut)
        yield _Piece(end)
    elif not unseen.strip():
        yield _Piece("" if message.attachment else EMPTY)
    if unseen.strip():
        first, *more = split(unseen, MAX_TEXT - len(_GOES_ON))
        yield _Piece(first, small=True)
        yield from (_Piece(_GOES_ON + each, small=True) for each in more)


def _quote_block(quote: Quote | None) -> Iterator[Block]:
    if quote is not None:
        yield context(plain(str(quote)), *([link_or_words(quote.url, QUOTED)] if quote.url else []))


def _blocks(line: Line, piece: _Piece, dashboard_url: str, *, last: bool) -> Iterator[Block]:
    if piece.text:
        yield _words(line, piece, line.mention if last else "")
    if last and line.mention and line.is_spoken:
        yield words([{"type": "text", "text": MARK + FOR}, _user(line.mention)])
    if last and line.message.attachment:
        yield file_block(line.message.attachment, line.file, dashboard_url)
    if last and line.message.hidden:
        yield context(plain(_hidden(line.message.hidden) + ":"), link_or_words(dashboard_url))


def _hidden(count: int) -> str:
    return f"{count} {'detail' if count == 1 else 'details'} hidden"


def _user(user_id: str) -> Block:
    """A mention, which makes Slack show the thread to that person."""
    return {"type": "user", "user_id": user_id}


def _words(line: Line, piece: _Piece, mention: str) -> Block:
    if line.message.kind is MessageKind.NOTICE and mention:
        return words([{"type": "text", "text": f"{MARK}{piece.text} ("}, _user(mention), {"type": "text", "text": ")"}])
    if line.message.kind is MessageKind.NOTICE:
        return context(plain(MARK + piece.text))
    if piece.small:
        return context(plain(piece.text))
    formatted = to_parts(piece.text) if _is_markdown(line) else []
    if formatted:
        return rich_text(formatted)
    if line.author.role is Role.BOT:
        return context(plain(piece.text))
    if is_flood(line.message.text):
        return words([{"type": "text", "text": piece.text}])
    return words(to_rich_text(piece.text, goes_on=piece.is_cut))


def _is_markdown(line: Line) -> bool:
    """True for bots' and agents' messages, whose Markdown clients show; a customer's text stays as typed."""
    return line.author.role.is_of_the_team and len(line.message.text) <= _MAX_MARKDOWN


def _summary(line: Line, piece: _Piece) -> str:
    if line.message.kind is MessageKind.NOTICE:
        return MARK + piece.text
    attachment = line.message.attachment
    said = without_markup(piece.text[:_MAX_PREVIEW]) if _is_markdown(line) else piece.text
    shown = said or (describe(attachment) if attachment else "")
    return f"{author_of(line.author)}: {shown}"


def _plain_text(line: Line, piece: _Piece, dashboard_url: str, quote: Quote | None, *, last: bool) -> str:
    notice = line.message.kind is MessageKind.NOTICE
    above = f"{author_of(line.author)} · {utc_minute(line.message.sent_at)}"
    quoted = [_QUOTE_MARK + _LINE_END.sub(r"\g<0>" + _QUOTE_MARK, piece.text)] if piece.text else []
    answered = [f"{_QUOTE_MARK}{quote}"] if quote else []
    shown = [MARK + piece.text] if notice else [above, *answered, *quoted]
    if last and line.message.attachment:
        shown.append(f"{describe(line.message.attachment)}. {open_in_words(dashboard_url)}")
    if last and line.message.hidden:
        shown.append(f"{_hidden(line.message.hidden)}. {open_in_words(dashboard_url)}")
    return "\n".join(shown)


def _lost(line: Line, reason: str, dashboard_url: str) -> Part:
    told = f"1 message could not be shown: {clean_line(reason, _MAX_REASON) or 'no reason was given'}."
    if line.form is Form.PLAIN:
        return Part(line, LOST, (), f"{MARK}{told} {open_in_words(dashboard_url)}")
    return Part(line, LOST, (context(plain(MARK + told), link_or_words(dashboard_url)),), told)
