"""Where agents' files are kept for customers: in the database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from relay.store.conversations import kept_files
from relay.store.db.engine import Store

PIECE = 256 * 1024  # bytes written, and read, at a time


class Keeper(Protocol):
    """Keeps the content of files by their ids; what is kept once more replaces what was."""

    def save(self, file_id: int, pieces: Iterable[bytes]) -> None:
        """Keep it. Raises DeliveryFailed where that is not possible now."""

    def read(self, file_id: int, first: int, last: int) -> Iterator[bytes]:
        """Yield the bytes from number `first` to `last`. Raises FileNotFoundError, if at all, before the first."""


class InDatabase:
    """Keeps them in the database, in pieces, each written for itself: nobody waits long for a large one."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def save(self, file_id: int, pieces: Iterable[bytes]) -> None:
        """What was kept of it before goes first."""
        with self._store.begin() as tx:
            kept_files.delete_pieces(tx, file_id)
        for number, piece in enumerate(_even(pieces)):
            with self._store.begin("keep") as tx:
                kept_files.add_piece(tx, file_id, number, piece)

    def read(self, file_id: int, first: int, last: int) -> Iterator[bytes]:
        """A piece in memory at a time."""
        for number in range(first // PIECE, last // PIECE + 1):
            with self._store.read() as tx:
                piece = next(kept_files.read_pieces(tx, file_id, number, number))
            begin = number * PIECE
            yield piece[max(0, first - begin) : last + 1 - begin]


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
