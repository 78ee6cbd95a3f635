"""A message event -> an agent's message or edit, or an `Ignored`.

Echoes are stopped here as far as a message shows its sender. Not all do: whether the thread is ours, and whether the
relay posted the message, only the store knows. https://docs.slack.dev/reference/events/message
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from relay.keys import key_of
from relay.messages import Ignored
from relay.owners import owned
from relay.slack.agent_files import TOMBSTONE, read_file
from relay.slack.events import SLACKBOT, AgentEdit, AgentWords, Blocks
from relay.slack.fields import (
    Fields,
    identifier,
    identifier_or_none,
    inner,
    moment,
    moment_or_none,
    needed,
    several,
    text,
)
from relay.slack.reply_text import nodes
from relay.slack.reply_words import Node, string

# What an agent's message may contain, and how it is named if it does not reach the customer.
WORDS_ALONE, FILES, FORWARDED, OTHERS = "", "files", "forwarded messages", "attachments"
KINDS = {
    "rich_text": WORDS_ALONE,
    "table": WORDS_ALONE,
    "image": "pictures",
    "video": "videos",
    "file": FILES,
    "canvas": "canvases",
    "list": "lists",
    "poll": "polls",
    "call": "calls",
    "markdown": "Markdown blocks",
}
KINDS_OF_RICH_TEXT = dict.fromkeys(
    ("rich_text_section", "rich_text_list", "rich_text_quote", "rich_text_preformatted"), WORDS_ALONE
)
WORDS = ("", "file_share", "thread_broadcast", "me_message")  # the subtypes of people's messages
BY_A_BOT = "a bot wrote it"
OWN = "the relay wrote it"
NOTICE = "a notice of Slack's, nobody's words"
NO_AUTHOR = "it does not say who wrote it"
NOT_IN_A_THREAD = "not in a thread"
SAME_WORDS = "the words have not changed"


@dataclass(frozen=True, slots=True)
class Us:
    """Where an event arrived, and the ids under which our own posts return."""

    team: str
    users: tuple[str, ...]
    apps: tuple[str, ...]
    workspace: str = ""

    def channel_in(self, event: Fields) -> str:
        """The channel of an event, with its workspace in front unless that is the first one."""
        return owned(self.workspace, identifier(event, "channel"))


def read_message(event: Fields, us: Us) -> AgentWords | AgentEdit | Ignored:
    """Returns what a person wrote, edited or deleted in a thread; raises `Rejected` 400 for a wrong field."""
    match text(event, "subtype"):
        case "message_changed":
            return _changed(event, us)
        case "message_deleted":
            return _gone(event, moment(event, "deleted_ts"), us)
    return _words(event, us)


def _words(event: Fields, us: Us) -> AgentWords | Ignored:
    reason = _nobodys_words(event, us) or _outside(event)
    if reason:
        return Ignored(reason)
    if event.get("user") is None:
        return Ignored(NO_AUTHOR)
    return AgentWords(
        team=us.team,
        channel=us.channel_in(event),
        thread_ts=moment(event, "thread_ts"),
        ts=moment(event, "ts"),
        user_id=identifier(event, "user"),
        client_msg_id=identifier_or_none(event, "client_msg_id"),
        blocks=_typed(event),
        text=text(event, "text"),
        files=tuple(read_file(file) for file in several(event, "files")),
        broadcast=text(event, "subtype") == "thread_broadcast",
        subtype=text(event, "subtype"),
        comes_from_elsewhere=_comes_from_elsewhere(event, us),
        beside=_beside(event),
    )


def _changed(event: Fields, us: Us) -> AgentEdit | Ignored:
    after, before = needed(inner(event, "message"), "message"), inner(event, "previous_message")
    if text(after, "subtype") == "tombstone":  # the remains of a deleted message with replies
        return _gone(event, moment(after, "ts"), us)
    reason = _nobodys_words(after, us) or _machines(before, us) or _outside(after)
    if reason:
        return Ignored(reason)
    ts, edited = moment(after, "ts"), moment_or_none(inner(after, "edited"), "ts")
    same, gone = _reads(after) == _reads(before) if before else edited is None, _files_gone(before, after)
    if _is_empty(after) and (gone or _files(before)[0]):
        return _edit(event, after, us, ts=ts, at=None, deleted=True)
    if same and not gone:  # unfurled, reacted to, replied to
        return Ignored(SAME_WORDS)
    edit = _edit(event, after, us, ts=ts, at=edited or (ts if same else None), deleted=False)
    return replace(edit, files_gone=gone, same_words=same)


def _gone(event: Fields, ts: str, us: Us) -> AgentEdit | Ignored:
    before = inner(event, "previous_message")
    reason = (_nobodys_words(before, us) or _outside(before)) if before else None
    return Ignored(reason) if reason else _edit(event, before, us, ts=ts, at=None, deleted=True)


def _edit(event: Fields, message: Fields, us: Us, *, ts: str, at: str | None, deleted: bool) -> AgentEdit:
    return AgentEdit(
        team=us.team,
        channel=us.channel_in(event),
        thread_ts=moment_or_none(message, "thread_ts"),
        ts=ts,
        edited_ts=at or moment(event, "event_ts"),
        user_id=identifier_or_none(message, "user"),
        blocks=() if deleted else _typed(message),
        text="" if deleted else text(message, "text"),
        deleted=deleted,
        comes_from_elsewhere=_comes_from_elsewhere(message, us),
    )


def _files_gone(before: Fields, after: Fields) -> tuple[str, ...]:
    """The ids of the files that were deleted meanwhile: in their place stands a tombstone, or nothing.

    A message without any list says nothing about them.
    """
    (stood, fell), (stand, fallen) = _files(before if "files" in after else {}), _files(after)
    left = {*stand, *fell}
    return tuple(one for one in dict.fromkeys((*stood, *fallen)) if one not in left)


def _files(message: Fields) -> tuple[list[str], list[str]]:
    """The ids of its files, and of those that were deleted."""
    files = [(key_of(file.get("id")), string(file, "mode") == TOMBSTONE) for file in nodes(message.get("files"))]
    return [one for one, gone in files if one and not gone], [one for one, gone in files if one and gone]


def _is_empty(message: Fields) -> bool:
    """True if nothing is left of it but tombstones."""
    return not (message.get("text") or message.get("blocks") or message.get("attachments") or _files(message)[0])


def _comes_from_elsewhere(message: Fields, us: Us) -> bool:
    """What Slack calls a team may also be an organisation, E..., which says nothing about a workspace."""
    teams = {text(message, name) for name in ("team", "user_team", "source_team")}
    return any(team != us.team for team in teams if team and not team.startswith("E"))


def _machines(message: Fields, us: Us) -> str | None:
    if message.get("bot_id") or text(message, "subtype") == "bot_message":
        return BY_A_BOT
    return OWN if text(message, "user") in us.users or text(message, "app_id") in us.apps else None


def _nobodys_words(message: Fields, us: Us) -> str | None:
    is_notice = text(message, "subtype") not in WORDS or message.get("user") == SLACKBOT
    return _machines(message, us) or (NOTICE if is_notice else None)


def _outside(message: Fields) -> str | None:
    return NOT_IN_A_THREAD if message.get("thread_ts") in (None, message.get("ts")) else None


def _typed(message: Fields) -> Blocks:
    """What was typed: rich text, and the tables that Slack puts into attachments."""
    pasted = [block for each in nodes(message.get("attachments")) for block in nodes(each.get("blocks"))]
    typed = [block for block in several(message, "blocks") if block.get("type") in ("rich_text", "table")]
    return (*typed, *(block for block in pasted if block.get("type") == "table"))


def _beside(message: Fields) -> tuple[str, ...]:
    """What a message contains besides text, each kind once."""
    kinds = [KINDS.get(text(block, "type"), OTHERS) for block in several(message, "blocks")]
    kinds += [
        KINDS_OF_RICH_TEXT.get(string(part, "type"), OTHERS)
        for block in several(message, "blocks")
        if block.get("type") == "rich_text"
        for part in nodes(block.get("elements"))
    ]
    kinds += [_kind_of_attachment(each) for each in nodes(message.get("attachments"))]
    kinds += [FILES] * bool(several(message, "files"))
    return tuple(dict.fromkeys(kind for kind in kinds if kind))


def _kind_of_attachment(attachment: Node) -> str:
    if attachment.get("is_share") is True:
        return FORWARDED
    if string(attachment, "from_url") or string(attachment, "original_url"):
        return WORDS_ALONE  # the preview of a link that is in the text
    blocks = nodes(attachment.get("blocks"))
    is_table = bool(blocks) and all(block.get("type") == "table" for block in blocks)
    return WORDS_ALONE if is_table else KINDS["image"] if string(attachment, "image_url") else OTHERS


def _reads(message: Fields) -> tuple[str, Blocks]:
    return text(message, "text"), _typed(message)
