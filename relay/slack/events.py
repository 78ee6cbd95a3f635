"""What people do in Slack, as values; whoever holds one holds something that Slack signed.

`team`, `channel`, `user_id`, `action_id` and every `ts` are short text that a database can hold. What people wrote
(`text`, `blocks`, `files`) is as Slack sent it. `comes_from_elsewhere`: Slack names another workspace as its author's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from relay.messages import Ignored
from relay.slack.agent_files import AgentFile
from relay.slack.forms import Place
from relay.slack.text import escape

HOME = "home"  # in the place of a channel: a click on the Home tab is on no message
SLACKBOT = "USLACKBOT"
Blocks = tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Challenge:
    """Slack asks whether this address is ours: answer 200 with `value`."""

    value: str


@dataclass(frozen=True, slots=True)
class Foreign(Ignored):
    """Something that another workspace's, or another app's, Slack has sent; `key` is what its repetitions share."""

    key: str


@dataclass(frozen=True, slots=True)
class Uninstalled:
    """The bot's token is no longer good; `cause` is Slack's name of the event."""

    team: str
    cause: str


@dataclass(frozen=True, slots=True)
class AgentWords:
    """What a person wrote in a thread; whether the thread is one of ours, the store knows.

    `blocks` are the rich text as typed; `text` is the same in Slack's mrkdwn, for want of blocks. `files` holds one
    name for each file, "" where it has none. `broadcast`: also shown in the channel. `subtype` is "" for plain words.
    `beside` says what else the message holds that words cannot say, in the plural ("pictures"). `saved` is the name of
    the saved reply that it began as, "" for none.
    """

    team: str
    channel: str
    thread_ts: str
    ts: str
    user_id: str
    client_msg_id: str | None
    blocks: Blocks
    text: str
    files: tuple[AgentFile, ...] = ()
    broadcast: bool = False
    subtype: str = ""
    comes_from_elsewhere: bool = False
    beside: tuple[str, ...] = ()
    saved: str = ""


@dataclass(frozen=True, slots=True)
class AgentEdit:
    """A person's message that reads differently now, or is gone (`deleted`: then there are no words).

    `ts` is the message's own and `edited_ts` the change's. `thread_ts` and `user_id`, the author, are None where
    Slack does not tell: then `ts` alone can say whether it concerns us.
    """

    team: str
    channel: str
    thread_ts: str | None
    ts: str
    edited_ts: str
    user_id: str | None
    blocks: Blocks
    text: str
    deleted: bool = False
    comes_from_elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Click:
    """A person used a control on one of our messages, or with `value` "" a shortcut on anybody's.

    `thread_ts` is None when the message itself begins a thread, or stands alone. `value` is the button's, or the
    chosen option's or person's; "" if there is none. `user_name` is for display, "" if unknown.
    `block_id` is the id of the block that it stands in, where a message of ours gave it one.
    `response_url` is where what only this person sees can be taken away, "" for what all see; `trigger_id` opens a
    form. Neither is kept.
    """

    team: str
    user_id: str
    user_name: str
    channel: str
    message_ts: str
    thread_ts: str | None
    action_id: str
    value: str
    action_ts: str
    comes_from_elsewhere: bool = False
    block_id: str = field(default="", compare=False)
    response_url: str = field(default="", compare=False)
    trigger_id: str = field(default="", compare=False)

    def is_shortcut(self, name: str) -> bool:
        """Returns True where it is this shortcut."""
        return self.action_id == name and not self.value


@dataclass(frozen=True, slots=True)
class FormWords:
    """A person sent off a form of ours; `field` is the id of the field in which `text` was written."""

    team: str
    user_id: str
    user_name: str
    view_id: str
    place: Place
    text: str
    field: str
    comes_from_elsewhere: bool = False

    @property
    def words(self) -> AgentWords:
        """What they wrote, as if they had written it in the thread."""
        return AgentWords(
            team=self.team,
            channel=self.place.channel,
            thread_ts=self.place.thread_ts,
            ts="",
            user_id=self.user_id,
            client_msg_id=None,
            blocks=(),
            text=escape(self.text),
            comes_from_elsewhere=self.comes_from_elsewhere,
            saved=self.place.saved,
        )


@dataclass(frozen=True, slots=True)
class FormChoice:
    """A person chose a saved reply in a form of ours."""

    view_id: str
    place: Place


@dataclass(frozen=True, slots=True)
class LooksAtHome:
    """A person opened the app's Home tab, or turned to the page that begins after `offset` chats."""

    team: str
    user_id: str
    offset: int = 0
    comes_from_elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class AsksForChats:
    """A person typed `/chats`; what they are to see goes to `response_url`, which is not kept."""

    team: str
    user_id: str
    response_url: str
    comes_from_elsewhere: bool = False


def message_key(team: str, channel: str, ts: str) -> str:
    """Returns the key of a message of Slack's."""
    return "/".join((team, channel, ts))


def message_of_click(click: Click) -> str:
    """Returns the key of the message that was clicked, or that a shortcut was used on."""
    return message_key(click.team, click.channel, click.message_ts)


def message_of(key: str) -> tuple[str, str] | None:
    """Returns (channel, ts) of the message that a key of this module's names, or whose edit; None for a form."""
    _, channel, *rest = key.split("/")
    return (channel, rest[0]) if rest else None


def event_key(thing: AgentWords | AgentEdit | Click | FormWords) -> str:
    """Returns what Slack's repetitions of one thing have in common, whatever their event ids."""
    parts: tuple[str, ...]
    match thing:
        case AgentWords():
            parts = (thing.team, thing.channel, thing.ts)
        case AgentEdit():
            # Slack counts an edit's time in whole seconds, in which there may be two.
            parts = (thing.team, thing.channel, thing.ts, thing.edited_ts, _digest(thing))
        case FormWords():
            parts = (thing.team, thing.view_id)
        case Click():
            # Only the action's id may hold a slash, and what stands on both sides of it may not: no two keys meet.
            where = (thing.team, thing.channel, thing.message_ts)
            parts = (*where, thing.action_id, thing.user_id, thing.action_ts)
    return "/".join(parts)


def _digest(edit: AgentEdit) -> str:
    said = json.dumps([edit.text, edit.blocks, edit.deleted], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:12]
