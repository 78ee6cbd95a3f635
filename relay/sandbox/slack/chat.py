"""The chat.* methods."""

from __future__ import annotations

from typing import Any

from relay.sandbox.slack.access import named_channel, seen_channel, writable_channel
from relay.sandbox.slack.args import Args
from relay.sandbox.slack.content import Content, read_content
from relay.sandbox.slack.pings import pings_of
from relay.sandbox.slack.values import BOT_ID, BOT_USER_ID, Message, SlackError
from relay.sandbox.slack.wire import message_shape
from relay.sandbox.slack.workspace import SlackWorkspace

Reply = dict[str, Any]
DISGUISES = ("username", "icon_url", "icon_emoji")


def post_message(slack: SlackWorkspace, args: Args) -> Reply:
    """chat.postMessage: too fast, foreign or too long is refused; an unknown thread is not."""
    slack.need_scope("chat:write")
    if any(args.given(name) for name in DISGUISES):
        slack.need_scope("chat:write.customize")
    channel = writable_channel(slack, named_channel(slack, args.text("channel")))
    slack.pacing.take(channel.id, slack.core.now())
    content = read_content(slack, args)
    message = slack.add(
        channel.id,
        BOT_USER_ID,
        content.text or "",
        thread_ts=args.text("thread_ts") or None,
        bot_id=BOT_ID,
        blocks=content.blocks or [],
        metadata=content.metadata or None,
        broadcast=args.flag("reply_broadcast"),
        mrkdwn=not args.given("mrkdwn") or args.flag("mrkdwn"),
        pings=_pings(args, content),
    )
    slack.tell_posted(message)
    return _posted(slack, message, content)


def _posted(slack: SlackWorkspace, message: Message, content: Content) -> Reply:
    shape = message_shape(message, slack, metadata=True)
    reply: Reply = {"channel": message.channel, "ts": message.ts, "message": shape}
    if content.truncated:
        reply |= {"warning": "message_truncated", "response_metadata": {"warnings": ["message_truncated"]}}
    return reply


def _pings(args: Args, content: Content) -> list[str]:
    linked = args.flag("link_names") or args.text("parse") == "full"
    return pings_of(content.text or "", content.blocks or [], linked_names=linked)


def _own_message(slack: SlackWorkspace, args: Args, refusal: str) -> Message:
    channel = seen_channel(slack, args.text("channel"))
    message = slack.need(channel.id, args.text("ts"))
    if message.bot_id != BOT_ID:
        raise SlackError(refusal)
    return message


def update(slack: SlackWorkspace, args: Args) -> Reply:
    """chat.update: own messages only; blocks and metadata that are left out stay."""
    slack.need_scope("chat:write")
    message = _own_message(slack, args, "cant_update_message")
    if slack.channels[message.channel].is_archived:
        raise SlackError("is_inactive")
    content = read_content(slack, args, update=True)
    before = message_shape(message, slack, metadata=True)
    message.text = message.text if content.text is None else content.text
    message.blocks = message.blocks if content.blocks is None else content.blocks
    message.metadata = message.metadata if content.metadata is None else content.metadata or None
    message.pings = _pings(args, content)
    slack.mark_edited(message, before)
    shape = message_shape(message, slack, metadata=True)
    return {"channel": message.channel, "ts": message.ts, "text": message.text, "message": shape}


def delete(slack: SlackWorkspace, args: Args) -> Reply:
    """chat.delete: own messages only, also in an archived channel, or if the bot has left; limited per minute."""
    slack.pacing.take_call("chat.delete", slack.core.now())
    slack.need_scope("chat:write")
    message = _own_message(slack, args, "cant_delete_message")
    slack.delete(message)
    return {"channel": message.channel, "ts": message.ts}


def post_ephemeral(slack: SlackWorkspace, args: Args) -> Reply:
    """chat.postEphemeral: shown to one member only; no history, no rate limit."""
    slack.need_scope("chat:write")
    channel = writable_channel(slack, args.text("channel"))
    user = args.text("user")
    if user not in channel.members:
        raise SlackError("user_not_in_channel")
    content = read_content(slack, args)
    shown: Reply = {"channel": channel.id, "user": user, "ts": slack.next_ts(), "text": content.text or ""}
    shown |= {"thread_ts": args.text("thread_ts") or None, "blocks": content.blocks or []}
    slack.ephemerals.append(shown)
    slack.core.touch()
    return {"message_ts": shown["ts"]}


def get_permalink(slack: SlackWorkspace, args: Args) -> Reply:
    """chat.getPermalink: needs no scope."""
    channel = seen_channel(slack, args.text("channel"))
    message = slack.need(channel.id, args.text("message_ts"))
    link = f"https://sandbox.slack.com/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.thread_ts:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def add_reaction(slack: SlackWorkspace, args: Args) -> Reply:
    """reactions.add, as the bot."""
    slack.need_scope("reactions:write")
    message, name = _reaction_target(slack, args)
    users = message.reactions.setdefault(name, [])
    if BOT_USER_ID in users:
        raise SlackError("already_reacted")
    users.append(BOT_USER_ID)
    slack.core.touch()
    return {}


def remove_reaction(slack: SlackWorkspace, args: Args) -> Reply:
    """reactions.remove, the bot's own."""
    slack.need_scope("reactions:write")
    message, name = _reaction_target(slack, args)
    users = message.reactions.get(name, [])
    if BOT_USER_ID not in users:
        raise SlackError("no_reaction")
    users.remove(BOT_USER_ID)
    if not users:
        del message.reactions[name]
    slack.core.touch()
    return {}


def _reaction_target(slack: SlackWorkspace, args: Args) -> tuple[Message, str]:
    name = args.text("name")
    if not name or not all(letter.isalnum() or letter in "_+-':" for letter in name):
        raise SlackError("invalid_name")
    ts = args.ts("timestamp", "bad_timestamp")
    if not ts:
        raise SlackError("no_item_specified")
    channel = writable_channel(slack, args.text("channel"))
    message = slack.need(channel.id, ts)
    parent = slack.parent_of(channel.id, ts)
    if parent is not None and parent.locked:
        raise SlackError("thread_locked")
    return message, name
