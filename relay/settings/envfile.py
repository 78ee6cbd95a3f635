"""Edits the file `.env` without losing anything in it."""

from __future__ import annotations

import io
import os
import re
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

from dotenv.parser import Binding, parse_stream

OWNER_ALONE = 0o600
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=-]*", re.ASCII)
_COMMENTS = {
    "KOMMUNICATE_WEBHOOK_TOKEN": "The token in Kommunicate's dashboard, under Settings, Webhooks & Security. Secret.",
    "RELAY_ADMIN_PASSWORD": "Opens the status page. Secret.",
    "DATABASE_URL": "The database: a file beside the relay, or postgresql://user:password@host/name. Secret.",
    "RELAY_PUBLIC_URL": "The address at which customers, Kommunicate and Slack reach the relay.",
    "KOMMUNICATE_API_KEY": "Kommunicate's API key, under Settings, Install. Secret.",
    "SLACK_BOT_TOKEN": "The bot's token, in Slack's app settings under OAuth & Permissions. Secret.",
    "SLACK_SIGNING_SECRET": "Slack signs its events with it; under Basic Information. Secret.",
    "SLACK_APP_TOKEN": "For Socket Mode: the app-level token, under Basic Information. Secret.",
}


class EnvFile:
    """The file's contents, and what `write` will change; other lines stay as they are."""

    def __init__(self, path: Path) -> None:
        """Raises OSError, or UnicodeDecodeError, for a file that cannot be read."""
        self._path = path.resolve()  # a symbolic link stays one
        text = self._path.read_text(encoding="utf-8-sig") if self._path.exists() else ""
        self._bindings: list[Binding] = list(parse_stream(io.StringIO(text)))
        self._wanted: dict[str, str] = {}

    @property
    def values(self) -> Mapping[str, str]:
        """Each variable as it will be."""
        return {one.key: one.value for one in self._bindings if one.key and one.value is not None} | self._wanted

    def put(self, name: str, value: str) -> None:
        """Add a variable, or give it another value."""
        self._wanted[name] = value

    def write(self) -> bool:
        """Write the changes, at once or not at all; True if anything changed.

        A new file is readable only by its owner; an existing one keeps its mode.
        """
        before = {one.key: one.value for one in self._bindings if one.key}
        news = {name: value for name, value in self._wanted.items() if before.get(name) != value}
        if not news:
            return False
        _replace(self._path, self._text(news))
        return True

    def others_may_read(self) -> bool:
        """True if others can read the file."""
        return self._path.exists() and bool(stat.S_IMODE(self._path.stat().st_mode) & 0o077)

    def _text(self, news: Mapping[str, str]) -> str:
        last = {one.key: number for number, one in enumerate(self._bindings) if one.key}  # the last one counts
        text = ""
        for number, one in enumerate(self._bindings):
            if one.key is not None and one.key in news and last[one.key] == number:
                text += f"{one.key}={_written(news[one.key])}\n"
            else:
                text += one.original.string
        for name, value in news.items():
            if name not in last:
                text = text if not text or text.endswith("\n") else f"{text}\n"
                comment = f"# {_COMMENTS[name]}\n" if name in _COMMENTS else ""
                text += f"{'' if not text else chr(10)}{comment}{name}={_written(value)}\n"
        return text


def _written(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    inner = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{inner}'"


def _replace(path: Path, text: str) -> None:
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else OWNER_ALONE
    beside = path.with_name(f".{path.name.lstrip('.')}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ALONE)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
