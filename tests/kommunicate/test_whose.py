"""Whose a body is, also one that nobody could understand."""

from __future__ import annotations

import json

import pytest

from relay.kommunicate.whose import mentions, sender_and_group
from tests.harness import body


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({}, ("customer-1", "123456")),
        ({"from": 5.0, "groupId": " 7 "}, ("5", "7")),
        ({"from": ["customer-1"]}, ("", "123456")),
        ({"from": "a\x00b", "groupId": None}, ("", "")),
        ({"from": "j\u00f6e"}, ("j\u00f6e", "123456")),
    ],
)
def test_it_says_who_wrote_and_where(fields: dict[str, object], found: tuple[str, str]) -> None:
    assert sender_and_group(json.dumps({**body(), **fields}).encode()) == found


@pytest.mark.parametrize("content", [b"", b"[]", b"no json", b"\xff", b"null", b'{"from": "x"'])
def test_what_is_no_body_is_nobodys(content: bytes) -> None:
    assert sender_and_group(content) == ("", "")


@pytest.mark.parametrize(
    "content",
    [
        b'{"from": "jane"}',
        b'{"user": {"ids": [1, ["jane"]]}}',
        b'{"metadata": "{\\"userId\\": \\"jane\\"}"}',
        b'{"jane": 1}',
        b'{"from": "\\u006aane"}',
        b'"jane"',
        b"not json, from jane",
    ],
)
def test_an_id_is_found_wherever_it_stands(content: bytes) -> None:
    assert mentions(content, frozenset({"jane"}))


@pytest.mark.parametrize("content", [b'{"from": "jane2"}', b'{"message": "hello jane, dear"}', b"{}", b'{"n": true}'])
def test_an_id_is_not_found_in_other_words(content: bytes) -> None:
    assert not mentions(content, frozenset({"jane", "1"}))


def test_a_number_is_found_as_it_is_written_in_an_id() -> None:
    assert mentions(b'{"groupId": 5.0}', frozenset({"5"}))
