"""Agents' files in a folder of the machine, one file each."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import structlog

from relay.delivery.keeping import PIECE
from relay.errors import Transient
from relay.failpoints import failpoint
from relay.store.conversations.contents import Content

UNFINISHED = ".part"  # suffix of a file that is still being written
FULL = (errno.ENOSPC, errno.EDQUOT)

log = structlog.get_logger()


class InFolder:
    """Keeps files in a folder that all relay processes share, and that no other user may read."""

    def __init__(self, place: str) -> None:
        """`place` is the folder as a `file:` address."""
        self._folder = Path(unquote(urlsplit(place).path))

    def save(self, content: Content, pieces: Iterable[bytes]) -> None:
        """Whole, or not at all: it has a temporary name until it is on the disk."""
        unfinished = self._file(content, UNFINISHED)
        with _in_trouble(content):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(descriptor, "wb") as file:  # noqa: PTH123 - it is open already
                for piece in pieces:
                    file.write(piece)
                file.flush()
                os.fsync(descriptor)
            failpoint("file.written")
            unfinished.replace(self._file(content))
            _sync(self._folder)

    def read(self, content: Content, first: int, last: int) -> Iterator[bytes]:
        """Holds one piece in memory at a time."""
        with _in_trouble(content), self._file(content).open("rb") as file:
            file.seek(first)
            left = last + 1 - first
            while left > 0:
                piece = file.read(min(PIECE, left))
                if not piece:
                    raise FileNotFoundError  # incomplete
                left -= len(piece)
                yield piece

    def delete(self, content: Content) -> None:
        """Also deletes what was begun and never finished."""
        with _in_trouble(content):
            for ending in ("", UNFINISHED):
                self._file(content, ending).unlink(missing_ok=True)

    def _file(self, content: Content, ending: str = "") -> Path:
        return self._folder / f"{content.name}{ending}"


@contextmanager
def _in_trouble(content: Content) -> Iterator[None]:
    """Report the system's error without the path, because an agent reads it."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        log.error("files.disk_failed", place=content.place, cause=error.strerror or type(error).__name__)
        why = "is full" if error.errno in FULL else "cannot be used"
        raise Transient(f"the disk where files are kept {why}", code="disk") from None


def _sync(folder: Path) -> None:
    """Sync the folder: a name is on the disk only when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
