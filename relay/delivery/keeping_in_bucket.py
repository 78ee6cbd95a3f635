"""Agents' files in a bucket: Amazon's S3, or a compatible service."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from functools import partial
from itertools import chain
from typing import TypeVar

import structlog
from obstore import delete, get_range, put
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from relay.clock import monotonic
from relay.delivery.keeping import PIECE
from relay.errors import Permanent, Transient
from relay.failpoints import failpoint
from relay.settings.places import Access
from relay.store.conversations.contents import Content

SMALL = 1024 * 1024  # bytes; smaller files are sent in one call
PART = 5 * 1024 * 1024  # bytes, the smallest part Amazon accepts; the rest is sent in such parts, one after the other
SAVE_WITHIN = 60.0  # seconds for one file
CALL_WITHIN, CONNECT_WITHIN, TRY_WITHIN = timedelta(seconds=20), timedelta(seconds=5), timedelta(seconds=10)
TRIES = 1  # retries of a failed call; the lane retries the file itself

T = TypeVar("T")

log = structlog.get_logger()


class InBucket:
    """Keeps files in a bucket, each under an unguessable name."""

    def __init__(self, place: str, access: Access) -> None:
        """`place` is `s3://bucket/prefix`; makes no call yet."""
        bucket, _, prefix = place.removeprefix("s3://").partition("/")
        self._bucket = S3Store(
            bucket,
            prefix=prefix or None,
            config={
                "access_key_id": access.key_id,
                "secret_access_key": access.secret,
                "region": access.region,
                "endpoint": access.address,
            },
            client_options={
                "timeout": CALL_WITHIN,
                "connect_timeout": CONNECT_WITHIN,
                "allow_http": access.address.startswith("http://"),
            },
            retry_config={"max_retries": TRIES, "retry_timeout": TRY_WITHIN},
        )

    def save(self, content: Content, pieces: Iterable[bytes]) -> None:
        """Small files are sent at once, larger ones in parts, which become visible only when all have arrived."""
        rest = _in_time(pieces, monotonic() + SAVE_WITHIN)
        first = _first(rest)
        whole = first if len(first) < SMALL else chain((first,), rest)
        _told(content, partial(put, self._bucket, content.name, whole, chunk_size=PART, max_concurrency=1))
        failpoint("file.written")

    def read(self, content: Content, first: int, last: int) -> Iterator[bytes]:
        """Holds one piece in memory at a time."""
        for begin in range(first, last + 1, PIECE):
            end = min(begin + PIECE, last + 1)
            call = partial(get_range, self._bucket, content.name, start=begin, end=end)
            piece = bytes(_told(content, call, missing=FileNotFoundError()))
            if len(piece) != end - begin:
                raise FileNotFoundError  # incomplete
            yield piece

    def delete(self, content: Content) -> None:
        """Deleting what does not exist is fine."""
        _told(content, partial(delete, self._bucket, content.name))


def _first(pieces: Iterator[bytes]) -> bytes:
    """All of a small file; the beginning of a larger one."""
    first = bytearray()
    while len(first) < SMALL and (piece := next(pieces, b"")):
        first += piece
    return bytes(first)


def _in_time(pieces: Iterable[bytes], ends: float) -> Iterator[bytes]:
    for piece in pieces:
        if monotonic() > ends:
            raise Transient("the bucket where files are kept is slow", code="bucket_slow")
        yield piece


def _told(content: Content, call: Callable[[], T], missing: Exception | None = None) -> T:
    """The result of a call; `missing` is raised if the bucket does not know the object.

    The library's messages quote addresses and answers, so they are kept out of what people read.
    """
    try:
        return call()
    except (PermissionDeniedError, UnauthenticatedError):
        failure: Exception = Permanent("the bucket where files are kept refuses the relay's key", code="bucket_refuses")
    except FileNotFoundError:
        failure = missing or Permanent("the bucket where files are kept does not exist", code="no_bucket")
    except BaseError:
        failure = Transient("the bucket where files are kept gives unexpected answers", code="bucket_away")
    log.error("files.bucket_failed", place=content.place, cause=str(failure) or "it is not there")
    raise failure
