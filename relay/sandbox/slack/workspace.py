"""A Slack workspace in memory: channels, people, messages, and what people do in it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from relay.sandbox.core import BOT_LOGIN, SIGNING_KEY, Core
from relay.sandbox.pictures import Pictures
from relay.sandbox.slack.board import Board
from relay.sandbox.slack.events import EventSender
from relay.sandbox.slack.file_shapes import told
from relay.sandbox.slack.files import FileCabinet, SlackFile
from relay.sandbox.slack.pacing import Pacing
from relay.sandbox.slack.pings import pings_of
from relay.sandbox.slack.triggers import Triggers
from relay.sandbox.slack.typed import as_blocks, as_stored
from relay.sandbox.slack.values import (
    BOT_USER_ID,
    TEAM_ID,
    Channel,
    Message,
    SlackError,
    default_channels,
    default_users,
)
from relay.sandbox.slack.wire import message_shape

RESPONSE_LIFE = 1800.0  # seconds
SCOPES = frozenset(
    {
        *("chat:write", "channels:read", "channels:history", "channels:join"),
        *("groups:read", "groups:history", "users:read", "users:read.email"),
        *("files:read", "files:write", "reactions:write", "commands"),
    }
)


class SlackWorkspace(Board):
    """Everything behind the Slack API; the methods here are what people do by hand."""

    def __init__(
        self,
        core: Core | None = None,
        *,
        pictures: Pictures | None = None,
        bot_token: str = BOT_LOGIN,
        signing_secret: str = SIGNING_KEY,
        scopes: frozenset[str] = SCOPES,
        pace: float = 1.0,
        burst: int = 1,
        team: str = TEAM_ID,
    ) -> None:
        super().__init__(core or Core())
        self.team = team
        self.bot_token = bot_token
        self.scopes = set(scopes)
        self.pictures = pictures or Pictures()
        self.pacing = Pacing(pace, burst)
        self.sender = EventSender(self.core, signing_secret, team)
        self.triggers = Triggers(self.core)
        self.cabinet = FileCabinet(self.core)
        self.channels = {channel.id: channel for channel in default_channels()}
        self.users = {user.id: user for user in default_users()}
        self.ephemerals: list[dict[str, Any]] = []
        self.views: list[dict[str, Any]] = []
        self.homes: dict[str, dict[str, Any]] = {}  # the Home tab of each person
        self.used: set[str] = set()  # the app's controls on messages that somebody has used
        self._responses: dict[str, tuple[dict[str, Any], float]] = {}  # what each may change, and until when

    @property
    def origin(self) -> str:
        """Base of a response_url, an upload address and a file's address: the server's own address."""
        return self.cabinet.origin

    @origin.setter
    def origin(self, url: str) -> None:
        self.cabinet.origin = url

    def need_scope(self, scope: str) -> None:
        """Raises missing_scope with the needed scope and those that the token has."""
        if scope not in self.scopes:
            raise SlackError("missing_scope", needed=scope, provided=",".join(sorted(self.scopes)))

    def ephemeral(self, channel_id: str, ts: str, user: str) -> dict[str, Any] | None:
        """What is shown to this person alone under this ts, if it still is."""
        found = (one for one in self.ephemerals if (one["channel"], one["ts"], one["user"]) == (channel_id, ts, user))
        return next((one for one in found if not one.get("gone")), None)

    def open_view(self, view_id: str, user: str) -> dict[str, Any]:
        """An open form of this person."""
        for view in self.views:
            if view["id"] == view_id and view["user"] == user and not view.get("closed"):
                return view
        raise SlackError("not_found")

    def response_url(self, shown: dict[str, Any]) -> str:
        """An address that changes what is shown to one person alone; valid for half an hour."""
        token = uuid.uuid4().hex
        self._responses[token] = (shown, self.core.now() + RESPONSE_LIFE)
        return f"{self.origin}/hooks/{token}"

    def respond(self, token: str, body: dict[str, Any]) -> None:
        """What somebody sends to such an address: it deletes the original, or replaces it."""
        with self.core.lock:
            shown, until = self._responses.get(token, ({}, 0.0))
            if self.core.now() > until:
                raise SlackError("expired_url", status=404)
            if body.get("delete_original") is True:
                shown["gone"] = True
            elif body.get("response_type") == "ephemeral":
                told = {"ts": self.next_ts(), "text": body.get("text", ""), "blocks": body.get("blocks", [])}
                self.ephemerals.append({**shown, "gone": False, **told})
            elif body.get("replace_original") is True:
                shown |= {"text": body.get("text", ""), "blocks": body.get("blocks", [])}
            else:
                raise SlackError("invalid_payload", status=400)
            self.core.touch()

    def add_channel(self, channel_id: str, name: str, *, private: bool = False, bot: bool = True) -> Channel:
        """Creates a channel with all people in it, and the bot unless `bot` is False."""
        with self.core.lock:
            members = {user.id for user in self.users.values() if not user.is_bot or bot}
            channel = Channel(channel_id, name, is_private=private, created=int(self.core.now()), members=members)
            self.channels[channel_id] = channel
            self.core.touch()
            return channel

    def archive(self, channel_id: str, *, archived: bool = True) -> None:
        """Archives or unarchives a channel; the app is told."""
        with self.core.lock:
            channel = self.channels[channel_id]
            channel.is_archived = archived
            kind = f"{'group' if channel.is_private else 'channel'}_{'archive' if archived else 'unarchive'}"
            self._tell(channel, {"type": kind, "channel": channel_id, "user": "U0ALEX"})
            self.core.touch()

    def invite(self, channel_id: str, user: str = BOT_USER_ID) -> None:
        """Makes somebody, by default the bot, a member."""
        with self.core.lock:
            self.channels[channel_id].members.add(user)
            self.core.touch()

    def kick(self, channel_id: str) -> None:
        """Removes the bot from a channel."""
        with self.core.lock:
            self.channels[channel_id].members.discard(BOT_USER_ID)
            self.core.touch()

    def rename(self, channel_id: str, name: str) -> None:
        """Gives a channel another name; its id stays."""
        with self.core.lock:
            self.channels[channel_id].name = name
            self.core.touch()

    def lock_thread(self, channel_id: str, ts: str, *, locked: bool = True) -> None:
        """Nobody can reply in this thread any more, or they can again."""
        with self.core.lock:
            self.need(channel_id, ts).locked = locked
            self.core.touch()

    def human_writes(
        self,
        channel_id: str,
        text: str,
        *,
        user: str = "U0ALEX",
        thread_ts: str | None = None,
        raw: bool = False,
        mentions: Mapping[str, str] | None = None,
        files: Sequence[str | SlackFile] = (),
    ) -> Message:
        """A person posts; `text` is as typed, or with Slack's entities and `<@U..>` if `raw`.

        `mentions` are those they chose from the composer's list: the text, and the id behind it.

        `files` are those of `cabinet.put`; a mere name stands for a small file of that name.
        """
        with self.core.lock:
            if self.channels[channel_id].is_archived:
                raise SlackError("is_archived")
            stored = text if raw else as_stored(text, mentions)
            attached = self.cabinet.given(files, user)
            message = self.add(
                channel_id,
                user,
                stored,
                thread_ts=thread_ts,
                blocks=as_blocks(stored),
                client_msg_id=str(uuid.uuid4()),
                files=[told(each, self.cabinet) for each in attached],
                pings=pings_of(stored, [], linked_names=False),
                team=self.users[user].team if user in self.users else TEAM_ID,
            )
            self.cabinet.note_shares(attached, message, self.channels[channel_id])
            self.tell_posted(message)
            return message

    def human_edits(self, channel_id: str, ts: str, text: str, *, mentions: Mapping[str, str] | None = None) -> Message:
        """The author edits their message."""
        with self.core.lock:
            message = self.need(channel_id, ts)
            before = message_shape(message, self, metadata=True)
            message.text = as_stored(text, mentions)
            message.blocks = as_blocks(message.text)
            self.mark_edited(message, before)
            return message

    def human_deletes(self, channel_id: str, ts: str) -> None:
        """A person deletes a message, anybody's."""
        with self.core.lock:
            self.delete(self.need(channel_id, ts))

    def mark_edited(self, message: Message, before: dict[str, Any]) -> None:
        """Records an edit and tells the app."""
        message.edited_ts = self.next_ts()
        self.tell_changed(message, before, message.edited_ts)

    def tell_changed(self, message: Message, before: dict[str, Any], ts: str) -> None:
        """Tells the app that a message changed, edited or not."""
        after = message_shape(message, self, metadata=True)
        event = {"type": "message", "subtype": "message_changed", "hidden": True, "message": after}
        self._tell(
            self.channels[message.channel],
            event | {"channel": message.channel, "previous_message": before, "ts": ts},
        )
        self.core.touch()

    def delete(self, message: Message) -> None:
        """Removes a message and tells the app."""
        before = message_shape(message, self, metadata=True)
        self.remove(message)
        event = {"type": "message", "subtype": "message_deleted", "hidden": True, "channel": message.channel}
        event |= {"deleted_ts": message.ts, "previous_message": before, "ts": self.next_ts()}
        self._tell(self.channels[message.channel], event)

    def tell_posted(self, message: Message) -> None:
        """Tells the app of a post, including its own, as Slack does."""
        event = message_shape(message, self, metadata=True) | {"channel": message.channel}
        self._tell(self.channels[message.channel], event)

    def _tell(self, channel: Channel, event: dict[str, Any]) -> None:
        if channel.has_bot:
            event.setdefault("event_ts", event.get("ts") or self.next_ts())
            event.setdefault("channel_type", "group" if channel.is_private else "channel")
            self.sender.send_event(event)
