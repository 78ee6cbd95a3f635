"""Who is who, as Kommunicate answers it."""

from __future__ import annotations

import json

import pytest

from relay.errors import Unsure
from relay.kommunicate.client import USER_DETAIL, KommunicateClient
from relay.messages import Person, Role
from tests.harness import PATIENCE
from tests.net.wire import Wire, say

DETAILS = [{"userId": "u1", "userName": "Jane", "roleType": 8}, {"userId": "u2", "displayName": "Ann", "roleType": "3"}]
JANE, ANN = Person("u1", "Jane", Role.AGENT), Person("u2", "Ann", Role.CUSTOMER)


def ask(answer: object, *user_ids: str) -> dict[str, Person]:
    """Who these are, if Kommunicate says this."""
    text = answer if isinstance(answer, str) else json.dumps(answer)
    with Wire(say(text.encode())) as wire:
        return KommunicateClient("key-1", wire.url).people(user_ids, deadline=PATIENCE)


@pytest.mark.parametrize("answer", [DETAILS, {"status": "success", "generatedAt": 1, "response": DETAILS}])
def test_people_are_read_with_or_without_an_envelope(answer):
    assert ask(answer, "u1", "u2") == {"u1": JANE, "u2": ANN}


def test_the_key_travels_in_its_header_and_each_user_is_asked_for_once():
    with Wire(say(json.dumps(DETAILS).encode())) as wire:
        KommunicateClient("key-1", f"{wire.url}/").people(["u1", "u2", "u1"], deadline=PATIENCE)
        head, _, content = wire.heard[0].partition(b"\r\n\r\n")
    assert head.startswith(f"POST {USER_DETAIL} HTTP/1.1\r\n".encode())
    assert b"\r\nApi-Key: key-1\r\n" in head
    assert json.loads(content) == {"userIdList": ["u1", "u2"]}


def test_only_those_asked_for_come_back():
    assert ask([*DETAILS, None, "junk", {"userId": 5}], "u2", "unknown") == {"u2": ANN}


def test_nobody_is_asked_about_nobody():
    assert KommunicateClient("k", "https://services.example.com").people([]) == {}


NO_PEOPLE = {
    "no list": '{"status": "success", "response": "ok"}',
    "half a list": '[{"userId": "u1"',
    "a deep list": "[" * 5000,
}


@pytest.mark.parametrize("text", NO_PEOPLE.values(), ids=NO_PEOPLE)
def test_what_is_no_list_of_people_is_unsure(text):
    with pytest.raises(Unsure):
        ask(text, "u1")


def test_a_customers_words_in_a_good_answer_are_no_failure():
    assert (
        ask([{"userId": "u1", "displayName": "INVALID_PARAMETER error"}], "u1")["u1"].name == "INVALID_PARAMETER error"
    )
