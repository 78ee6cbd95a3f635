"""Whatever was signed is refused or read, quickly, and no refusal repeats a word of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slack_bodies import BUTTON, CHANNEL, CLICKED, ME, SAID, TS, callback, changed, deleted, form, message

from relay.errors import Rejected
from relay.messages import Ignored
from relay.slack.events import AgentEdit, AgentWords, Challenge, Click, Uninstalled, event_key
from relay.slack.interactions import parse_interaction
from relay.slack.parse import parse_event

ROOM = 250_000
CODES = {"bad_json", "bad_form", "invalid_body"}


def heard(body: bytes) -> object:
    """What came of an event; anything else than these is raised."""
    return outcome_of(lambda: parse_event(body, ME))


def clicked(body: bytes) -> object:
    return outcome_of(lambda: parse_interaction(body))


def outcome_of(parse: Callable[[], Any]) -> object:
    try:
        outcome = parse()
    except Rejected as error:
        refusal = error
    else:
        return checked(outcome)
    assert refusal.status == 400
    assert refusal.code in CODES
    return refusal


def checked(outcome: object) -> object:
    for each in outcome if isinstance(outcome, tuple) else (outcome,):
        assert isinstance(each, Challenge | AgentWords | AgentEdit | Uninstalled | Ignored | Click)
        if isinstance(each, AgentWords | AgentEdit | Click):
            holdable(event_key(each))
    return outcome


def holdable(key: str) -> None:
    """A database takes it as an indexed key."""
    assert "\x00" not in key
    assert len(key.encode()) < 2000


GOOD = callback(message()).decode()[:-1]
DEEP = "[" * 100_000 + "]" * 100_000
CORPUS = {
    "nothing": b"",
    "blanks": b" " * ROOM,
    "no object": b"[]",
    "a word": b'"event_callback"',
    "null": b"null",
    "deep lists": DEEP.encode(),
    "deep objects": b'{"a":' * 40_000 + b"1" + b"}" * 40_000,
    "deep blocks": callback({**SAID, "blocks": "@"}).replace(b'"@"', DEEP.encode()),
    "million digits": b'{"type": ' + b"9" * 1_000_000 + b"}",
    "infinite time": callback(message(ts="@")).replace(b'"@"', b"1e999"),
    "NaN": callback(message(ts="@")).replace(b'"@"', b"NaN"),
    "many keys": (GOOD + "".join(f', "k{number}":1' for number in range(25_000)) + "}").encode(),
    "repeated keys": (GOOD + ', "type":"x"' * 20_000 + "}").encode(),
    "many authorizations": callback(message(), authorizations=[{"is_bot": True, "user_id": "U"}] * 6_000),
    "many blocks": callback(message(blocks=[{}] * 60_000)),
    "bad UTF-8": callback(message()) + b"\xff",
    "raw surrogate": callback(message(text="@")).replace(b"@", b"\xed\xa0\x80"),
    "raw NUL": callback(message(text="@")).replace(b"@", b"\x00"),
    "UTF-16": callback(message()).decode().encode("utf-16"),
}
REFUSED_AS_JSON = set(CORPUS) - {"infinite time", "many keys", "repeated keys", "many authorizations", "many blocks"}


@pytest.mark.parametrize("name", CORPUS)
def test_a_hostile_event_is_refused_or_read_within_a_tenth_of_a_second(name: str) -> None:
    begun = time.thread_time()
    outcome = heard(CORPUS[name])
    assert time.thread_time() - begun < 0.5  # five times the promise, in CPU time: a busy machine is no defect
    assert (isinstance(outcome, Rejected) and outcome.code == "bad_json") is (name in REFUSED_AS_JSON)


PAYLOAD = json.dumps(CLICKED)
FORMS = {
    "nothing": (b"", "bad_form"),
    "JSON": (PAYLOAD.encode(), "bad_form"),
    "another field": (b"payloads=1", "bad_form"),
    "no value": (b"payload", "bad_form"),
    "an empty value": (b"payload=", "bad_form"),
    "two": (form(CLICKED) + b"&" + form(CLICKED), "bad_form"),
    "a million fields": (b"a=1&" * 250_000 + form(CLICKED), "bad_form"),
    "escaped bytes that are no UTF-8": (b"payload=%FF", "bad_form"),
    "an escaped surrogate": (b"payload=%ED%A0%80", "bad_form"),
    "bytes a form escapes": (b'payload={"a":"\xc3\xa4"}', "bad_form"),
    "no JSON": (b"payload=x", "bad_json"),
    "broken escapes": (b"payload=" + b"%" * ROOM, "bad_json"),
    "many escapes": (b"payload=" + b"%20" * (ROOM // 3), "bad_json"),
    "a byte order mark": (b"payload=%EF%BB%BF" + quote_plus(PAYLOAD).encode(), "bad_json"),
    "a list": (form([CLICKED]), "bad_json"),
    "deep": (b"payload=" + DEEP.encode(), "bad_json"),
    "a million digits": (b"payload=" + b"9" * 1_000_000, "bad_json"),
    "no type": (form({**CLICKED, "type": ...}), "invalid_body"),
}


@pytest.mark.parametrize(("body", "code"), FORMS.values(), ids=FORMS)
def test_what_is_no_form_of_slacks_is_refused_within_a_tenth_of_a_second(body: bytes, code: str) -> None:
    begun = time.thread_time()
    outcome = clicked(body)
    assert time.thread_time() - begun < 0.5  # as above
    assert isinstance(outcome, Rejected)
    assert outcome.code == code


def test_a_field_beside_the_payload_is_let_be() -> None:
    assert clicked(b"ssl_check=1&" + form(CLICKED)) == clicked(form(CLICKED))


IDS = ["", " ", "U 1", "U/1", "U\n", "\x00", "\ud800", "ü", "U" * 65, 5, 1e300, True, [], {}, ["U1"], {"id": "U1"}]
NEEDED: dict[str, Callable[[Any], bytes]] = {
    "team_id": lambda value: callback(message(), team_id=value),
    "channel": lambda value: callback(message(channel=value)),
    "ts": lambda value: callback(message(ts=value)),
    "thread_ts": lambda value: callback(message(thread_ts=value)),
    "user": lambda value: callback(message(user=value)),
    "client_msg_id": lambda value: callback(message(client_msg_id=value)),
    "deleted_ts": lambda value: callback(deleted(deleted_ts=value)),
    "event_ts": lambda value: callback(deleted(event_ts=value)),
    "challenge": lambda value: json.dumps({"type": "url_verification", "challenge": value}).encode(),
}


@pytest.mark.parametrize("value", IDS, ids=ascii)
@pytest.mark.parametrize("name", NEEDED)
def test_an_event_with_an_unusable_id_is_400_and_names_it(name: str, value: object) -> None:
    outcome = heard(NEEDED[name](value))
    assert isinstance(outcome, Rejected)
    assert [detail["field"] for detail in outcome.details] == [name]


@pytest.mark.parametrize("name", sorted(set(NEEDED) - {"thread_ts", "user", "client_msg_id"}))
def test_an_event_without_an_id_it_needs_is_400(name: str) -> None:
    """A message without a thread or an author is read, and put aside."""
    assert isinstance(heard(NEEDED[name](None)), Rejected)


PARTS: list[tuple[str, bytes]] = [
    ("event", callback(None)),
    ("event", callback([message()])),
    ("event.type", callback({"text": "hi"})),
    ("type", callback(message(), type=None)),
    ("type", callback(message(), type=["event_callback"])),
    ("authorizations", callback(message(), authorizations={"user_id": "U1"})),
    ("api_app_id", callback(message(), api_app_id=5)),
    ("subtype", callback(message(subtype=["file_share"]))),
    ("text", callback(message(text=5))),
    ("blocks", callback(message(blocks=["hi"]))),
    ("files", callback(message(files={"name": "a.png"}))),
    ("message", callback(changed({}))),
    ("message", callback({**changed(SAID), "message": [SAID]})),
    ("previous_message", callback({**changed(SAID), "previous_message": "hi"})),
    ("edited", callback(changed({**SAID, "edited": TS}))),
]


@pytest.mark.parametrize(("name", "body"), PARTS)
def test_an_event_with_a_part_of_another_shape_is_400_and_names_it(name: str, body: bytes) -> None:
    outcome = heard(body)
    assert isinstance(outcome, Rejected)
    assert [detail["field"] for detail in outcome.details] == [name]


PLACES = {
    "message_ts": ("container", "message_ts"),
    "channel_id": ("container", "channel_id"),
    "id": ("user", "id"),
    "action_ts": ("actions", "action_ts"),
}


@pytest.mark.parametrize("value", IDS, ids=ascii)
@pytest.mark.parametrize("name", PLACES)
def test_a_click_with_an_unusable_id_is_400_and_names_it(name: str, value: object) -> None:
    outer, *inner = PLACES[name]
    whole = {**(BUTTON if outer == "actions" else CLICKED[outer]), inner[0]: value} if inner else value
    outcome = clicked(form({**CLICKED, outer: [whole] if outer == "actions" else whole}))
    assert isinstance(outcome, Rejected)
    assert [detail["field"] for detail in outcome.details] == [name]


@pytest.mark.parametrize("field", ["action_id", "value"])
@pytest.mark.parametrize("value", ["\x00", "\ud800", "x" * 2001, 5, [], {}])
def test_a_click_whose_words_no_database_holds_is_400(field: str, value: object) -> None:
    assert isinstance(clicked(form({**CLICKED, "actions": [{**BUTTON, field: value}]})), Rejected)


def test_the_longest_key_fits_an_index() -> None:
    """An action's id may be 255 characters of any kind."""
    assert clicked(form({**CLICKED, "actions": [{**BUTTON, "action_id": "\U0001f600" * 255}]}))
    assert isinstance(clicked(form({**CLICKED, "actions": [{**BUTTON, "action_id": "x" * 256}]})), Rejected)


calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no failure
TEXT = st.text(st.characters(exclude_categories=()), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.sampled_from([TS, CHANNEL, "U0ALEX"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=6,
)
INNER = ["type", "subtype", "user", "text", "ts", "thread_ts", "blocks", "files", "bot_id", "app_id", "channel",
         "event_ts", "deleted_ts", "edited", "client_msg_id", "tokens", "message", "previous_message"]  # fmt: skip
OUTER = ["type", "team_id", "api_app_id", "authorizations", "event", "challenge"]
SUBTYPES = [None, "message_changed", "message_deleted", "file_share", "bot_message", "tombstone"]
CLICK_FIELDS = ["type", "user", "container", "team", "channel", "message", "actions", "response_url", "trigger_id"]
ACTION_FIELDS = ["action_id", "value", "selected_option", "selected_user", "action_ts"]


def some(names: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(names), JSON, max_size=3)


@calm
@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_arbitrary_bodies_are_refused_or_put_aside(raw: bytes) -> None:
    assert isinstance(heard(raw), Rejected | Ignored)
    assert isinstance(clicked(raw), Rejected | Ignored)
    assert isinstance(clicked(b"payload=" + quote_plus(raw).encode()), Rejected | Ignored)


@calm
@given(st.sampled_from(SUBTYPES), some(INNER), some(INNER), some(INNER), some(OUTER))
def test_events_with_arbitrary_fields_are_refused_or_read(
    subtype: str | None, top: dict[str, Any], after: dict[str, Any], before: dict[str, Any], outer: dict[str, Any]
) -> None:
    event = {**changed({**SAID, **after}, {**SAID, **before}), **message(subtype=subtype, deleted_ts=TS), **top}
    heard(callback(outer.pop("event", event), **outer))


@calm
@given(some(CLICK_FIELDS), some(ACTION_FIELDS), st.booleans())
def test_clicks_with_arbitrary_fields_are_refused_or_read(
    top: dict[str, Any], action: dict[str, Any], inside: bool
) -> None:
    actions = {"actions": [{**BUTTON, **action}]}
    clicked(form({**CLICKED, **actions, **top} if inside else {**CLICKED, **top, **actions}))


@calm
@given(st.sampled_from([callback(message()), callback(changed(SAID)), form(CLICKED)]), st.integers(0), st.binary())
def test_mutated_bodies_are_refused_or_read(raw: bytes, position: int, junk: bytes) -> None:
    position %= len(raw)
    mutated = raw[:position] + junk + raw[position + len(junk) :]
    heard(mutated)
    clicked(mutated)


CANARY = "CANARY 7d1f"


@pytest.mark.parametrize("value", [CANARY, [CANARY], {CANARY: CANARY}, f"{CANARY}\x00", CANARY * 400], ids=ascii)
@pytest.mark.parametrize("field", INNER)
def test_no_refusal_and_no_reason_repeats_a_value(field: str, value: object) -> None:
    spoilt: dict[str, Any] = {field: value, CANARY: CANARY}
    for event in (message(**spoilt), changed({**SAID, **spoilt}), deleted({**SAID, **spoilt}), deleted(**spoilt)):
        outcome = heard(callback(event))
        if isinstance(outcome, Rejected | Ignored):
            assert "CANARY" not in f"{outcome} {getattr(outcome, 'details', '')}"
