"""Uploaded files: an address to send bytes to, then one completion that shares them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from relay.sandbox.core import Core
from relay.sandbox.pictures import kind_of


@dataclass
class SlackFile:
    """A file from the request for an upload address to its share."""

    id: str
    name: str
    length: int
    content: bytes | None = None
    completed: bool = False
    shares: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def shape(self) -> dict[str, Any]:
        """The file as files.info returns it."""
        return {
            "id": self.id,
            "name": self.name,
            "title": self.name,
            "size": self.length,
            "mimetype": kind_of(self.content or b"") or "application/octet-stream",
            "mode": "hosted",
            "is_external": False,
            "url_private": f"https://files.slack.com/files-pri/T0SANDBOX-{self.id}/{self.name}",
            "shares": {"public": self.shares} if self.shares else {},
        }


class FileCabinet:
    """The files of the workspace by id."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.files: dict[str, SlackFile] = {}

    def reserve(self, name: str, length: int) -> SlackFile:
        """A new file without bytes."""
        file = SlackFile(f"F{secrets.token_hex(5).upper()}", name, length)
        with self._core.lock:
            self.files[file.id] = file
        return file

    def receive(self, file_id: str, content: bytes) -> bool:
        """Takes the bytes; False when the id is unknown or the length is not what was announced."""
        with self._core.lock:
            file = self.files.get(file_id)
            if file is None or len(content) != file.length:
                return False
            file.content = content
            return True
