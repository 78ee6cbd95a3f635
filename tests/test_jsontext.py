"""JSON is read strictly, and what is wrong is named by its place."""

from __future__ import annotations

import pytest

from relay.jsontext import MAX_DEPTH, NotJson, decode, loads, loads_leniently

PLACES = {
    '{"a": 1,}': "line 1, column 9",
    '{\n  "a": 1 // why\n}': "line 2, column 10",
    "{\n  // why\n}": "line 2, column 3",
    '{"a": 1} x': "line 1, column 10",
    '{"ok": "NaN", "b": NaN}': "line 1, column 20",
    '["\\"", -Infinity]': "line 1, column 8",
    "\n\n [" + "1" * 101 + "]": "line 3, column 3",
    "[\n" * 101: "line 101, column 1",
}


@pytest.mark.parametrize(("text", "place"), PLACES.items(), ids=repr)
def test_the_place_is_named(text, place):
    with pytest.raises(NotJson, match=f"{place}( |$)"):
        loads(text)


def test_a_comment_is_called_one():
    with pytest.raises(NotJson, match="a comment"):
        loads('{"a": 1} // x')


def test_broken_utf8_is_named_by_its_place():
    with pytest.raises(NotJson, match=r"line 2, column 3$"):
        decode(b'{\n"\xc3\xa4\xff')


def test_what_only_looks_dangerous_inside_a_string_is_read():
    text = f'["NaN \\" Infinity {"[" * 200} {"9" * 200}"]'
    assert loads(text)[0].startswith("NaN")


def test_nesting_is_read_up_to_the_limit():
    assert loads("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    assert loads("[" + "[]," * 500 + "[]]")


def test_a_number_too_large_for_a_float_stays_text():
    assert loads("[1e999, -1e999, 1.5]") == ["1e999", "-1e999", 1.5]


@pytest.mark.parametrize(
    ("value", "times", "expected"),
    [
        ('{"a": 1}', 1, {"a": 1}),
        ('"[1]"', 1, "[1]"),
        ('"[1]"', 2, [1]),
        ("[1]", 2, [1]),
        ("{'a': 1}", 2, "{'a': 1}"),
        ("", 1, ""),
        (None, 2, None),
        ({"a": 1}, 2, {"a": 1}),
    ],
)
def test_lenient_reading_unwraps_strings_and_leaves_the_rest(value, times, expected):
    assert loads_leniently(value, times=times) == expected
