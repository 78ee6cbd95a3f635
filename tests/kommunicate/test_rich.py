"""Rich messages: tolerant of shape, bounded in length, silent about secrets."""

from __future__ import annotations

import json

import pytest

from relay.kommunicate.rich import MAX_LINES, TEMPLATES, is_rich, words

from .samples import shown


def read(template, payload, has_text=False) -> str:
    return words({"contentType": "300", "templateId": template, "payload": payload}, has_text=has_text)


@pytest.mark.parametrize(("value", "expected"), [("300", True), (300, True), ("0", False), (None, False)])
def test_it_is_told_by_the_metadatas_content_type(value, expected):
    assert is_rich({"contentType": value}) is expected


@pytest.mark.parametrize("wrap", [lambda value: value, json.dumps, lambda value: json.dumps(json.dumps(value))])
def test_a_payload_may_be_an_object_or_text_once_or_twice(wrap):
    assert read("6", wrap([{"title": "Yes"}, {"title": "No"}])) == "Options: Yes, No"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "https://user@evil.com", "/path", 5, None])
def test_a_button_opens_nothing_but_a_web_page(url):
    assert read("3", [{"type": "link", "name": "Pay", "url": url}]) == "Options: Pay"


@pytest.mark.parametrize("payload", ["", "[{'title': 'x'}]", None, [], {}, 5, "[[]]", '["x"]'])
@pytest.mark.parametrize("template", [*TEMPLATES, "1", "99"])
def test_what_cannot_be_read_says_where_to_look_unless_there_is_text(template, payload):
    assert read(template, payload, has_text=True) == ""
    assert read(template, payload) == f"(rich message of type {template}: open it in Kommunicate)"


def test_a_type_is_named_in_one_short_line():
    assert read("x\n" * 99, "") == "(rich message of type x x x x x x x x x x: open it in Kommunicate)"
    assert read(None, "") == "(rich message of type unknown: open it in Kommunicate)"


def test_it_is_bounded():
    lines = read("9", [{"caption": str(number)} for number in range(5000)]).split("\n")
    assert len(lines) == MAX_LINES + 1
    assert lines[-1] == "(more: open it in Kommunicate)"


SECRET = "SECRET-5c2e"
FIELD = {"label": "PIN", "placeholder": "4 digits", "value": SECRET, "default": SECRET, "name": SECRET}


@pytest.mark.parametrize("kind", ["password", "hidden", "text", "textarea", "submit"])
@pytest.mark.parametrize("flat", [True, False])
def test_a_form_never_shows_a_value(kind, flat):
    item = {"type": kind, **FIELD} if flat else {"type": kind, "data": FIELD}
    assert SECRET not in read("12", [item])


HIDDEN = [
    {"type": "hidden", "label": SECRET},
    {"type": "hidden", "data": {"type": "text", "label": SECRET}},
    {"type": "text", "data": {"type": "hidden", "label": SECRET}},
]


@pytest.mark.parametrize("item", HIDDEN)
def test_a_hidden_field_is_not_even_named(item):
    assert SECRET not in read("12", [item, {"type": "text", "data": {"label": "Name"}}])


def test_a_form_of_hidden_fields_only_says_where_to_look():
    assert read("12", [{"type": "hidden", "label": SECRET}]) == "(rich message of type 12: open it in Kommunicate)"


def test_a_form_shows_labels_and_what_can_be_chosen():
    size = {"type": "dropdown", "data": {"title": "Size", "options": [{"label": "S", "value": SECRET}, "junk"]}}
    assert read("12", [{"type": "text", "placeholder": "Name"}, size]) == "Form:\n• Name\n• Size: S"


def test_submitted_form_data_is_not_shown():
    button = {"name": "Send", "replyText": "sent", "action": {"formData": {"pin": SECRET}, "formAction": SECRET}}
    assert read("3", [button]) == "Options: Send"


def test_the_message_itself_is_never_cut():
    text = "x" * 100_000
    metadata = {"contentType": "300", "templateId": "6", "payload": '[{"title": "Yes"}]'}
    assert shown(message=text, metadata=metadata).text == f"{text}\nOptions: Yes"
