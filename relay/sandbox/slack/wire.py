"""Messages, channels and people in the format of Slack's answers and events."""

from __future__ import annotations

import copy
from typing import Any

from relay.sandbox.slack.blocks import walk
from relay.sandbox.slack.board import Board
from relay.sandbox.slack.typed import escape
from relay.sandbox.slack.values import APP_ID, TEAM_ID, Channel, Message, User


def message_shape(message: Message, board: Board, *, metadata: bool) -> dict[str, Any]:
    """One message as history, replies and posts return it; metadata only if requested."""
    if message.deleted:
        return _tombstone(message, board)
    shape: dict[str, Any] = {"type": "message", "user": message.user, "text": message.text, "ts": message.ts}
    elsewhere = {} if message.team == TEAM_ID else {"user_team": message.team, "source_team": message.team}
    shape |= {"team": message.team} | elsewhere
    if message.bot_id:
        shape |= {"bot_id": message.bot_id, "app_id": APP_ID}
    optional = {
        "blocks": returned_blocks(message.blocks),
        "client_msg_id": message.client_msg_id,
        "edited": _edited(message),
        "files": message.files,
        "reactions": _reactions(message),
        "metadata": message.metadata if metadata else None,
    }
    shape |= {name: value for name, value in optional.items() if value}
    shape |= {"subtype": "file_share"} if message.files and not message.bot_id else {}
    return shape | _thread_fields(message, board)


def _thread_fields(message: Message, board: Board) -> dict[str, Any]:
    if message.thread_ts:
        parent = board.find(message.channel, message.thread_ts)
        shape: dict[str, Any] = {"thread_ts": message.thread_ts}
        shape |= {"parent_user_id": parent.user} if parent else {}
        if message.broadcast and parent:
            root = {"ts": parent.ts, "user": parent.user, "text": parent.text, "thread_ts": parent.ts}
            shape |= {"subtype": "thread_broadcast", "root": root}
        return shape
    replies = board.replies(message)
    if not replies:
        return {}
    users = list(dict.fromkeys(reply.user for reply in replies))
    return {
        "thread_ts": message.ts,
        "reply_count": len(replies),
        "reply_users": users,
        "reply_users_count": len(users),
        "latest_reply": replies[-1].ts,
        "is_locked": message.locked,
        "subscribed": False,
    }


def _tombstone(message: Message, board: Board) -> dict[str, Any]:
    shape = {"type": "message", "subtype": "tombstone", "user": "USLACKBOT", "hidden": True, "ts": message.ts}
    return shape | {"text": "This message was deleted."} | _thread_fields(message, board)


def _edited(message: Message) -> dict[str, str] | None:
    """Who edited it and when: Slack counts that time in whole seconds."""
    if message.edited_ts is None:
        return None
    return {"user": message.user, "ts": f"{message.edited_ts.partition('.')[0]}.000000"}


def _reactions(message: Message) -> list[dict[str, Any]]:
    return [{"name": name, "users": users, "count": len(users)} for name, users in message.reactions.items()]


def returned_blocks(blocks: list[Any]) -> list[Any]:
    """Slack gives every block an id and every control an action_id, and returns plain text with entities."""
    returned = copy.deepcopy(blocks)
    for index, block in enumerate(returned):
        block.setdefault("block_id", f"b{index}")
        for number, (_, each) in enumerate(walk(block)):
            if each.get("type") == "plain_text":
                each["text"] = escape(each["text"])
            elif each.get("type") in ("button", "overflow", "static_select", "users_select", "conversations_select"):
                each.setdefault("action_id", f"a{index}.{number}")
    return returned


def channel_shape(channel: Channel) -> dict[str, Any]:
    """A channel as conversations.info and conversations.list return it."""
    return {
        "id": channel.id,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": not channel.is_private,
        "is_group": channel.is_private,
        "is_im": False,
        "is_mpim": False,
        "is_private": channel.is_private,
        "is_archived": channel.is_archived,
        "is_general": channel.name == "general",
        "is_member": channel.has_bot,
        "created": channel.created,
        "creator": "U0ALEX",
        "context_team_id": TEAM_ID,
        "num_members": len(channel.members),
    }


def user_shape(user: User, *, email: bool) -> dict[str, Any]:
    """A person as users.info returns them; the e-mail address only with its scope."""
    profile = {"real_name": user.real_name, "display_name": user.name, "team": user.team}
    if email and user.email:
        profile["email"] = user.email
    return {
        "id": user.id,
        "team_id": user.team,
        "name": user.name,
        "real_name": user.real_name,
        "deleted": user.deleted,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "is_stranger": user.team != TEAM_ID and not user.teams,
        "is_restricted": user.is_restricted or user.is_ultra_restricted,
        "is_ultra_restricted": user.is_ultra_restricted,
        **({"enterprise_user": {"id": user.id, "teams": list(user.teams)}} if user.teams else {}),
        "tz": "Etc/UTC",
        "profile": profile,
    }
