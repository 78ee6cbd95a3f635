"""The conversations.* methods."""

from __future__ import annotations

import base64
import binascii
from decimal import Decimal
from typing import Any

from relay.sandbox.slack.access import read_scope, readable_channel, seen_channel
from relay.sandbox.slack.args import Args
from relay.sandbox.slack.values import BOT_USER_ID, Message, SlackError
from relay.sandbox.slack.wire import channel_shape, message_shape
from relay.sandbox.slack.workspace import SlackWorkspace

Reply = dict[str, Any]
SCOPE_OF_TYPE = {"public_channel": "channels:read", "private_channel": "groups:read"}


def info(slack: SlackWorkspace, args: Args) -> Reply:
    """conversations.info."""
    channel = seen_channel(slack, args.text("channel"))
    slack.need_scope(read_scope(channel))
    return {"channel": channel_shape(channel)}


def listing(slack: SlackWorkspace, args: Args) -> Reply:
    """conversations.list: private channels only if the bot is a member."""
    types = [kind.strip() for kind in args.text("types", "public_channel").split(",")]
    for kind in types:
        if kind not in SCOPE_OF_TYPE:
            raise SlackError("invalid_types" if kind not in ("im", "mpim") else "missing_scope")
        slack.need_scope(SCOPE_OF_TYPE[kind])
    found = [
        channel_shape(channel)
        for channel in slack.channels.values()
        if ("private_channel" if channel.is_private else "public_channel") in types
        and (channel.has_bot or not channel.is_private)
        and not (channel.is_archived and args.flag("exclude_archived"))
    ]
    page, cursor = _page(args, found, most=1000)
    return {"channels": page, "response_metadata": {"next_cursor": cursor}}


def join(slack: SlackWorkspace, args: Args) -> Reply:
    """conversations.join: public channels only."""
    slack.need_scope("channels:join")
    channel = slack.channels.get(args.text("channel"))
    if channel is None:
        raise SlackError("channel_not_found")
    if channel.is_private:
        raise SlackError("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise SlackError("is_archived")
    already = channel.has_bot
    slack.invite(channel.id, BOT_USER_ID)
    warning = {"warning": "already_in_channel"} if already else {}
    return {"channel": channel_shape(channel)} | warning


def history(slack: SlackWorkspace, args: Args) -> Reply:
    """conversations.history: roots and replies that were also sent to the channel, newest first."""
    channel = readable_channel(slack, args.text("channel"))
    return _messages(slack, args, _window(slack, args, slack.roots(channel.id))[::-1])


def replies(slack: SlackWorkspace, args: Args) -> Reply:
    """conversations.replies: the parent first, then its replies, oldest first."""
    channel = readable_channel(slack, args.text("channel"))
    parent = slack.parent_of(channel.id, args.text("ts"))
    if parent is None or not slack.visible([parent]):
        raise SlackError("thread_not_found")
    return _messages(slack, args, [parent, *_window(slack, args, slack.replies(parent))])


def _window(slack: SlackWorkspace, args: Args, messages: list[Message]) -> list[Message]:
    oldest = Decimal(args.ts("oldest", "invalid_ts_oldest") or "0")
    latest = Decimal(args.ts("latest", "invalid_ts_latest") or "Infinity")
    inclusive = args.flag("inclusive")

    def inside(ts: Decimal) -> bool:
        return oldest < ts < latest or (inclusive and ts in (oldest, latest))

    return [message for message in slack.visible(messages) if inside(Decimal(message.ts))]


def _messages(slack: SlackWorkspace, args: Args, messages: list[Message]) -> Reply:
    wanted = args.flag("include_all_metadata")
    page, cursor = _page(args, messages, most=1000)
    shapes = [message_shape(message, slack, metadata=wanted) for message in page]
    reply: Reply = {"messages": shapes, "has_more": bool(cursor)}
    return reply | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})


def _page(args: Args, items: list[Any], most: int) -> tuple[list[Any], str]:
    start, limit = _position(args.text("cursor")), args.number("limit", 100, most)
    more = start + limit < len(items)
    cursor = base64.b64encode(f"next:{start + limit}".encode()).decode() if more else ""
    return items[start : start + limit], cursor


def _position(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        word, _, number = base64.b64decode(cursor, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise SlackError("invalid_cursor") from None
    if word != "next" or not number.isdecimal():
        raise SlackError("invalid_cursor")
    return int(number)
