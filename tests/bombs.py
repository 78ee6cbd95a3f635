"""Small files that would be large pictures, and large files that say they are small."""

from __future__ import annotations

import struct
import zlib

MB = 1024 * 1024
SIDE = 30_000  # pixels: 900 million of them


def png() -> bytes:
    """A whole one: black rows of one bit a pixel, which are a thousandth of their size when compressed."""
    pack, row = zlib.compressobj(9), bytes(1 + SIDE // 8)
    rows = b"".join(pack.compress(row) for _ in range(SIDE)) + pack.flush()
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def gif() -> bytes:
    """Its first bytes; the rest does not matter to whoever asks for its extent."""
    return b"GIF89a" + struct.pack("<HH", SIDE, SIDE) + bytes(500)


def jpeg() -> bytes:
    """The same."""
    frame = struct.pack(">BHHB", 8, SIDE, SIDE, 3) + bytes(9)
    return (
        b"\xff\xd8\xff\xe0\x00\x10JFIF"
        + bytes(10)
        + b"\xff\xc0"
        + struct.pack(">H", len(frame) + 2)
        + frame
        + bytes(99)
    )


BOMBS = {"bomb.png": png, "bomb.gif": gif, "bomb.jpg": jpeg}


def larger() -> bytes:
    """200 MB."""
    return b"%PDF-1.7\n" + bytes(200 * MB)
