"""What people do in Slack, as values; a value of these types came in a request that Slack signed.

`team`, `channel`, `user_id`, `action_id` and every `ts` are short text that a database can store; a channel has its
workspace in front, unless that is the first one. What people wrote (`text`, `blocks`, `files`) is unchanged.
`comes_from_elsewhere`: Slack names another workspace as its author's.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from relay.messages import Ignored
from relay.owners import owned
from relay.slack.agent_files import AgentFile
from relay.slack.forms import Place
from relay.slack.text import escape

HOME = "home"  # instead of a channel: a click on the Home tab is not on a message
SLACKBOT = "USLACKBOT"
TIME = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?", re.ASCII)  # as Slack writes it, which is also the id of a message
Blocks = tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Challenge:
    """Slack asks whether this address is ours: answer 200 with `value`."""

    value: str


@dataclass(frozen=True, slots=True)
class Foreign(Ignored):
    """Something from the installation of another workspace or app; `key` is the same in Slack's retries."""

    key: str


@dataclass(frozen=True, slots=True)
class Uninstalled:
    """The bot's token is no longer valid; `cause` is Slack's name of the event."""

    team: str
    cause: str


@dataclass(frozen=True, slots=True)
class AgentWords:
    """What a person wrote in a thread; the store knows whether the thread is ours.

    `blocks` are the rich text as typed; `text` is the same in Slack's mrkdwn, in case there are no blocks. `files` has
    a name for each file, "" if it has none. `broadcast`: also shown in the channel. `subtype` is "" for a plain
    message. `beside` names what else the message contains that text cannot express, in the plural ("pictures"). `saved`
    is the name of the saved reply it started as, "" for none.
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
    """A person's message that was edited, or deleted (`deleted`: then there is no text).

    `ts` is the message's own and `edited_ts` the change's. `thread_ts` and `user_id`, the author, are None if Slack
    does not say: then only `ts` tells whether it concerns us. `files_gone` are the ids of files that were deleted;
    `same_words`: nothing else has changed.
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
    files_gone: tuple[str, ...] = ()
    same_words: bool = False


@dataclass(frozen=True, slots=True)
class Click:
    """A person used a control on one of our messages, or with `value` "" a shortcut on anybody's.

    `thread_ts` is None if the message itself begins a thread, or stands alone. `value` is the button's, or the chosen
    option's or person's; "" if there is none. `user_name` is for display, "" if unknown. `block_id` is the id of the
    block it is in, if our message gave it one. `response_url` lets us remove what only this person sees, "" for what
    everybody sees; `trigger_id` opens a form. Neither is stored.
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
        """True for this shortcut."""
        return self.action_id == name and not self.value


@dataclass(frozen=True, slots=True)
class FormWords:
    """A person submitted one of our forms; `field` is the id of the field in which `text` was written."""

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
        """The text, as if it had been written in the thread."""
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
    """A person chose a saved reply in one of our forms."""

    view_id: str
    place: Place


@dataclass(frozen=True, slots=True)
class LooksAtHome:
    """A person opened the app's Home tab, or its page that begins after `offset` chats.

    `retried` is the reply that they have just sent again there, which has not failed any more.
    """

    team: str
    user_id: str
    offset: int = 0
    comes_from_elsewhere: bool = False
    workspace: str = ""
    retried: int | None = None


@dataclass(frozen=True, slots=True)
class AsksForChats:
    """A person typed `/chats`, or turned a page of the answer, to what comes after `turned_to` chats.

    The answer goes to `response_url`, which is not stored.
    """

    team: str
    user_id: str
    response_url: str
    comes_from_elsewhere: bool = False
    workspace: str = ""
    turned_to: int | None = None


def message_key(team: str, channel: str, ts: str) -> str:
    """Returns the key of a Slack message."""
    return "/".join((team, channel, ts))


def message_of_click(click: Click) -> str:
    """Returns the key of the message that was clicked, or that a shortcut was used on."""
    return message_key(click.team, click.channel, click.message_ts)


def message_of(key: str) -> tuple[str, str] | None:
    """Returns (channel, ts) of the message that one of our keys names, or whose edit it names; None for a form."""
    _, *place = key.split("/")
    if len(place) < 2:
        return None
    if TIME.fullmatch(place[1]):
        return place[0], place[1]
    return owned(place[0], place[1]), place[2]  # a workspace, and its channel


def event_key(thing: AgentWords | AgentEdit | Click | FormWords) -> str:
    """Returns what Slack's retries of one thing have in common, whatever their event ids."""
    parts: tuple[str, ...]
    match thing:
        case AgentWords():
            parts = (thing.team, thing.channel, thing.ts)
        case AgentEdit():
            # Slack counts an edit's time in whole seconds, and there may be two in one second.
            parts = (thing.team, thing.channel, thing.ts, thing.edited_ts, _digest(thing))
        case FormWords():
            parts = (thing.team, thing.view_id)
        case Click():
            # Only the action's id may contain a slash, and the parts on both sides of it may not: no two keys collide.
            where = (thing.team, thing.channel, thing.message_ts)
            parts = (*where, thing.action_id, thing.user_id, thing.action_ts)
    return "/".join(parts)


def _digest(edit: AgentEdit) -> str:
    said = json.dumps([edit.text, edit.blocks, edit.deleted, *edit.files_gone], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:12]
