"""Where agents' files are kept for customers: in the database, in a folder, or in a bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from relay.store.conversations import kept_files
from relay.store.conversations.contents import Content
from relay.store.db.engine import Store

PIECE = 256 * 1024  # bytes written, and read, at a time


class Keeper(Protocol):
    """Keeps the content of files in one place; what is kept once more replaces what was."""

    def save(self, content: Content, pieces: Iterable[bytes]) -> None:
        """Keep it, for good: no power cut takes it away. Raises DeliveryFailed where that is not possible now."""

    def read(self, content: Content, first: int, last: int) -> Iterator[bytes]:
        """Yield the bytes from number `first` to `last`.

        Raises FileNotFoundError where it is not there, DeliveryFailed where that cannot be told now.
        """

    def delete(self, content: Content) -> None:
        """Delete it; what is not there is fine. Raises DeliveryFailed where that is not possible now."""


class Keepers:
    """The place where new files are kept, and every other one in which there may be earlier ones."""

    def __init__(self, place: str, most: int | None, open_: Callable[[str], Keeper]) -> None:
        """`place` is "" for the database; `most` bytes in all are kept there, None for any number.

        `open_` raises DeliveryFailed for a place that cannot be reached as the relay is set up now.
        """
        self.place, self.most = place, most
        self._open, self._opened = open_, dict[str, Keeper]()

    def of(self, content: Content) -> Keeper:
        """Whoever keeps this; raises DeliveryFailed."""
        if content.place not in self._opened:
            self._opened[content.place] = self._open(content.place)
        return self._opened[content.place]


class InDatabase:
    """Keeps them in the database, in pieces, each written for itself: nobody waits long for a large one."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def save(self, content: Content, pieces: Iterable[bytes]) -> None:
        """What was kept of it before goes first."""
        self.delete(content)
        for number, piece in enumerate(_even(pieces)):
            with self._store.begin("keep") as tx:
                kept_files.add_piece(tx, content.file_id, number, piece)

    def read(self, content: Content, first: int, last: int) -> Iterator[bytes]:
        """A piece in memory at a time."""
        for number in range(first // PIECE, last // PIECE + 1):
            with self._store.read() as tx:
                piece = kept_files.read_piece(tx, content.file_id, number)
            if piece is None:
                raise FileNotFoundError
            begin = number * PIECE
            yield piece[max(0, first - begin) : last + 1 - begin]

    def delete(self, content: Content) -> None:
        """All its pieces."""
        with self._store.begin() as tx:
            kept_files.delete_pieces(tx, content.file_id)


def _even(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of one size, the last one excepted."""
    rest = bytearray()
    for piece in pieces:
        rest += piece
        while len(rest) >= PIECE:
            yield bytes(rest[:PIECE])
            del rest[:PIECE]
    if rest:
        yield bytes(rest)
