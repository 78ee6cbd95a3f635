"""What a conversation looks like in Slack, as pure functions: no clock, no network; the same input gives the same
posts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from relay.messages import Form
from relay.slack.blocks import MAX_BLOCKS, MAX_TOTAL, text_size
from relay.slack.card import Card, render_card
from relay.slack.parts import WITHDRAWN, Line, Part, Previous, parts_of
from relay.slack.post import SlackPost, fallback, mark_repeated
from relay.slack.text import escape
from relay.slack.thread_notices import MARK, Notice

__all__ = [
    "Card",
    "Line",
    "Notice",
    "Previous",
    "SlackPost",
    "mark_repeated",
    "render_again",
    "render_batch",
    "render_card",
    "withdrawn_alone",
]


def render_batch(lines: Sequence[Line], *, previous: Previous | None, dashboard_url: str) -> list[SlackPost]:
    """Renders messages, in order, in as few posts as Slack's limits allow; nothing is cut, what is done is left out.

    `previous` is the post above in the thread; `dashboard_url` opens the conversation in Kommunicate.
    """
    parts = [part for line in lines for part in parts_of(line, dashboard_url)]
    waiting = [part for part in _signed(parts, previous) if not part.done]
    groups = groupby(waiting, key=lambda part: part.post_group)
    return [_post(page) for _, post_group in groups for page in _pages(post_group)]


def render_again(lines: Sequence[Line], parts: Collection[tuple[int, int]], *, dashboard_url: str) -> SlackPost:
    """Renders an existing post again, with the (delivery id, part number) it carries, as they are now.

    What is plain now was not when it shared the post with others.
    """
    shared = len(lines) > 1
    drawn = [
        part
        for line in (_with_blocks(one) if shared else one for one in lines)
        for part in parts_of(line, dashboard_url)
        if line.is_withdrawn or line.lost is not None or (line.id, part.number) in parts
    ]
    return _post(list(_signed(drawn, None)))


def _with_blocks(line: Line) -> Line:
    return replace(line, form=Form.WITHOUT_PICTURES) if line.form is Form.PLAIN else line


def withdrawn_alone() -> SlackPost:
    """Renders the placeholder for a withdrawn message, if nothing else can be shown."""
    return SlackPost(MARK + WITHDRAWN, (), ())


def _signed(parts: Iterable[Part], above: Previous | None) -> Iterator[Part]:
    """Puts an author line on top of a part wherever author or minute changes."""
    for part in parts:
        spoken = part.spoken
        yield part if spoken is None or _goes_on(above, spoken) else part.signed()
        above = above if part.line.is_withdrawn else spoken


def _goes_on(above: Previous | None, spoken: Previous) -> bool:
    if above is None or above.sender != spoken.sender:
        return False
    return above.sent_at // 60 == spoken.sent_at // 60


def _pages(parts: Iterable[Part]) -> Iterator[list[Part]]:
    """Packs parts in order; one part alone always fits."""
    page: list[Part] = []
    blocks = size = 0
    for part in parts:
        more = sum(map(text_size, part.blocks))
        if page and (blocks + len(part.blocks) > MAX_BLOCKS or size + more > MAX_TOTAL):
            yield page
            page, blocks, size = [], 0, 0
        page.append(part)
        blocks += len(part.blocks)
        size += more
    if page:
        yield page


def _post(page: list[Part]) -> SlackPost:
    parts = tuple((part.line.id, part.number) for part in page)
    if page[0].line.form is Form.PLAIN:
        return SlackPost(escape(page[0].text), (), parts)
    blocks = tuple(block for part in page for block in part.blocks)
    return SlackPost(fallback(*(part.text for part in page)), blocks, parts)
