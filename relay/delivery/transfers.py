"""What the handlers of files share: the lease of a slow transfer, a file on disk, and whether it is what it says."""

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

MOST_PIXELS = 100_000_000  # what is larger takes the machines of whoever looks at it
PIECE = 65_536  # bytes
FASTEST = 8 * 1024**2  # bytes per second of one transfer: what goes faster takes the processor from words
FIRST = 4096  # bytes by which it is told what a file is
_RENEWALS = 3  # of a lease


def keeping(context: DeliveryContext, claim: Claim) -> Callable[[], None]:
    """What a transfer calls after each piece: the lane stays ours, and words have room. Raises Fenced."""
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
    """A file that is gone with its process; its content is never in memory."""
    with tempfile.NamedTemporaryFile(prefix="relay-file-") as file:
        yield cast(BinaryIO, file)


def pieces(file: BinaryIO, progress: Callable[[], None]) -> Iterator[bytes]:
    """Yield what a file holds, from its beginning; `progress` is called before each piece."""
    file.seek(0)
    while piece := file.read(PIECE):
        progress()
        yield piece


def check(file: BinaryIO, size: int, declared: str) -> str:
    """Return the file's type by its content, "" if that says nothing; raises Permanent where it must not go further."""
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
        if extent is None:  # whoever looks at it may read more out of a broken head than we do
            raise Permanent("the picture is broken", code="broken_picture")
        if extent[0] * extent[1] > MOST_PIXELS:
            raise Permanent("the picture has too many pixels", code="too_many_pixels")
    return kind
