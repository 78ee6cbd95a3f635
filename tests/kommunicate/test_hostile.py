"""Promises S3, S4 and S10: whatever comes, it is refused or read, quickly, and errors repeat none of it."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.errors import Rejected
from relay.kommunicate.parse import MAX_BODY, parse_webhook
from relay.kommunicate.rich import TEMPLATES
from relay.messages import ChatMessage, Ignored

from .samples import REQUIRED, body, names, sample

ROOM = 250_000  # characters that leave a body below MAX_BODY
GOOD = body().decode().rstrip("}")


def with_field(raw: str) -> bytes:
    return f"{GOOD}, {raw}}}".encode("utf-8", "surrogatepass")


def with_metadata(value: str) -> bytes:
    return body(metadata={"contentType": "300", "templateId": "7", "payload": value, "feedback": value})


CORPUS = {
    "deep lists": b"[" * 100_000,
    "deep lists, closed": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 40_000 + b"1" + b"}" * 40_000,
    "deep in a field": with_field('"x": ' + "[" * 100_000 + "]" * 100_000),
    "deep in metadata": with_metadata("[" * 100_000 + "]" * 100_000),
    "many lists side by side": with_field('"x": [' + "[]," * 80_000 + "[]]"),
    "million digits": b'{"timeStamp": ' + b"9" * 1_000_000 + b"}",
    "million digits in metadata": with_metadata("9" * ROOM),
    "million decimals": b'{"timeStamp": 0.' + b"9" * 1_000_000 + b"}",
    "1e999 as time": b'{"key":"k","from":"f","groupId":1,"timeStamp":1e999}',
    "1e999 as group": b'{"key":"k","from":"f","groupId":-1e999,"timeStamp":1}',
    "1e999 elsewhere": with_field('"contentType": 1e999, "metadata": {"x": 1e999}, "file": {"size": 1e999}'),
    "NaN": with_field('"x": NaN'),
    "Infinity as time": b'{"key":"k","from":"f","groupId":1,"timeStamp":-Infinity}',
    "many keys": with_field(",".join(f'"{number}":1' for number in range(25_000))),
    "repeated keys": with_field(",".join('"timeStamp": 1' for _ in range(15_000))),
    "repeated groups": with_field('"groupId": 1, "groupId": 2'),
    "lone surrogate in the message": with_field('"message": "\\ud800"'),
    "lone surrogate in a name": with_field('"\\udfff": 1'),
    "lone surrogate, raw": with_field('"x": "\ud800"'),
    "NUL in the message": with_field('"message": "\\u0000"'),
    "NUL, raw": with_field('"message": "\x00"'),
    "bad UTF-8": body() + b"\xff",
    "overlong UTF-8": b'{"key": "\xc0\x80"}',
    "UTF-16": body().decode().encode("utf-16"),
    "unclosed string": b'{"a": "' + b"\\" * ROOM,
    "unclosed quotes": b'NaN "' + b'\\"' * (ROOM // 2),
    "unclosed strings": b'NaN ' + b'"x' * (ROOM // 2),
    "html: open tags": body(contentType=3, message="<a href='" * (ROOM // 9)),
    "html: few open tags": body(contentType=3, message='<a x="' * 9_000 + "y" * 190_000),
    "html: open comments": body(contentType=3, message="<!--" * (ROOM // 4)),
    "html: open sections": body(contentType=3, message="<![" * (ROOM // 3)),
    "html: flood of tags": body(contentType=3, message="<p>" * (ROOM // 3)),
    "html: slashes": body(contentType=3, message="<a" + "/ " * (ROOM // 4) + "x"),
    "vcard": body(contentType=7, message="BEGIN:VCARD\n" + "TEL;" * (ROOM // 5)),
    "empty": b"",
    "blanks": b" " * MAX_BODY,
}  # fmt: skip


def outcome_of(raw: bytes) -> ChatMessage | Ignored | Rejected:
    """What came out; anything else than these three is raised."""
    try:
        return parse_webhook(raw)
    except Rejected as error:
        refusal = error
    assert refusal.status in (400, 422)
    return refusal


@pytest.mark.parametrize("raw", CORPUS.values(), ids=CORPUS)
def test_it_is_refused_or_read_within_a_tenth_of_a_second(raw):
    begun = time.thread_time()
    outcome_of(raw)
    assert time.thread_time() - begun < 0.5  # five times the promise, in CPU time: a busy machine is no defect


REFUSED_AS_JSON = ["deep lists", "deep objects", "deep in a field", "million digits", "million decimals", "NaN",
                   "empty", "Infinity as time", "NUL, raw", "bad UTF-8", "lone surrogate, raw",
                   "overlong UTF-8"]  # fmt: skip


@pytest.mark.parametrize("name", REFUSED_AS_JSON)
def test_what_is_no_usable_json_is_400_and_names_the_place(name):
    error = outcome_of(CORPUS[name])
    assert isinstance(error, Rejected)
    assert (error.status, error.code) == (400, "bad_json")
    assert "line 1, column " in str(error)


def test_an_infinite_time_is_422():
    error = outcome_of(CORPUS["1e999 as time"])
    assert isinstance(error, Rejected)
    assert [detail["field"] for detail in error.details] == ["timeStamp"]


@pytest.mark.parametrize(
    ("name", "text"), [("lone surrogate in the message", "\ud800"), ("NUL in the message", "\x00")]
)
def test_a_customers_odd_characters_are_kept(name, text):
    message = outcome_of(CORPUS[name])
    assert isinstance(message, ChatMessage)
    assert message.text == text


def test_no_infinity_travels_on():
    message = outcome_of(CORPUS["1e999 elsewhere"])
    assert isinstance(message, ChatMessage)
    assert json.dumps(dict(message.metadata), allow_nan=False)


calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no failure
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
FIELDS = ["key", "from", "groupId", "timeStamp", "message", "contentType", "type", "groupName", "metadata", "file",
          "fileMeta", "tokenMessage", "botId", "createdAt"]  # fmt: skip
METADATA = ["contentType", "templateId", "payload", "feedback", "KM_ASSIGN", "LOCALIZATION_VALUE", "KM_STATUS",
            "KM_SUMMARY", "category", "hide", "KM_ASSIGN_TO", "firstToken", "PLATFORM_MESSAGE_ID"]  # fmt: skip
ITEMS = [
    "title",
    "name",
    "elements",
    "buttons",
    "action",
    "payload",
    "url",
    "data",
    "type",
    "options",
    "label",
    "header",
]
RICH = st.recursive(JSON, lambda inner: st.dictionaries(st.sampled_from(ITEMS), inner, max_size=4) | st.lists(inner))


@calm
@given(st.binary())
def test_arbitrary_bytes_are_refused_or_read(raw):
    outcome_of(raw)


@calm
@given(JSON)
def test_arbitrary_json_is_refused_or_read(value):
    outcome_of(json.dumps(value).encode())


@calm
@given(st.dictionaries(st.sampled_from(FIELDS), JSON), st.dictionaries(st.sampled_from(METADATA), JSON))
def test_arbitrary_fields_are_refused_or_read(fields, metadata):
    outcome_of(json.dumps({**REQUIRED, "metadata": metadata, **fields}).encode())


@calm
@given(st.sampled_from([*TEMPLATES, "99"]), RICH)
def test_arbitrary_rich_payloads_are_read(template, payload):
    raw = body(metadata={"contentType": "300", "templateId": template, "payload": payload})
    assert isinstance(outcome_of(raw), ChatMessage | Rejected)


@calm
@given(st.integers(0, 104), st.text())
def test_any_content_type_with_any_text_is_read(code, text):
    assert isinstance(outcome_of(body(contentType=code, message=text)), ChatMessage | Ignored)


@calm
@given(st.sampled_from([sample(name) for name in names()]), st.integers(0), st.binary(max_size=6))
def test_mutated_samples_are_refused_or_read(raw, position, junk):
    position %= len(raw)
    outcome_of(raw[:position] + junk + raw[position + len(junk) :])


CANARY = "CANARY-7d1f"
SPOILT = [CANARY, [CANARY], {CANARY: CANARY}, f"{CANARY}\x00", CANARY * 40, "", None, True]


@pytest.mark.parametrize("value", SPOILT, ids=lambda value: repr(value)[:12])
@pytest.mark.parametrize("field", FIELDS)
def test_no_error_repeats_a_value(field, value):
    fields = {**dict.fromkeys(FIELDS[:9], CANARY), "groupName": CANARY, CANARY: CANARY, field: value}
    error = outcome_of(json.dumps(fields).encode())
    assert isinstance(error, Rejected)
    assert "CANARY" not in f"{error} {error.details}"


@pytest.mark.parametrize(
    "raw", [f'{{"{CANARY}" ', f'{{"a": "\\{CANARY}"}}', f"[{CANARY}]", f'"{CANARY}\n"', f'"{CANARY}']
)
def test_no_json_error_repeats_the_body(raw):
    assert "CANARY" not in str(outcome_of(raw.encode()))
