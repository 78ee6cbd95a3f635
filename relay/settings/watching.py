"""Notices that the YAML file was edited, and reads it anew once whoever writes it has finished."""

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
    """What an edited file says: its configuration, None if it has an error, and every finding."""

    config: Config | None
    findings: Sequence[Finding]


# Inode, size, and when its words and its permissions changed last, in nanoseconds; None: not to be seen.
_Look = tuple[int, int, int, int] | None


class Watch:
    """The file that the environment names; where the YAML stands in a variable, nothing ever changes."""

    def __init__(self, env: Mapping[str, str], cwd: Path) -> None:
        """Begins with what the file is now: to be built before the file is read for the first time."""
        self._env, self._cwd = env, cwd
        name = file_named(env)
        self._path = None if name is None else cwd / name
        self._taken: _Look = None
        self._taken = self._look()

    @property
    def name(self) -> str:
        """What the file is called; "" for none."""
        return "" if self._path is None else self._path.name

    def edited(self) -> Edit | None:
        """Read the file if it is another than it was; None where it is not, or is being written."""
        now = self._look()
        if now == self._taken:
            return None
        threading.Event().wait(STILL)
        reader = Reader(self._env, {Need.CONFIG}, self._cwd)
        config = read_config(reader) if self._look() == now else None
        if self._look() != now:  # half a file has fewer channels: it is read at the next look
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
        if stat.S_ISFIFO(found.st_mode):  # it was read once; who reads again waits for a writer
            return self._taken
        return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
