"""The pictures behind https://files.sandbox.test/: three built in, and what customers upload."""

from __future__ import annotations

import functools
import re
import threading

from relay.sandbox.drawing import Canvas

HOST = "https://files.sandbox.test/"
MAX_KEPT = 50

MAGIC = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
ENDINGS = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif"}


def kind_of(content: bytes) -> str:
    """The MIME type by the first bytes; empty if Slack shows no picture of it."""
    return next((kind for magic, kind in MAGIC.items() if content.startswith(magic)), "")


def is_picture(name: str, content: bytes) -> bool:
    """True for a png, jpg or gif by its name and its bytes."""
    ending = name[name.rfind(".") :].lower() if "." in name else ""
    return ending in ENDINGS and kind_of(content) == ENDINGS[ending]


class Pictures:
    """Files by name, and what Slack's servers would say when they fetch one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._uploads: dict[str, bytes] = {}

    def get(self, name: str) -> bytes | None:
        """The bytes of a built-in or uploaded file, or None."""
        if name in BUILT_IN:
            return built_in(name)
        with self._lock:
            return self._uploads.get(name)

    def add(self, name: str, content: bytes) -> str:
        """Stores a file under a unique name and returns its address; the oldest ones are removed."""
        clean = re.sub(r"[^a-zA-Z0-9._-]", "-", name)[-60:].lstrip(".") or "file"
        with self._lock:
            while clean in self._uploads or clean in BUILT_IN:
                clean = f"{len(self._uploads)}-{clean}"
            self._uploads[clean] = content
            if len(self._uploads) > MAX_KEPT:
                del self._uploads[next(iter(self._uploads))]
        return HOST + clean

    def fetchable(self, address: str) -> bool:
        """True where Slack could download a png, jpg or gif at post time."""
        name = address.removeprefix(HOST)
        content = self.get(name) if address.startswith(HOST) else None
        return content is not None and is_picture(name, content)


@functools.cache
def built_in(name: str) -> bytes:
    """One of the three sample pictures as PNG bytes."""
    canvas = Canvas(640, 420, (238, 236, 230))
    BUILT_IN[name](canvas)
    return canvas.png()


def _broken_mug(canvas: Canvas) -> None:
    canvas.rectangle(0, 310, 640, 420, (214, 196, 172))
    canvas.disc(432, 222, 66, (203, 84, 66))
    canvas.disc(432, 222, 42, (238, 236, 230))
    canvas.rectangle(222, 112, 430, 340, (222, 98, 78))
    canvas.rectangle(222, 112, 250, 340, (233, 122, 102))
    canvas.disc(326, 226, 44, (250, 240, 228))
    canvas.line([(360, 112), (338, 160), (366, 196), (330, 240), (352, 280), (336, 340)], 7, (92, 40, 34))
    canvas.line([(90, 330), (130, 290), (168, 336), (90, 336)], 22, (222, 98, 78))
    canvas.disc(520, 350, 12, (203, 84, 66))
    canvas.disc(556, 366, 7, (203, 84, 66))


def _receipt(canvas: Canvas) -> None:
    canvas.rectangle(0, 0, 640, 420, (120, 144, 156))
    canvas.rectangle(204, 38, 452, 420, (96, 118, 130))
    canvas.rectangle(196, 30, 444, 420, (255, 255, 252))
    canvas.rectangle(258, 58, 382, 76, (55, 71, 79))
    for row, width in enumerate((92, 120, 76, 104)):
        top = 118 + 44 * row
        canvas.rectangle(222, top, 222 + width, top + 12, (144, 160, 168))
        canvas.rectangle(378, top, 418, top + 12, (144, 160, 168))
    canvas.rectangle(222, 296, 418, 300, (55, 71, 79))
    canvas.rectangle(222, 320, 300, 338, (55, 71, 79))
    canvas.rectangle(352, 320, 418, 338, (198, 60, 48))
    canvas.ring(385, 329, 62, 6, (198, 60, 48))


def _error_screen(canvas: Canvas) -> None:
    canvas.rectangle(0, 0, 640, 420, (38, 50, 72))
    canvas.rectangle(60, 50, 580, 370, (250, 251, 253))
    canvas.rectangle(60, 50, 580, 88, (222, 227, 236))
    for x, colour in ((84, (236, 106, 94)), (108, (244, 191, 79)), (132, (98, 197, 84))):
        canvas.disc(x, 69, 8, colour)
    canvas.rectangle(160, 60, 520, 78, (250, 251, 253))
    canvas.disc(320, 168, 44, (220, 66, 66))
    canvas.line([(302, 150), (338, 186)], 9, (255, 255, 255))
    canvas.line([(338, 150), (302, 186)], 9, (255, 255, 255))
    canvas.rectangle(190, 238, 450, 254, (72, 84, 104))
    canvas.rectangle(150, 270, 490, 282, (172, 182, 198))
    canvas.rectangle(210, 294, 430, 306, (172, 182, 198))
    canvas.rectangle(264, 326, 376, 354, (56, 112, 214))


BUILT_IN = {"broken-mug.png": _broken_mug, "receipt.png": _receipt, "error-screen.png": _error_screen}
