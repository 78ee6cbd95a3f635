"""Looks for our posts in a thread and at the channel's root."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from relay.errors import DeliveryFailed, HistoryUnreadable, ThreadGone
from relay.slack.api import Api

_PER_PAGE = 200
_NEWEST = 1000  # messages to search in a channel where the relay has never posted
# Reading is not allowed for this token or kind of channel. `not_in_channel` is not among them: posting needs
# the membership too, so a person will invite the bot, and then the look works.
_UNREADABLE = {
    "missing_scope",
    "no_permission",
    "channel_is_limited_access",
    "method_not_supported_for_channel_type",
}

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """One of our posts; `thread_ts` is None at the channel's root. A broadcast reply has its thread's."""

    ts: str
    thread_ts: str | None


def find_posted(
    api: Api, is_it: Callable[[Message], bool], *, channel: str, thread_ts: str | None, oldest: str | None, ends: float
) -> list[Found]:
    """Returns every matching message once, by `ts`; the channel is searched too, because posts go astray.

    `ends` is when to give up, on `relay.clock.monotonic`.
    """
    arguments = {"channel": api.id_of(channel), "include_all_metadata": True}
    if oldest is not None:
        arguments["oldest"] = oldest
    found = {}
    for message in _messages(api, arguments, thread_ts, ends):
        ts = message.get("ts")
        # Every page of a thread's replies includes the parent, however old it is.
        if isinstance(ts, str) and _is_later(ts, oldest) and is_it(message):
            found[ts] = Found(ts, _thread_of(message))
    return [found[ts] for ts in sorted(found, key=_order)]


def _messages(api: Api, arguments: Message, thread_ts: str | None, ends: float) -> Iterator[Message]:
    try:
        if thread_ts is not None:
            yield from _thread(api, {**arguments, "ts": thread_ts}, ends)
        yield from _history(api, arguments, ends)
    except DeliveryFailed as error:
        if error.code in _UNREADABLE:
            raise HistoryUnreadable(str(error), code=error.code) from None
        raise


def _thread(api: Api, arguments: Message, ends: float) -> Iterator[Message]:
    try:
        yield from api.pages("conversations.replies", "messages", arguments, size=_PER_PAGE, ends=ends)
    except ThreadGone:
        return  # a thread that is gone contains nothing


def _history(api: Api, arguments: Message, ends: float) -> Iterator[Message]:
    """The channel since `oldest`; without one, its newest messages, which include the first that we ever posted."""
    found = api.pages("conversations.history", "messages", arguments, size=_PER_PAGE, ends=ends)
    yield from islice(found, None if "oldest" in arguments else _NEWEST)


def _thread_of(message: Message) -> str | None:
    thread_ts = message.get("thread_ts")
    return thread_ts if isinstance(thread_ts, str) and thread_ts != message.get("ts") else None


def _is_later(ts: str, oldest: str | None) -> bool:
    return oldest is None or _order(ts) > _order(oldest)


def _order(ts: str) -> tuple[int, str]:
    # As text, never as a float: the last digits count.
    return (len(ts), ts)
