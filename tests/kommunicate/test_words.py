"""Places and contacts as words; what cannot be read stays as it was written."""

from __future__ import annotations

import json

import pytest

from .samples import shown


@pytest.mark.parametrize(
    ("place", "coordinates"),
    [
        ({"lat": 12.3, "lon": 45.6}, "12.3, 45.6"),
        ({"lat": "-12.30", "lon": "45"}, "-12.3, 45"),
        ({"lat": 0, "lon": 0.0000001}, "0, 0"),
    ],
)
def test_a_place_is_its_coordinates_and_a_map(place, coordinates):
    first, second = shown(contentType=2, message=json.dumps(place)).text.split("\n")
    assert first == f"Location: {coordinates}"
    assert second.startswith("https://www.openstreetmap.org/?mlat=")


@pytest.mark.parametrize(
    "text",
    ["here", "[]", '{"lat": 1}', '{"lat": 91, "lon": 0}', '{"lat": "x", "lon": 0}', '{"lat": true, "lon": 0}',
     '{"lat": "nan", "lon": 0}', '{"lat": 1e999, "lon": 0}', '{"lat": [], "lon": 0}'],
)  # fmt: skip
def test_a_place_that_cannot_be_read_stays_as_written(text):
    assert shown(contentType=2, message=text).text == text


def test_a_contact_is_its_names_and_numbers():
    card = (
        "begin:vcard\r\nFN:Jane Doe\r\nitem1.TEL;TYPE=CELL,HOME:+49 123\r\nEMAIL:j@example.com\r\nNOTE:x\r\nEND:VCARD"
    )
    assert shown(contentType=7, message=card).text == "Contact: Jane Doe, +49 123, j@example.com"


@pytest.mark.parametrize("text", ["Jane, 123", "BEGIN:VCARD\nEND:VCARD"])
def test_a_contact_that_cannot_be_read_stays_as_written(text):
    assert shown(contentType=7, message=text).text == text
