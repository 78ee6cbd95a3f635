"""Notices edits of the YAML file, and reads it once its writer has finished."""

from __future__ import annotations

import stat
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from relay.findings import Finding
from relay.settings.schema import Config
from relay.settings.source import file_named, read_config
from relay.settings.variables import Need, Reader

STILL = 0.05  # seconds in which a file must not change, or it is still being written


@dataclass(frozen=True, slots=True)
class Edit:
    """The contents of an edited file: its configuration, None if it has an error, and every finding."""

    config: Config | None
    findings: Sequence[Finding]


# Inode, size, and the times when contents and permissions last changed, in nanoseconds; None: not visible.
_Look = tuple[int, int, int, int] | None


class Watch:
    """Watches the file that the environment names; if the YAML is in a variable, nothing ever changes."""

    def __init__(self, env: Mapping[str, str], cwd: Path) -> None:
        """Starts with the file's current state, so create it before the file is first read."""
        self._env, self._cwd = env, cwd
        name = file_named(env)
        self._path = None if name is None else cwd / name
        self._taken: _Look = None
        self._taken = self._look()

    @property
    def name(self) -> str:
        """The file's name; "" for none."""
        return "" if self._path is None else self._path.name

    def edited(self) -> Edit | None:
        """Read the file if it has changed; None if not, or if it is being written."""
        now = self._look()
        if now == self._taken:
            return None
        threading.Event().wait(STILL)
        reader = Reader(self._env, {Need.CONFIG}, self._cwd)
        config = read_config(reader) if self._look() == now else None
        if self._look() != now:  # half a file has fewer channels: it is read at the next check
            return None
        self._taken = now
        return Edit(config, reader.findings)

    def _look(self) -> _Look:
        if self._path is None:
            return None
        try:
            found = self._path.stat()
        except (OSError, ValueError):
            return None
        if stat.S_ISFIFO(found.st_mode):  # it was read once, and reading again would wait for a writer
            return self._taken
        return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
