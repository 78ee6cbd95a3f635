"""A file object is cleaned and never a reason to refuse."""

from __future__ import annotations

import json

import pytest

from relay.messages import Attachment

from .samples import shown

FILE = {"name": "a.png", "url": "https://e.com/a.png?sig=1", "contentType": "image/png", "size": 5,
        "thumbnailUrl": "https://e.com/t.png"}  # fmt: skip
CLEAN = Attachment("a.png", "image/png", 5, "https://e.com/a.png?sig=1", "https://e.com/t.png")


def cleaned(**changes) -> Attachment:
    attachment = shown(file={**FILE, **changes}).attachment
    assert attachment
    return attachment


@pytest.mark.parametrize(
    "fields", [{"file": FILE}, {"fileMeta": FILE}, {"file": json.dumps(FILE)}, {"file": {}, "fileMeta": FILE}]
)
def test_it_is_found_under_either_name_as_object_or_text(fields):
    assert shown(**fields).attachment == CLEAN


@pytest.mark.parametrize("value", [None, {}, [], [FILE], "", "junk", 5, True, {"other": 1}, {"name": ""}, "[" * 9999])
def test_what_describes_no_file_is_none(value):
    assert shown(file=value).attachment is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("AWS-ENCRYPTED-a.png", "a.png"),
        ("/etc/passwd", "passwd"),
        ("C:\\x\\a.png", "a.png"),
        ("../AWS-ENCRYPTED-a.png", "a.png"),
        ("a\x00\n.png", "a .png"),
        ("a\u202egpj.exe", "agpj.exe"),
        ("..", "file"),
        ("dir/", "file"),
        ("AWS-ENCRYPTED-", "file"),
        (None, "file"),
        (5, "file"),
        ("x" * 999, "x" * 255),
        (".env", ".env"),
    ],
)
def test_a_name_is_a_name_and_no_path(name, expected):
    assert cleaned(name=name).name == expected


@pytest.mark.parametrize(
    ("size", "expected"),
    [(0, 0), (5.0, 5), ("28150", 28150), (-1, None), (1.5, None), (True, None), ("x", None), ("-1", None),
     (2**63, None), (None, None), ([], None), ("9" * 50, None), (10**99, None)],
)  # fmt: skip
def test_a_size_is_a_whole_number_of_bytes(size, expected):
    assert cleaned(size=size).size == expected


@pytest.mark.parametrize(
    "url",
    ["data:image/png;base64,AA", "javascript:x", "ftp://e.com", "//e.com/a", "https://", "https:///a",
     "https://u:p@e.com/a", "https://e.com@evil.com", "https://e.com/a b", "https://e.com/\x00", "https://e.com\\@evil.com",
     "https://e.com:99999/", "https://[::1", "https://e.com/\ud800", "https://e.com/<x>", "..", "", None, 5, {}],
)  # fmt: skip
def test_an_address_that_is_not_plain_https_is_left_out(url):
    attachment = cleaned(url=url, thumbnailUrl=url)
    assert (attachment.url, attachment.thumbnail_url) == (None, None)


def test_a_picture_has_an_https_address_or_none():
    """Slack fetches no other; the file itself may come from a relay's own http address."""
    attachment = cleaned(url="http://e.com/a", thumbnailUrl="http://e.com/a")
    assert (attachment.url, attachment.thumbnail_url) == ("http://e.com/a", None)


@pytest.mark.parametrize(
    ("file", "key", "private"),
    [
        ({"name": "AWS-ENCRYPTED-a.png", "blobKey": "AMIfv94_x-1"}, "AMIfv94_x-1", True),
        ({"name": "a.png", "blobKey": "AMIfv94"}, "AMIfv94", False),
        ({"name": "AWS-ENCRYPTED-a.png", "url": "https://e.com/rest/ws/aws/file/k1"}, "k1", True),
        ({"name": "a.png", "url": "https://e.com/rest/ws/attachment/k2"}, "k2", False),
        ({"name": "a.png", "url": "https://e.com/rest/ws/attachment/k2/more"}, "", False),
        ({"name": "a.png", "blobKey": "../secrets?x"}, "", False),
        ({"name": "a.png", "blobKey": 5}, "", False),
    ],
)
def test_it_finds_by_what_kommunicate_knows_a_file(file, key, private):
    attachment = cleaned(**{"url": None, "thumbnailUrl": None, **file})
    assert (attachment.key, attachment.is_private) == (key, private)


@pytest.mark.parametrize(("value", "expected"), [("IMAGE/PNG\n", "IMAGE/PNG"), ("", ""), (None, ""), ({}, "")])
def test_a_content_type_is_one_line_or_empty(value, expected):
    assert cleaned(contentType=value).content_type == expected
