"""Agents' files that customers open by link: anybody with the link can open the file, as long as files are kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from urllib.parse import quote

import structlog
from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import NotFound, ServiceUnavailable
from werkzeug.http import parse_range_header

from relay.delivery.keeping import Keepers
from relay.errors import DeliveryFailed
from relay.store.conversations import kept_files
from relay.store.conversations.contents import Content, content_of
from relay.store.conversations.kept_files import KeptFile
from relay.wiring import Relay

bp = Blueprint("files", __name__)
log = structlog.get_logger()

# What a browser shows without executing anything; it only downloads the rest.
SHOWN = re.compile(r"image/(?:png|jpeg|gif|webp)|application/pdf|(?:audio|video)/[a-z0-9.+-]+|text/plain", re.ASCII)
ANYTHING = "application/octet-stream"
NO_FILE = "There is no such file, or it is no longer kept."
AWAY = "The file cannot be reached at the moment. Try again."
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "Cache-Control": "private, no-store",
    "X-Robots-Tag": "noindex, nofollow",
    "Referrer-Policy": "no-referrer",
    "Accept-Ranges": "bytes",
}


@bp.get("/files/<token>")
def give(token: str) -> Response:
    """The file of a link, or the requested part of it; 404 for an invalid link, whatever the reason."""
    relay: Relay = current_app.extensions["relay"]
    with relay.store.read() as tx:
        file = kept_files.find(tx, token, after=tx.now - relay.settings.config.retention)
        where = None if file is None else content_of(tx, file.id)
    if file is None or where is None:
        raise NotFound(NO_FILE)
    first, last, status = _asked_for(file.size)
    if status == 416:
        return Response(status=416, headers={**HEADERS, "Content-Range": f"bytes */{file.size}"})
    pieces = () if request.method == "HEAD" else _begun(relay.keepers, where, first, last)
    response = Response(pieces, status=status, headers={**HEADERS, **_describe(file)})
    response.content_length = last - first + 1
    if status == 206:
        response.headers["Content-Range"] = f"bytes {first}-{last}/{file.size}"
    return response


def _begun(keepers: Keepers, where: Content, first: int, last: int) -> Iterable[bytes]:
    """The content, once its first piece has arrived; otherwise an answer that says so."""
    try:
        pieces = keepers.of(where).read(where, first, last)
        return chain((next(pieces),), _rest(pieces, where))
    except (FileNotFoundError, StopIteration):
        log.error("files.lost", file=where.file_id, place=where.place)
        raise NotFound(NO_FILE) from None
    except DeliveryFailed as error:
        log.error("files.out_of_reach", file=where.file_id, place=where.place, cause=str(error))
        raise ServiceUnavailable(AWAY, retry_after=30) from None


def _rest(pieces: Iterator[bytes], where: Content) -> Iterator[bytes]:
    """What follows. If it breaks off, so does the answer, which is then shorter than it said."""
    try:
        yield from pieces
    except Exception as error:  # noqa: BLE001 - raised further, the server would log the address, and its secret
        log.error("files.broke_off", file=where.file_id, place=where.place, error=type(error).__name__)


def _asked_for(size: int) -> tuple[int, int, int]:
    """The first byte, the last one, and the status; a request for several parts gets the whole file."""
    wanted = parse_range_header(request.headers.get("Range")) if "If-Range" not in request.headers else None
    if wanted is None or wanted.units != "bytes" or len(wanted.ranges) != 1:
        return 0, size - 1, 200
    begin, end = wanted.ranges[0]
    if end is None and begin < -size:  # more of its end than exists: RFC 9110, 14.1.2
        return 0, size - 1, 206
    part = wanted.range_for_length(size)
    return (0, 0, 416) if part is None else (part[0], part[1] - 1, 206)


def _describe(file: KeptFile) -> dict[str, str]:
    shown = bool(SHOWN.fullmatch(file.content_type))
    how, plain = "inline" if shown else "attachment", re.sub(r"[^A-Za-z0-9._ -]", "_", file.name)
    name = f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(file.name, safe='')}"
    return {"Content-Type": file.content_type if shown else ANYTHING, "Content-Disposition": name}
