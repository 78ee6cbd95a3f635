"""Shared by the handlers of files: the lease of a slow transfer, a file on disk, and the check of its type."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from relay.clock import monotonic
from relay.delivery.context import DeliveryContext
from relay.errors import Permanent
from relay.files import MAX_FILE
from relay.net.dimensions import MEASURED, picture_size
from relay.net.sniff import is_html, kind_of
from relay.store.db.rows import Claim
from relay.store.queue.lanes import hold_again

MOST_PIXELS = 100_000_000  # larger pictures could overload the machines of people who view them
PIECE = 65_536  # bytes
FASTEST = 8 * 1024**2  # bytes per second of one transfer: faster ones would take the CPU from messages
FIRST = 4096  # bytes from which the type is detected
_RENEWALS = 3  # of a lease


def keeping(context: DeliveryContext, claim: Claim) -> Callable[[], None]:
    """A callback for after each piece: it renews the lease and yields to other work. Raises Fenced."""
    due, again = monotonic() + context.lease / _RENEWALS, 0.0

    def renew() -> None:
        nonlocal due, again
        time.sleep(max(0.0, again - monotonic()))
        again = monotonic() + PIECE / FASTEST
        if monotonic() >= due:
            with context.store.begin("renew") as tx:
                hold_again(tx, claim, lease=context.lease)
            due = monotonic() + context.lease / _RENEWALS

    return renew


@contextmanager
def on_disk() -> Iterator[BinaryIO]:
    """A temporary file that disappears with its process; its content is never in memory."""
    with tempfile.NamedTemporaryFile(prefix="relay-file-") as file:
        yield cast(BinaryIO, file)


def pieces(file: BinaryIO, progress: Callable[[], None]) -> Iterator[bytes]:
    """Yield a file's content from its beginning; `progress` is called before each piece."""
    file.seek(0)
    while piece := file.read(PIECE):
        progress()
        yield piece


def check(file: BinaryIO, size: int, declared: str) -> str:
    """Return the file's type by its content, "" if unknown; raises Permanent if it must not be passed on."""
    if size == 0:
        raise Permanent("the file is empty", code="empty")
    if size > MAX_FILE:
        raise Permanent(f"the file is larger than {MAX_FILE // 1024**2} MB", code="too_large")
    file.seek(0)
    first = file.read(FIRST)
    kind = kind_of(first)
    if is_html(first) and declared and "html" not in declared.lower():
        raise Permanent("a web page arrived instead of the file", code="wrong_type")
    file.flush()
    if kind in MEASURED:
        extent = picture_size(Path(file.name))
        if extent is None:  # a viewer may read more out of a broken header than we do
            raise Permanent("the picture is broken", code="broken_picture")
        if extent[0] * extent[1] > MOST_PIXELS:
            raise Permanent("the picture has too many pixels", code="too_many_pixels")
    return kind
