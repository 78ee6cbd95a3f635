"""The size of a picture, from its header alone: no pixel is decoded, so no picture can exhaust memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

_SEGMENTS = 500  # of a JPEG, before its size; a camera writes about twenty
_ALONE = {0x01, *range(0xD0, 0xD8)}  # JPEG markers without a segment
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_OVER = {0xD9, 0xDA}  # the picture begins, or ends
_HEAD = 30  # bytes that contain the size, except in JPEG

MEASURED = ("image/png", "image/jpeg", "image/gif", "image/webp")  # the types whose size is known

Size = tuple[int, int]


def picture_size(path: Path) -> Size | None:
    """Width and height in pixels of a PNG, JPEG, GIF or WebP, as stored; None for anything else, or a broken header.

    Raises OSError if the file cannot be read. A size does not mean that the rest of the file is sound.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
        size = (
            _of_jpeg(file) if head.startswith(b"\xff\xd8") else next(filter(None, (of(head) for of in _OTHERS)), None)
        )
    return size if size and all(size) else None


def _of_png(head: bytes) -> Size | None:
    if len(head) < 24 or not head.startswith(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"):
        return None
    width, height = int.from_bytes(head[16:20]), int.from_bytes(head[20:24])
    return (width, height) if max(width, height) < 1 << 31 else None


def _of_gif(head: bytes) -> Size | None:
    if len(head) < 10 or head[:6] not in (b"GIF87a", b"GIF89a"):
        return None
    return int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")


def _of_webp(head: bytes) -> Size | None:
    if len(head) < _HEAD or head[:4] != b"RIFF" or head[8:12] != b"WEBP":
        return None
    if head[12:16] == b"VP8 " and head[23:26] == b"\x9d\x01\x2a":
        return int.from_bytes(head[26:28], "little") & 0x3FFF, int.from_bytes(head[28:30], "little") & 0x3FFF
    if head[12:16] == b"VP8L" and head[20] == 0x2F:
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if head[12:16] == b"VP8X":
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    return None


_OTHERS: tuple[Callable[[bytes], Size | None], ...] = (_of_png, _of_gif, _of_webp)


def _of_jpeg(file: BinaryIO) -> Size | None:
    """Skips from segment to segment, by their lengths, to the one with the picture's size."""
    file.seek(2)
    for _ in range(_SEGMENTS):
        marker = _marker(file)
        if marker is None or marker in _OVER:
            return None
        if marker in _ALONE:
            continue
        length = int.from_bytes(file.read(2))
        if length < 2:
            return None
        if marker in _FRAMES:
            frame = file.read(5)  # precision, height, width
            return (int.from_bytes(frame[3:5]), int.from_bytes(frame[1:3])) if len(frame) == 5 and length >= 8 else None
        file.seek(length - 2, 1)
    return None


def _marker(file: BinaryIO) -> int | None:
    """The next segment's marker; any number of fill bytes may come first, and we read a few."""
    head = file.read(2)
    for _ in range(_SEGMENTS):
        if len(head) < 2 or head[0] != 0xFF:
            return None
        if head[1] != 0xFF:
            return head[1]
        head = head[1:] + file.read(1)
    return None
