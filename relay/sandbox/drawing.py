"""A canvas just big enough for the sandbox's own sample pictures, so that it needs no image library."""

from __future__ import annotations

import math
import struct
import zlib
from itertools import pairwise

Colour = tuple[int, int, int]
Point = tuple[int, int]


class Canvas:
    """Solid shapes on rows of RGB bytes; whatever is outside is cut off."""

    def __init__(self, width: int, height: int, background: Colour) -> None:
        self.width = width
        self.height = height
        self._rows = [bytearray(bytes(background) * width) for _ in range(height)]

    def _span(self, y: int, left: int, right: int, colour: Colour) -> None:
        left, right = max(0, left), min(self.width, right)
        if 0 <= y < self.height and left < right:
            self._rows[y][3 * left : 3 * right] = bytes(colour) * (right - left)

    def rectangle(self, left: int, top: int, right: int, bottom: int, colour: Colour) -> None:
        """Fills from (left, top) up to, not including, (right, bottom)."""
        for y in range(top, bottom):
            self._span(y, left, right, colour)

    def disc(self, x: int, y: int, radius: int, colour: Colour) -> None:
        """A filled circle."""
        for row in range(-radius, radius + 1):
            half = math.isqrt(radius * radius - row * row)
            self._span(y + row, x - half, x + half + 1, colour)

    def ring(self, x: int, y: int, radius: int, width: int, colour: Colour) -> None:
        """A circle's outline."""
        for row in range(-radius, radius + 1):
            outer = math.isqrt(radius * radius - row * row)
            inner = math.isqrt(max(0, (radius - width) ** 2 - row * row))
            self._span(y + row, x - outer, x - inner + 1, colour)
            self._span(y + row, x + inner, x + outer + 1, colour)

    def line(self, points: list[Point], width: int, colour: Colour) -> None:
        """A thick line with round ends through these points."""
        for (x0, y0), (x1, y1) in pairwise(points):
            steps = max(abs(x1 - x0), abs(y1 - y0), 1)
            for step in range(steps + 1):
                x, y = x0 + (x1 - x0) * step // steps, y0 + (y1 - y0) * step // steps
                self.disc(x, y, max(1, width // 2), colour)

    def png(self) -> bytes:
        """The picture as a PNG file."""
        pixels = b"".join(b"\0" + bytes(row) for row in self._rows)
        header = struct.pack(">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)
        chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(pixels, 9)), (b"IEND", b"")]
        return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, body) for name, body in chunks)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
