"""What the page shows and what tests read: the sandbox as JSON."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from relay.sandbox.cards import card_of_customer, card_of_slack, rich_pictures
from relay.sandbox.guide import guide
from relay.sandbox.kommunicate.values import BOT, CUSTOMER, NOTICE, ChatLine, Conversation
from relay.sandbox.pictures import BUILT_IN
from relay.sandbox.sandbox import Sandbox
from relay.sandbox.slack.sharing import settle
from relay.sandbox.slack.values import Channel, Message
from relay.sandbox.slack.workspace import SlackWorkspace

MAX_TOLD = 200  # characters
DRAWN = 60  # roots per channel and messages per chat: the page is for watching, /sandbox/timeline has everything


def page_state(sandbox: Sandbox) -> dict[str, Any]:
    """Everything the page shows, at one moment."""
    with sandbox.core.lock:
        slack = sandbox.slack
        return {
            "version": sandbox.core.version,
            "pictures": list(BUILT_IN),
            "replies_on": slack.sender.events_url is not None,
            "clicks_on": slack.sender.interactions_url is not None,
            "webhook_on": sandbox.kommunicate.webhook_url is not None,
            "rate_limited": slack.pacing.refused,
            "customers": [_customer(each) for each in sandbox.kommunicate.conversations.values()],
            "channels": [_channel(slack, each) for each in slack.channels.values()],
            "broken": sorted(sandbox.broken),
            "kills": sandbox.kills,
            "can_kill": sandbox.kill_relay is not None,
            "count": count(sandbox),
            "first": sandbox.first,
            "guide": guide(sandbox),
            "views": [view for view in slack.views if not view.get("closed")],
            "homes": slack.homes,
            "agents": [user.id for user in slack.users.values() if not user.is_bot],
            "users": {user.id: user.real_name for user in slack.users.values()},
            "channel_names": {channel.id: channel.name for channel in slack.channels.values()},
        }


def count(sandbox: Sandbox) -> dict[str, int]:
    """How many of the customers' messages the relay has accepted, and how often each appears in a thread.

    Messages whose text was written more than once, or is too long for one post, are left out, because they cannot be
    told apart. So are those with an address, which a post splits.
    """
    written = [line for each in sandbox.kommunicate.conversations.values() for line in each.lines]
    taken = [line.text for line in written if line.sender.role == CUSTOMER and line.delivery and line.delivery.accepted]
    told = [one for one, times in Counter(taken).items() if times == 1 and _is_whole(one)]
    posts = [
        json.dumps(one.blocks, ensure_ascii=False) for one in sandbox.slack.messages if one.bot_id and one.thread_ts
    ]
    shown = [sum(json.dumps(text, ensure_ascii=False)[1:-1] in post for post in posts) for text in told]
    return {
        "received": len(told),
        "shown": sum(times == 1 for times in shown),
        "missing": sum(times == 0 for times in shown),
        "doubled": sum(times > 1 for times in shown),
    }


def _is_whole(words: str) -> bool:
    return 0 < len(words) < MAX_TOLD and "://" not in words


def _customer(conversation: Conversation) -> dict[str, Any]:
    return {
        "group_id": conversation.group_id,
        "name": conversation.customer.name,
        "resolved": conversation.status == 2,
        "messages": [_line(line) for line in conversation.lines[-DRAWN:]],
    }


def _line(line: ChatLine) -> dict[str, Any]:
    sides = {CUSTOMER: "customer", BOT: "bot"}
    return {
        "key": line.tail,
        "side": "notice" if line.content_type == NOTICE else sides.get(line.sender.role, "agent"),
        "name": line.sender.name,
        "text": line.text,
        "file": card_of_customer(line),
        "pictures": rich_pictures(line),
        "time": line.time / 1000,
        "webhook": _webhook(line),
    }


def _webhook(line: ChatLine) -> str:
    """Whether the relay has it: "accepted", "waiting", "failed", or "off" if no webhook address is set."""
    if line.delivery is None:
        return "off"
    if line.delivery.accepted:
        return "accepted"
    return "failed" if line.delivery.done.is_set() else "waiting"


def _channel(slack: SlackWorkspace, channel: Channel) -> dict[str, Any]:
    return {
        "id": channel.id,
        "name": channel.name,
        "private": channel.is_private,
        "archived": channel.is_archived,
        "member": channel.has_bot,
        "messages": [_root(slack, message) for message in slack.roots(channel.id)[-DRAWN:]],
        "whispers": [_whisper(one) for one in slack.ephemerals[-DRAWN:] if _is_in(one, channel)],
    }


def _is_in(shown: dict[str, Any], channel: Channel) -> bool:
    return bool(shown["channel"] == channel.id and not shown.get("gone"))


def _whisper(shown: dict[str, Any]) -> dict[str, Any]:
    """What one person alone sees, until they reload."""
    return {name: shown[name] for name in ("ts", "thread_ts", "user", "text", "blocks")}


def _root(slack: SlackWorkspace, message: Message) -> dict[str, Any]:
    replies = [] if message.thread_ts else slack.replies(message)
    return _shown(slack, message) | {"replies": [_shown(slack, reply) for reply in replies if not reply.deleted]}


def _shown(slack: SlackWorkspace, message: Message) -> dict[str, Any]:
    return {
        "ts": message.ts,
        "thread_ts": message.thread_ts,
        "user": message.user,
        "bot": message.bot_id is not None,
        "text": message.text,
        "mrkdwn": message.mrkdwn,
        "blocks": message.blocks,
        "deleted": message.deleted,
        "edited": message.edited_ts,
        "broadcast": message.broadcast,
        "locked": message.locked,
        "reactions": {name: len(users) for name, users in message.reactions.items()},
        "files": [card_of_slack(slack, file) for file in message.files],
    }


def timeline(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Every Slack message in posting order, deleted ones included and marked."""
    with sandbox.core.lock:
        settle(sandbox.slack)
        return [
            _shown(sandbox.slack, message)
            | {
                "channel": message.channel,
                "bot_id": message.bot_id,
                "metadata": message.metadata,
                "pings": message.pings,
                "files": message.files,
            }
            for message in sandbox.slack.messages
        ]
