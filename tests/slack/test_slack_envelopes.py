"""Envelopes of Socket Mode: their bodies are those that HTTP would bring, or they are refused."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

import pytest

from relay.errors import Rejected
from relay.slack.envelopes import EnvelopeKind, read_envelope

ENVELOPE = {"envelope_id": "e1", "accepts_response_payload": True}


def test_an_event_is_json():
    found = read_envelope({**ENVELOPE, "type": "events_api", "payload": {"type": "event_callback", "a": "\u00e9"}})
    assert (found.id, found.kind, found.takes_answer) == ("e1", EnvelopeKind.EVENT, True)
    assert json.loads(found.body) == {"type": "event_callback", "a": "\u00e9"}


def test_an_interaction_is_a_form_that_holds_json():
    found = read_envelope({**ENVELOPE, "type": "interactive", "payload": {"type": "block_actions", "a": "&=\u00e9"}})
    assert json.loads(parse_qs(found.body.decode())["payload"][0]) == {"type": "block_actions", "a": "&=\u00e9"}


def test_a_command_is_a_form():
    found = read_envelope({**ENVELOPE, "type": "slash_commands", "payload": {"command": "/chats", "text": "a b&c"}})
    assert parse_qs(found.body.decode()) == {"command": ["/chats"], "text": ["a b&c"]}


def test_what_the_relay_has_no_use_for_has_no_body():
    found = read_envelope({"envelope_id": "e1", "type": "new_kind", "payload": {"a": 1}})
    assert (found.kind, found.body, found.takes_answer) == (None, b"", False)


@pytest.mark.parametrize("message", [{}, {"type": "hello"}, {"envelope_id": None}, {"envelope_id": 5}])
def test_what_is_no_envelope_is_none(message):
    assert read_envelope(message) is None


@pytest.mark.parametrize(
    ("kind", "payload"),
    [("events_api", None), ("events_api", "text"), ("interactive", []), ("slash_commands", {"text": "\ud800"})],
)
def test_a_broken_one_is_refused(kind, payload):
    with pytest.raises(Rejected):
        read_envelope({**ENVELOPE, "type": kind, "payload": payload})
