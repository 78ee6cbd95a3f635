"""The overview of open chats: the app's Home tab, and what `/chats` shows. https://docs.slack.dev/surfaces/app-home"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from relay.slack.blocks import WAITING, Block, actions, button, context, date, plain, words
from relay.slack.text import clean_line, clean_name
from relay.slack.thread_notices import BUTTONS, MAX_CAUSE, RETRY, SEND_AGAIN

PAGE = "page"  # the action of the paging buttons
PER_PAGE = 20
ALL_WELL = "All is well."
NOBODY_WAITS = "Nobody is waiting."
_PART = "."  # between the page that a failed reply is on and its id
_OFFSET = re.compile(r"[0-9]{1,6}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ChatRow:
    """One open chat; `url` opens its thread, `waits_since` is seconds since 1970, None if nobody waits."""

    name: str
    channel: str
    url: str
    waits_since: float | None
    holder_name: str
    is_mine: bool


@dataclass(frozen=True, slots=True)
class FailedRow:
    """A reply that did not reach its customer, or `may_have`; `id` is its button's value."""

    id: int
    name: str
    cause: str
    url: str
    may_have: bool = False


@dataclass(frozen=True, slots=True)
class Home:
    """One page of the overview; `offset` is how many chats come before it. `barred` is why this person sees none."""

    chats: Sequence[ChatRow]
    open: int
    waiting: int
    failed: Sequence[FailedRow] = ()
    trouble: str = ""
    barred: str = ""
    offset: int = 0


def home_view(home: Home) -> Block:
    """Returns the Home tab."""
    return {"type": "home", "blocks": list(home_blocks(home))}


def home_blocks(home: Home) -> Iterator[Block]:
    """Yields the overview, at most 44 blocks: one sentence, failures, waiting customers, and the paging buttons."""
    yield words([_text(_sentence(home), bold=True)])
    for failed in home.failed:
        cause = clean_line(failed.cause, MAX_CAUSE)
        not_sent, label = ("May not have reached ", BUTTONS[SEND_AGAIN]) if failed.may_have else ("Not sent to ", RETRY)
        yield words([_text(not_sent), *_link(failed.name, failed.url), _text(f": {cause}")])
        yield actions(button(SEND_AGAIN, label, str(failed.id)), block_id=f"{home.offset}{_PART}{failed.id}")
    for chat in home.chats:
        yield words(list(_row(chat)))
    turns = []
    if home.offset:
        turns.append(button(PAGE, "Back", str(max(0, home.offset - PER_PAGE))))
    if home.offset + len(home.chats) < home.open:
        turns.append(button(f"{PAGE}-on", "More", str(home.offset + PER_PAGE)))
    if turns:
        last = home.offset + len(home.chats)
        if home.chats:
            yield context(plain(f"{home.offset + 1} to {last} of {home.open}"))
        yield actions(*turns)


def page_of(block_id: str) -> int:
    """Returns how many chats come before the page that a failed reply is on, which comes back with a click on it."""
    offset, part, _ = block_id.partition(_PART)
    return int(offset) if part and _OFFSET.fullmatch(offset) else 0


def _sentence(home: Home) -> str:
    if home.barred:
        return f"{home.barred}."
    if home.trouble:
        return f"Something needs attention: {clean_line(home.trouble, MAX_CAUSE)}."
    waiting = {0: NOBODY_WAITS, 1: "1 customer is waiting."}.get(home.waiting, f"{home.waiting} customers are waiting.")
    return waiting if home.failed else f"{ALL_WELL} {waiting}"


def _row(chat: ChatRow) -> Iterator[Block]:
    yield from _link(chat.name, chat.url)
    if chat.waits_since is not None:
        yield _text(" · waiting since ")
        yield date(chat.waits_since, WAITING)
    else:
        yield _text(" · answered")
    if chat.is_mine:
        yield _text(" · yours")
    elif chat.holder_name:
        yield _text(f" · with {clean_name(chat.holder_name)}")
    yield _text(" · ")
    yield {"type": "channel", "channel_id": chat.channel}


def _link(name: str, url: str) -> list[Block]:
    shown = clean_name(name)
    return [{"type": "link", "url": url, "text": shown}] if url else [_text(shown)]


def _text(said: str, *, bold: bool = False) -> Block:
    return {"type": "text", "text": said, **({"style": {"bold": True}} if bold else {})}
