"""Where agents' files are kept for customers: in the database, in a folder, or in a bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from relay.store.conversations import kept_files
from relay.store.conversations.contents import Content
from relay.store.db.engine import Store

PIECE = 256 * 1024  # bytes written or read at a time


class Keeper(Protocol):
    """Stores the content of files in one place; storing it again replaces what was there."""

    def save(self, content: Content, pieces: Iterable[bytes]) -> None:
        """Store it durably: it survives a power cut. Raises DeliveryFailed if that is not possible now."""

    def read(self, content: Content, first: int, last: int) -> Iterator[bytes]:
        """Yield the bytes from number `first` to `last`.

        Raises FileNotFoundError if it does not exist, DeliveryFailed if that is unknown now.
        """

    def delete(self, content: Content) -> None:
        """Delete it; a missing file is fine. Raises DeliveryFailed if that is not possible now."""


class Keepers:
    """The place where new files are kept, and every other one that may hold earlier ones."""

    def __init__(self, place: str, most: int | None, open_: Callable[[str], Keeper]) -> None:
        """`place` is "" for the database; at most `most` bytes in total are kept there, None for no limit.

        `open_` raises DeliveryFailed for a place that cannot be reached with the current settings.
        """
        self.place, self.most = place, most
        self._open, self._opened = open_, dict[str, Keeper]()

    def of(self, content: Content) -> Keeper:
        """The keeper of this place; raises DeliveryFailed."""
        if content.place not in self._opened:
            self._opened[content.place] = self._open(content.place)
        return self._opened[content.place]


class InDatabase:
    """Keeps files in the database, in pieces that are written one by one: a large file blocks nobody for long."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def save(self, content: Content, pieces: Iterable[bytes]) -> None:
        """Earlier content is deleted first."""
        self.delete(content)
        for number, piece in enumerate(_even(pieces)):
            with self._store.begin("keep") as tx:
                kept_files.add_piece(tx, content.file_id, number, piece)

    def read(self, content: Content, first: int, last: int) -> Iterator[bytes]:
        """Holds one piece in memory at a time."""
        for number in range(first // PIECE, last // PIECE + 1):
            with self._store.read() as tx:
                piece = kept_files.read_piece(tx, content.file_id, number)
            if piece is None:
                raise FileNotFoundError
            begin = number * PIECE
            yield piece[max(0, first - begin) : last + 1 - begin]

    def delete(self, content: Content) -> None:
        """Delete all pieces."""
        with self._store.begin() as tx:
            kept_files.delete_pieces(tx, content.file_id)


def _even(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of one size, except for the last."""
    rest = bytearray()
    for piece in pieces:
        rest += piece
        while len(rest) >= PIECE:
            yield bytes(rest[:PIECE])
            del rest[:PIECE]
    if rest:
        yield bytes(rest)
