"""Which channels the bot may see and write to."""

from __future__ import annotations

from relay.sandbox.slack.values import Channel, SlackError
from relay.sandbox.slack.workspace import SlackWorkspace


def seen_channel(slack: SlackWorkspace, channel_id: str) -> Channel:
    """The channel with this id; a private one without the bot does not exist for it."""
    channel = slack.channels.get(channel_id)
    if channel is None or (channel.is_private and not channel.has_bot):
        raise SlackError("channel_not_found")
    return channel


def must_be_member(channel: Channel) -> None:
    """Raises not_in_channel unless the bot is inside."""
    if not channel.has_bot:
        raise SlackError("not_in_channel")


def readable_channel(slack: SlackWorkspace, channel_id: str) -> Channel:
    """A channel whose messages the bot may read: the scope is checked before membership."""
    channel = seen_channel(slack, channel_id)
    slack.need_scope("groups:history" if channel.is_private else "channels:history")
    must_be_member(channel)
    return channel


def writable_channel(slack: SlackWorkspace, name_or_id: str) -> Channel:
    """A channel that the bot may post to."""
    channel = seen_channel(slack, name_or_id)
    must_be_member(channel)
    if channel.is_archived:
        raise SlackError("is_archived")
    if channel.is_read_only:
        raise SlackError("restricted_action_read_only_channel")
    return channel


def named_channel(slack: SlackWorkspace, name_or_id: str) -> str:
    """The id of "#support" or "support"; an id is returned as it is. Only chat.postMessage accepts names."""
    name = name_or_id.removeprefix("#")
    for channel in slack.channels.values():
        if channel.name == name and name_or_id not in slack.channels:
            return channel.id
    return name_or_id


def read_scope(channel: Channel) -> str:
    """The scope needed to read this channel."""
    return "groups:read" if channel.is_private else "channels:read"
