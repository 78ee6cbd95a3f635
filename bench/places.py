"""Where a measured relay stores agents' files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.buckets import Bucket, bucket_server

KEPT_IN = ("database", "folder", "bucket")


@contextmanager
def place(kind: str, folder: Path) -> Iterator[dict[str, str]]:
    """The environment that selects the place."""
    if kind == "bucket":
        with bucket_server() as address:
            yield Bucket(address).environment
    else:
        yield {"RELAY_FILES": str(folder / "kept")} if kind == "folder" else {}
