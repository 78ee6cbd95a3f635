"""What a file is, by its own bytes, and how large a picture is, without looking at a pixel."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.net.dimensions import picture_size
from relay.net.sniff import ENOUGH, is_html, kind_of
from relay.sandbox.pictures import Pictures

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x02\x80\x00\x00\x01\xe0\x08\x02\x00\x00\x00"
GIF = b"GIF89a\x80\x02\xe0\x01\x00\x00\x00"
APP1 = b"\xff\xe1\x00\x0aExif\x00\x00\xff\xc0"  # what looks like a frame inside does not count
FRAME = b"\xff\xc2\x00\x11\x08\x01\xe0\x02\x80\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01"
JPEG = b"\xff\xd8" + APP1 + b"\xff\xff\xff\xdb\x00\x03\x00" + FRAME
VP8 = b"RIFF\x00\x00\x00\x00WEBPVP8 \x00\x00\x00\x00\x00\x00\x00\x9d\x01\x2a\x80\x42\xe0\x81"
VP8L = b"RIFF\x00\x00\x00\x00WEBPVP8L\x00\x00\x00\x00\x2f" + (639 | 479 << 14).to_bytes(4, "little") + bytes(9)
VP8X = b"RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00" + b"\x7f\x02\x00\xdf\x01\x00"


def packed(*names: str, mimetype: str = "") -> bytes:
    """The beginning of an archive of files with these names."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        if mimetype:
            archive.writestr("mimetype", mimetype)
        for name in names:
            archive.writestr(name, "words")
    return file.getvalue()


