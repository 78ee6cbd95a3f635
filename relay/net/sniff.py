"""What a file really is, by its first bytes: what its server or its name says is only a claim.

Our own table, because the library for it knows no HTML and no SVG, takes text that begins with "BM" for a picture, and
is unmaintained.
"""

from __future__ import annotations

import re
from collections.abc import Callable

ENOUGH = 4096  # bytes at a file's beginning that suffice

_BEGINNINGS = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (0, b"8BPS\x00\x01", "image/vnd.adobe.photoshop"),
    (0, b"\x00\x00\x01\x00", "image/x-icon"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"%!PS", "application/postscript"),
    (0, b"{\\rtf", "application/rtf"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),  # Word, Excel and Outlook before 2007
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"\x1f\x8b\x08", "application/gzip"),
    (0, b"BZh", "application/x-bzip2"),
    (0, b"\xfd7zXZ\x00", "application/x-xz"),
    (257, b"ustar", "application/x-tar"),
    (0, b"\x7fELF", "application/x-executable"),
    (0, b"\xfe\xed\xfa\xce", "application/x-mach-binary"),
    (0, b"\xfe\xed\xfa\xcf", "application/x-mach-binary"),
    (0, b"\xce\xfa\xed\xfe", "application/x-mach-binary"),
    (0, b"\xcf\xfa\xed\xfe", "application/x-mach-binary"),
    (0, b"fLaC", "audio/flac"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"#!AMR", "audio/amr"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_BRANDS = {  # of the ISO container, whose first four bytes are its length
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"hevc": "image/heic",
    b"mif1": "image/heif",
    b"msf1": "image/heif",
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"qt  ": "video/quicktime",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"3gp4": "video/3gpp",
    b"3gp5": "video/3gpp",
    b"3gp6": "video/3gpp",
}
_OFFICE = "application/vnd.openxmlformats-officedocument."
_INSIDE_ZIP = {  # the beginnings of the file names inside
    b"word/": f"{_OFFICE}wordprocessingml.document",
    b"xl/": f"{_OFFICE}spreadsheetml.sheet",
    b"ppt/": f"{_OFFICE}presentationml.presentation",
    b"AndroidManifest.xml": "application/vnd.android.package-archive",
    b"META-INF/MANIFEST.MF": "application/java-archive",
}
_NAMED = re.compile(rb"PK\x03\x04.{26}(%s)" % b"|".join(map(re.escape, _INSIDE_ZIP)), re.DOTALL)
_OPEN_DOCUMENT = re.compile(rb"mimetype(application/[a-z0-9.+-]{1,80}?)(?=PK|[^a-z0-9.+-]|$)")
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_PAGE = re.compile(
    r"<!doctype\s+html\b|<(?:html|head|body|script|iframe|style|title|meta|link|table|div|font|center|form|h[1-6]|"
    r"br|p|a|b)(?=[\s/>]|$)"
)
_DRAWING = re.compile(r"(?:<!doctype\s+svg\b|<svg(?=[\s/>]|$))")


def kind_of(first: bytes) -> str:
    """The MIME type of a file that begins like this (`ENOUGH` bytes are plenty); "" if its bytes do not tell."""
    for offset, beginning, kind in _BEGINNINGS:
        if first.startswith(beginning, offset):
            return kind
    return next(filter(None, (look(first) for look in _LOOKS)), "")


def is_html(first: bytes) -> bool:
    """Whether a file that begins like this is a web page, such as a login page instead of the file."""
    return _markup(first[:ENOUGH]) == "text/html"


def _riff(first: bytes) -> str:
    return _RIFF.get(first[8:12], "") if first.startswith(b"RIFF") else ""


def _iso_media(first: bytes) -> str:
    if first[4:8] != b"ftyp":
        return ""
    return _BRANDS.get(first[8:12], "video/mp4")


def _matroska(first: bytes) -> str:
    if not first.startswith(b"\x1aE\xdf\xa3"):
        return ""
    return "video/webm" if b"webm" in first[:64] else "video/x-matroska"


def _ogg(first: bytes) -> str:
    if not first.startswith(b"OggS"):
        return ""
    return "video/ogg" if b"\x80theora" in first[:64] else "audio/ogg"


def _zip(first: bytes) -> str:
    if not first.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return ""
    document = _OPEN_DOCUMENT.match(first, 30)
    if document:
        return document[1].decode("ascii")
    named = _NAMED.search(first, 0, ENOUGH)
    return _INSIDE_ZIP[named[1]] if named else "application/zip"


def _bitmap(first: bytes) -> str:
    """Text may begin with its two letters, but does not continue with its zeros."""
    return "image/bmp" if first.startswith(b"BM") and first[6:10] == bytes(4) and len(first) > 26 else ""


def _windows_program(first: bytes) -> str:
    return "application/x-msdownload" if first.startswith(b"MZ") and b"\x00" in first[:64] else ""


def _mpeg_audio(first: bytes) -> str:
    """A frame header without any forbidden value; UTF-16 text begins with the same byte."""
    if len(first) < 4 or first[0] != 0xFF or first[1] & 0xE0 != 0xE0:
        return ""
    if first[1] & 0xF6 == 0xF0:
        return "audio/aac"
    layer, version, rate, frequency = first[1] & 0x06, first[1] & 0x18, first[2] >> 4, first[2] >> 2 & 3
    return "audio/mpeg" if layer == 0x02 and version != 0x08 and rate not in (0, 15) and frequency != 3 else ""


def _markup(first: bytes) -> str:
    text = _decoded(first[:ENOUGH]).lstrip().lower()
    is_xml = text.startswith("<?xml")
    if is_xml:
        text = text.partition("?>")[2].lstrip()
    while text.startswith("<!--"):
        _, end, rest = text.partition("-->")
        if not end:  # browsers treat this beginning as a page, whatever follows
            return "" if is_xml else "text/html"
        text = rest.lstrip()
    if _DRAWING.match(text):
        return "image/svg+xml"
    return "text/html" if _PAGE.match(text) else ""


def _decoded(first: bytes) -> str:
    for mark, encoding in _MARKS:
        if first.startswith(mark):
            return first[len(mark) :].decode(encoding, "replace")
    return first.decode("latin-1")


_LOOKS: tuple[Callable[[bytes], str], ...] = (
    _riff, _iso_media, _matroska, _ogg, _zip, _bitmap, _windows_program, _mpeg_audio, _markup,
)  # fmt: skip
