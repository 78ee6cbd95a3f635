"""The desk of replies, where files come and go, and the places where agents' files can be kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from relay.sandbox import SandboxServer
from relay.settings.places import FilePlaces
from relay.store.db.engine import Store
from relay.store.db.file_tables import file_pieces
from tests.buckets import Bucket
from tests.harness import FakeClock
from tests.replies.conftest import desk, make_desk
from tests.replies.desk import Desk

__all__ = ["desk", "make_desk"]


@dataclass
class Shelf:
    """A place where agents' files are kept."""

    kind: str
    store: Store
    folder: Path
    bucket: Bucket | None = None
    most: int | None = None
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def places(self) -> FilePlaces:
        """It as settings."""
        if self.bucket is not None:
            return self.bucket.places(self.most)
        return FilePlaces(self.folder.as_uri() if self.kind == "folder" else "", self.most)

    def holds(self) -> int:
        """How many files are in it, unfinished ones too."""
        if self.bucket is not None:
            return len(self.bucket.names())
        if self.kind == "folder":
            return len(list(self.folder.iterdir())) if self.folder.exists() else 0
        with self.store.read() as tx:
            return len(set(tx.conn.execute(file_pieces.select().with_only_columns(file_pieces.c.file_id)).scalars()))


MakeShelf = Callable[[str], Shelf]
MakeDeskAt = Callable[..., Desk]


@pytest.fixture
def make_shelf(store: Store, tmp_path: Path, request: pytest.FixtureRequest) -> MakeShelf:
    """A place of a kind: `make_shelf("bucket")`."""

    def make(kind: str) -> Shelf:
        bucket = Bucket(request.getfixturevalue("s3")) if kind == "bucket" else None
        return Shelf(kind, store, tmp_path / "kept" / "here", bucket)

    return make


@pytest.fixture(params=["database", "folder", "bucket"])
def shelf(request: pytest.FixtureRequest, make_shelf: MakeShelf) -> Shelf:
    """Each kind of place."""
    return make_shelf(request.param)


@pytest.fixture
def desk_at(store: Store, server: SandboxServer, clock: FakeClock) -> MakeDeskAt:
    """A desk whose files are kept in a place, and where a customer has written: `desk_at(shelf, retention="7d")`."""

    def make(shelf: Shelf, **config: Any) -> Desk:
        class There(Desk):
            changes = {"files": shelf.places, **shelf.changes}  # noqa: RUF012

        desk = There(store, server, clock, **config)
        desk.customer("hello")
        return desk

    return make
