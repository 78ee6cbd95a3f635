"""What is hidden in JSON: each text as people read it, however it is written, and what stands under a telling name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from relay.routing.redact_json import MOST_DEPTH, TOO_DEEP, hide_in_json, hide_in_value
from tests.privacy.test_redact import hides

CARD = "4111 1111 1111 1111"
HIDDEN = "[payment card hidden]"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"a": CARD}, {"a": HIDDEN}),
        ({CARD: "a"}, {HIDDEN: "a"}),
        ([1, {"a": [CARD]}], [1, {"a": [HIDDEN]}]),
        ({"n": 4111111111111111}, {"n": HIDDEN}),
        ({"a": json.dumps({"b": CARD})}, {"a": json.dumps({"b": HIDDEN})}),
        ({"password": "hunter2", "user": "jane"}, {"password": "[secret hidden]", "user": "jane"}),
        ({"PIN": 1234, "room": 1234}, {"PIN": "[secret hidden]", "room": 1234}),
        ({"a": None, "b": True, "c": 1.5, "d": ""}, {"a": None, "b": True, "c": 1.5, "d": ""}),
    ],
)
def test_each_text_is_read(value: Any, shown: Any) -> None:
    assert hide_in_value(value, hides()) == shown


@pytest.mark.parametrize(
    "text",
    [
        '{"a": "\\u0034111 1111 1111 1111"}',
        f'{{"a": "{CARD}", "a": "of the same name"}}',
        json.dumps({"a": f'{{"b": "{CARD}", "b": 1}}'}),
        f'"\\u0034{CARD[1:]}"',
        f"not JSON {CARD}",
    ],
)
def test_however_it_is_written_it_is_hidden(text: str) -> None:
    assert "111 1111" not in hide_in_json(text, hides())


@pytest.mark.parametrize("text", ['{"a":  [1, "x"]}', "[]", '"x"', "{", "", "order 4111111111111112", '{"a": 1e3}'])
def test_what_holds_nothing_stays_to_the_byte(text: str) -> None:
    assert hide_in_json(text, hides()) == text


def test_what_is_too_deep_to_be_searched_is_not_shown() -> None:
    deep = "[" * (MOST_DEPTH + 2) + f'"\\u0034{CARD[1:]}"' + "]" * (MOST_DEPTH + 2)
    inside: str = CARD
    for _ in range(6):
        inside = json.dumps([inside])
    assert TOO_DEEP in hide_in_json(deep, hides())
    assert HIDDEN in hide_in_json(inside, hides())
