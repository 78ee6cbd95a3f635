"""Who is who, as Kommunicate answers it."""

from __future__ import annotations

import json

import pytest
import responses

from relay.errors import Unsure
from relay.kommunicate.client import KommunicateClient
from relay.messages import Person, Role

BASE = "https://services.example.com"
URL = f"{BASE}/rest/ws/user/v2/detail"
DETAILS = [{"userId": "u1", "userName": "Jane", "roleType": 8}, {"userId": "u2", "displayName": "Ann", "roleType": "3"}]
JANE, ANN = Person("u1", "Jane", Role.AGENT), Person("u2", "Ann", Role.CUSTOMER)


@pytest.fixture
def kommunicate():
    with responses.RequestsMock() as mock:
        yield mock


def ask(*user_ids: str, key="key-1", base=BASE) -> dict[str, Person]:
    return KommunicateClient(key, base).people(user_ids or ["u1", "u2"])


@pytest.mark.parametrize("answer", [DETAILS, {"status": "success", "generatedAt": 1, "response": DETAILS}])
def test_people_are_read_with_or_without_an_envelope(kommunicate, answer):
    kommunicate.post(URL, json=answer)
    assert ask("u1", "u2") == {"u1": JANE, "u2": ANN}


def test_the_key_travels_in_its_header_and_each_user_is_asked_for_once(kommunicate):
    kommunicate.post(URL, json=DETAILS)
    ask("u1", "u2", "u1", base=f"{BASE}/")
    request = kommunicate.calls[0].request
    assert (request.headers["Api-Key"], request.url) == ("key-1", URL)
    assert json.loads(request.body) == {"userIdList": ["u1", "u2"]}


def test_only_those_asked_for_come_back(kommunicate):
    kommunicate.post(URL, json=[*DETAILS, None, "junk", {"userId": 5}])
    assert ask("u2", "unknown") == {"u2": ANN}


def test_nobody_is_asked_about_nobody():
    assert KommunicateClient("k", BASE).people([]) == {}


NO_PEOPLE = {
    "no list": '{"status": "success", "response": "ok"}',
    "half a list": '[{"userId": "u1"',
    "a deep list": "[" * 5000,
}


@pytest.mark.parametrize("text", NO_PEOPLE.values(), ids=NO_PEOPLE)
def test_what_is_no_list_of_people_is_unsure(kommunicate, text):
    kommunicate.post(URL, body=text)
    with pytest.raises(Unsure):
        ask()


def test_a_customers_words_in_a_good_answer_are_no_failure(kommunicate):
    kommunicate.post(URL, json=[{"userId": "u1", "displayName": "INVALID_PARAMETER error"}])
    assert ask("u1")["u1"].name == "INVALID_PARAMETER error"
