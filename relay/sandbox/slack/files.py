"""The files of a workspace: what the app uploads, and what people attach to their messages."""

from __future__ import annotations

import mimetypes
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from relay.sandbox.core import Core
from relay.sandbox.pictures import kind_of
from relay.sandbox.slack.values import BOT_USER_ID, TEAM_ID, Channel, Message, SlackError


@dataclass(eq=False)
class SlackFile:
    """A file, from the request for an upload address or from a person's message on.

    `kind` is a row of `file_shapes.KINDS`. `fields` override what events and files.info say about it. `completed` files
    exist for the API. `url` is the address of an external one. `shares` are by privacy and channel, as files.info
    reports them.
    """

    id: str
    name: str
    length: int
    kind: str = "hosted"
    title: str = ""
    mimetype: str = ""
    url: str = ""
    user: str = BOT_USER_ID
    created: int = 0
    content: bytes | None = None
    completed: bool = False
    deleted: bool = False
    fields: dict[str, Any] = field(default_factory=dict)
    shares: dict[str, dict[str, list[dict[str, Any]]]] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        """Its name as it appears in addresses."""
        return re.sub(r"[^a-z0-9._-]+", "_", self.name.lower()).lstrip(".") or "file"

    @property
    def readable(self) -> bool:
        """True if it has bytes."""
        return self.completed and not self.deleted and self.content is not None


@dataclass
class Pending:
    """Files that are to be shared in one message at `due`, in seconds since 1970."""

    files: list[SlackFile]
    channel: Channel
    thread_ts: str | None
    text: str
    due: float


class FileCabinet:
    """The files by id. `origin` is where their bytes are; `share_delay` is how long a share takes, in seconds."""

    def __init__(self, core: Core) -> None:
        self.origin = "https://files.slack.sandbox.test"
        self.share_delay = 0.0
        self.files: dict[str, SlackFile] = {}
        self.pending: list[Pending] = []
        self._core = core

    def reserve(self, name: str, length: int) -> SlackFile:
        """A new file of the app's, without bytes yet."""
        with self._core.lock:
            file = SlackFile(self._new_id(), name, length, title=name, created=int(self._core.now()))
            self.files[file.id] = file
        return file

    def put(
        self,
        name: str,
        content: bytes = b"words",
        *,
        kind: str = "hosted",
        title: str | None = None,
        mimetype: str | None = None,
        url: str = "",
        user: str = "U0ALEX",
        **fields: Any,
    ) -> SlackFile:
        """A person's file, to be passed to `human_writes`; `kind` is a row of `file_shapes.KINDS`."""
        with self._core.lock:
            file = SlackFile(
                self._new_id(),
                name,
                len(content),
                kind=kind,
                title=name if title is None else title,
                mimetype=mime_of(name, content) if mimetype is None else mimetype,
                url=url,
                user=user,
                created=int(self._core.now()),
                content=content,
                completed=True,
                fields=fields,
            )
            self.files[file.id] = file
        return file

    def given(self, files: Iterable[str | SlackFile], user: str) -> list[SlackFile]:
        """The files of a message; a mere name gets a few bytes."""
        return [self.put(each, user=user) if isinstance(each, str) else each for each in files]

    def existing(self, file_id: str) -> SlackFile:
        """The file with this id; one that is not completed does not exist yet. Raises SlackError."""
        file = self.files.get(file_id)
        if file is None or not file.completed:
            raise SlackError("file_not_found")
        if file.deleted or file.kind == "tombstone":
            raise SlackError("file_deleted")
        return file

    def receive(self, file_id: str, content: bytes) -> bool:
        """Accepts the bytes, once; False if the id is unknown or the length is not what was announced."""
        with self._core.lock:
            file = self.files.get(file_id)
            if file is None or file.content is not None or file.completed or len(content) != file.length:
                return False
            file.content, file.mimetype = content, mime_of(file.name, content)
            return True

    def note_shares(self, files: Iterable[SlackFile], message: Message, channel: Channel) -> None:
        """From now on files.info reports that they are in this message."""
        share = {"ts": message.ts} | ({"thread_ts": message.thread_ts} if message.thread_ts else {})
        share |= {"channel_name": channel.name, "team_id": TEAM_ID}
        for file in files:
            places = file.shares.setdefault("private" if channel.is_private else "public", {})
            places.setdefault(channel.id, []).append(dict(share))

    @staticmethod
    def _new_id() -> str:
        return f"F{secrets.token_hex(5).upper()}"


def mime_of(name: str, content: bytes) -> str:
    """The type that Slack assigns: pictures by their bytes, the rest by the name."""
    return kind_of(content) or mimetypes.guess_type(name)[0] or "application/octet-stream"
