"""Conversations: the latest, those that are searched for, and one with all that came and was done about it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Response, request
from werkzeug.exceptions import NotFound

from relay.keys import UNHOLDABLE, search_words, without_invisible
from relay.owners import bare, is_named, owned, owner_of
from relay.store.db.engine import Tx
from relay.store.operations import browsing
from relay.store.operations.browsing import Chat, Page, StoredWords
from relay.store.operations.timeline import Came, Task, came, came_in, tasks_of, thread_sends
from relay.web.status.dead_letters import what_came_of_it
from relay.web.status.guard import doors
from relay.web.status.pages import id_in, pages
from relay.web.status.render import page
from relay.web.status.words import Reader, Said

PER_PAGE = 40
PER_CONVERSATION = 30
MOST_HITS = 300  # messages that are read to find words; each is parsed and searched for what is hidden
IN_TEXT = "text"  # what `in` says where words are searched and not customers
LONGEST, BEFORE = 100, 40  # characters that are searched for, and that are shown before what was found
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")  # a letter as JSON may write it


@dataclass(frozen=True, slots=True)
class Row:
    """A conversation in the list: its customer's name, and what was said last, or found, as far as it may be read."""

    chat: Chat
    name: str
    words: str


@dataclass(frozen=True, slots=True)
class Item:
    """Something that came in a conversation, read, and what was done about it."""

    came: Came
    said: Said
    tasks: Sequence[Task]


@pages.get("/conversations")
def conversations() -> Response:
    """The latest conversations, or those that fit a search."""
    words = without_invisible(UNHOLDABLE.sub("", request.args.get("q", ""))).strip()[:LONGEST]
    before = id_in(request.args.get("before"))
    in_text = request.args.get("in") == IN_TEXT
    relay = doors().relay
    reader = Reader(relay)
    with doors().store.read() as tx:
        searched_since, said = None, dict[int, str]()
        if words and in_text:
            (found, said), searched_since = _with_words(tx, reader, words), browsing.searched_since(tx)
        elif words:
            found = _of_customer(tx, reader, words, before)
        else:
            found = browsing.latest(tx, before, PER_PAGE)
        rows, now = _rows(tx, reader, found.chats, said), tx.now
    return page(
        "conversations.html",
        live=not words and before is None,
        words=words,
        in_text=in_text,
        rows=rows,
        found=found,
        before=before,
        searched_since=searched_since,
        newest=browsing.NEWEST,
        now=now,
    )


@pages.get("/conversations/<number>")
def conversation(number: str) -> Response:
    """One conversation, the newest first."""
    relay, before, wanted = doors().relay, id_in(request.args.get("before")), id_in(number)
    reader = Reader(relay)
    with doors().store.read() as tx:
        chat = None if wanted is None else browsing.find(tx, wanted)
        if chat is None:
            raise NotFound("There is no such conversation.")
        found = came_in(tx, chat.id, before, PER_CONVERSATION + 1)
        shown = found[:PER_CONVERSATION]
        tasks = tasks_of(tx, [one.id for one in shown])
        said = reader.read(tx, chat, shown, tasks)
        sends, now = thread_sends(tx, chat.id, chat.channel, chat.thread_ts), tx.now
    items = [Item(one, said[one.id], tasks.get(one.id, ())) for one in shown]
    return page(
        "conversation.html",
        live=before is None,
        chat=chat,
        name=reader.clean(chat.name or chat.customer or chat.title),
        title=reader.clean(chat.title),
        items=items,
        sends=sends,
        more=shown[-1].id if len(found) > PER_CONVERSATION else None,
        before=before,
        channel_url=channel_url,
        group=owned(chat.account, chat.group_id),
        dashboard=relay.settings.config.kommunicate.of(chat.account).dashboard_url.rstrip("/"),
        clean=reader.clean,
        said=what_came_of_it(),
        now=now,
    )


def channel_url(channel: str | None) -> str:
    """Where Slack shows a channel; "" for one that is given by its name, and until Slack has said whose this is."""
    if not channel or is_named(channel):
        return ""
    identity = doors().relay.identity_in(owner_of(channel))
    return f"{identity.url.rstrip('/')}/archives/{bare(channel)}" if identity is not None and identity.url else ""


def _of_customer(tx: Tx, reader: Reader, words: str, before: int | None) -> Page:
    """By Kommunicate's id or by the customer; one whose name or id is hidden is not found by it."""
    found, searched = browsing.by_customer(tx, words, before, PER_PAGE, reader.clean), search_words(words)
    seen = [
        one
        for one in found.chats
        if reader.clean(one.customer) == words or browsing.begins_as(reader.clean(one.name), searched)
    ]
    groups = browsing.by_group(tx, words, PER_PAGE).chats if before is None else []
    chats = {one.id: one for one in (*groups, *seen)}
    return Page(list(chats.values()), found.more, found.is_cut)


def _with_words(tx: Tx, reader: Reader, words: str) -> tuple[Page, dict[int, str]]:
    """Those in which one of the newest messages holds the words as they may be read, and what it says.

    Of others nothing is told, nor that there are some.
    """
    searched = search_words(words)
    pieces = searched.split()
    hits = [one for one in browsing.newest_words(tx) if _may_hold(one, pieces)] if pieces else []
    cut, hits = len(hits) > MOST_HITS, hits[:MOST_HITS]
    ids = [one.id for one in hits]
    rows, tasks = came(tx, ids), tasks_of(tx, ids)
    chats = {one.id: one for one in browsing.by_ids(tx, {hit.conversation_id for hit in hits}).chats}
    said: dict[int, str] = {}
    for hit in hits:
        chat = chats.get(hit.conversation_id)
        text = "" if chat is None else reader.words(rows[hit.id], chat, tasks.get(hit.id, ()))
        if searched in search_words(text):
            said.setdefault(hit.conversation_id, _around(text, pieces[0]))
    fit = [chat for chat in chats.values() if chat.id in said]
    return Page(fit[:PER_PAGE], None, is_cut=bool(fit) and (cut or len(fit) > PER_PAGE)), said


def _around(text: str, piece: str) -> str:
    """The text from a little before what was searched for."""
    before = text.casefold().find(piece) - BEFORE
    return f"…{text[before:]}" if before > 0 else text


def _may_hold(one: StoredWords, pieces: Sequence[str]) -> bool:
    """A quick look: most messages need not be parsed, and searched for what is hidden."""
    text = one.body.decode("utf-8", "replace")
    if not text.isascii() or "\\u" in text:
        text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
        whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # halves of a character together
        text = unicodedata.normalize("NFKC", whole)
    folded = text.casefold()
    return all(piece in folded for piece in pieces)


def _rows(tx: Tx, reader: Reader, chats: Sequence[Chat], said: Mapping[int, str]) -> list[Row]:
    """With what was found in each, `said`, or what came last."""
    ids = [one.last_id for one in chats if one.last_id is not None and one.id not in said]
    rows, tasks = came(tx, ids), tasks_of(tx, ids)
    return [
        Row(
            one,
            reader.clean(one.name or one.customer or one.title),
            said.get(one.id) or _last_words(reader, one, rows, tasks),
        )
        for one in chats
    ]


def _last_words(reader: Reader, chat: Chat, rows: Mapping[int, Came], tasks: Mapping[int, Sequence[Task]]) -> str:
    last = rows.get(chat.last_id or 0)
    return "" if last is None else reader.words(last, chat, tasks.get(last.id, ()))