OFFICE = "application/vnd.openxmlformats-officedocument."
KINDS = {
    "png": (PNG, "image/png"),
    "jpeg": (JPEG, "image/jpeg"),
    "gif": (GIF, "image/gif"),
    "webp": (VP8, "image/webp"),
    "bmp": (b"BM" + bytes(30), "image/bmp"),
    "heic": (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", "image/heic"),
    "avif": (b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00", "image/avif"),
    "svg": (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- made by -->\n<svg xmlns="x">', "image/svg+xml"),
    "pdf": (b"%PDF-1.7\n", "application/pdf"),
    "mp4": (b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00", "video/mp4"),
    "mov": (b"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00", "video/quicktime"),
    "m4a": (b"\x00\x00\x00\x1cftypM4A \x00\x00\x00\x00", "audio/mp4"),
    "webm": (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm", "video/webm"),
    "mp3": (b"ID3\x04\x00\x00", "audio/mpeg"),
    "mp3 without tags": (b"\xff\xfb\x90\x64\x00", "audio/mpeg"),
    "aac": (b"\xff\xf1\x50\x80", "audio/aac"),
    "ogg": (b"OggS\x00\x02" + bytes(22) + b"OpusHead", "audio/ogg"),
    "wav": (b"RIFF\x00\x00\x00\x00WAVEfmt ", "audio/wav"),
    "zip": (packed("a.txt"), "application/zip"),
    "zip with a misleading name": (packed("pixl/a.txt"), "application/zip"),
    "docx": (packed("[Content_Types].xml", "word/document.xml"), f"{OFFICE}wordprocessingml.document"),
    "xlsx": (packed("[Content_Types].xml", "xl/workbook.xml"), f"{OFFICE}spreadsheetml.sheet"),
    "pptx": (packed("[Content_Types].xml", "ppt/presentation.xml"), f"{OFFICE}presentationml.presentation"),
    "odt": (
        packed("content.xml", mimetype="application/vnd.oasis.opendocument.text"),
        "application/vnd.oasis.opendocument.text",
    ),
    "doc": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    "exe": (b"MZ\x90\x00\x03\x00", "application/x-msdownload"),
    "elf": (b"\x7fELF\x02\x01", "application/x-executable"),
    "gzip": (b"\x1f\x8b\x08\x00", "application/gzip"),
    "html": (b"<!DOCTYPE html>\n<html>", "text/html"),
    "nothing": (b"", ""),
    "words": (b"Hello, the mug is broken.", ""),
    "words like a picture": (b"BM is what we call it, and this goes on", ""),
    "words like a program": (b"MZ is what we call it, and this goes on", ""),
    "words in UTF-16": ("Hello".encode("utf-16"), ""),
    "json": (b'{"a": 1}', ""),
    "RIFF of another kind": (b"RIFF\x00\x00\x00\x00XXXX", ""),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_file_is_what_its_bytes_say(name: str) -> None:
    first, kind = KINDS[name]
    assert kind_of(first) == kind


PAGES = [b"<!doctype html>", b"  \r\n<!DOCTYPE  HTML PUBLIC>", b"<html lang=en>", b"<HTML>", b"\xef\xbb\xbf<html>",
         b"<!-- login --><!-- more -->\n<html>", b"<!--" + b"x" * ENOUGH * 2, b"<head>", b"<script>", b"<title>Sign in",
         b'<?xml version="1.0"?><!DOCTYPE html>', "\ufeff<html>".encode("utf-16-le"),
         "\ufeff<html>".encode("utf-16-be")]  # fmt: skip
NO_PAGES = [b"", b"<", b"html", b"<htmlx>", b"<svg><html>", b"<!-- x --> words", b"<?xml version='1.0'?><note/>",
            b"words <html>", PNG, b"%PDF-1.7 <html>", b"<?xml ?><!--" + b"x" * ENOUGH]  # fmt: skip


def test_a_page_is_known_whatever_stands_before_it() -> None:
    assert [page for page in PAGES if not is_html(page) or kind_of(page) != "text/html"] == []
    assert [page for page in NO_PAGES if is_html(page)] == []


@given(first=st.binary(max_size=200), head=st.sampled_from([b"", *(first[:20] for first, _ in KINDS.values())]))
def test_any_bytes_have_a_kind_or_none(first: bytes, head: bytes) -> None:
    assert is_html(head + first) == (kind_of(head + first) == "text/html")


PICTURES = {"png": PNG, "gif": GIF, "jpeg": JPEG, "VP8": VP8, "VP8L": VP8L, "VP8X": VP8X}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_says_its_size(name: str, tmp_path: Path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(PICTURES[name])
    assert picture_size(path) == (640, 480)


def test_a_picture_that_another_program_made_has_its_size(tmp_path: Path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(Pictures().get("broken-mug.png") or b"")
    assert picture_size(path) is not None


BROKEN = {
    "nothing": b"",
    "words": b"words",
    "png of no width": PNG[:16] + bytes(8),
    "png beyond its format": PNG[:16] + b"\xff" * 8,
    "png whose head is another": PNG.replace(b"IHDR", b"IDAT"),
    "gif of no size": b"GIF89a\x00\x00\x00\x00",
    "jpeg that begins at once": b"\xff\xd8\xff\xda\x00\x08" + FRAME,
    "jpeg of no length": b"\xff\xd8\xff\xe0\x00\x00" + FRAME,
    "jpeg of junk": b"\xff\xd8junk" + FRAME,
    "jpeg of fillers": b"\xff\xd8" + b"\xff" * 100_000 + FRAME,
    "jpeg of many segments": b"\xff\xd8" + b"\xff\xe0\x00\x02" * 100_000 + FRAME,
    "jpeg beyond its end": b"\xff\xd8\xff\xe0\xff\xff" + FRAME,
    "webp of another kind": VP8X.replace(b"VP8X", b"ALPH"),
    "webp without a start": VP8.replace(b"\x9d\x01\x2a", b"\x00\x00\x00"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_head_has_no_size(name: str, tmp_path: Path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(BROKEN[name])
    assert picture_size(path) is None


@pytest.mark.parametrize("name", PICTURES)
def test_a_head_that_is_cut_off_has_no_size(name: str, tmp_path: Path) -> None:
    path = tmp_path / "picture"
    for length in range(len(PICTURES[name])):
        path.write_bytes(PICTURES[name][:length])
        assert picture_size(path) in (None, (640, 480))


@given(head=st.sampled_from(sorted(PICTURES.values())), cut=st.integers(0, 40), tail=st.binary(max_size=60))
def test_any_bytes_have_a_size_or_none(
    tmp_path_factory: pytest.TempPathFactory, head: bytes, cut: int, tail: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any-picture"
    path.write_bytes(head[:cut] + tail)
    size = picture_size(path)
    assert size is None or (0 < size[0] < 1 << 31 and 0 < size[1] < 1 << 31)
