"""What Kommunicate answers, in our errors."""

from __future__ import annotations

import json

import pytest
import requests
import responses
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import DeliveryFailed, OperatorNeeded, Permanent, RateLimited, Transient, Unsure
from relay.kommunicate.client import KommunicateClient, classify
from relay.kommunicate.http import Response
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


FAILURES = {
    "no key": (401, "", OperatorNeeded),
    "wrong key": (403, '{"status": "error"}', OperatorNeeded),
    "moved": (301, "", OperatorNeeded),
    "moved for now": (307, "", OperatorNeeded),
    "limited": (429, "", RateLimited),
    "request timeout": (408, "", Transient),
    "bad request": (400, '{"status": "error"}', Permanent),
    "not there": (404, "<html>", Permanent),
    "refused with 200": (200, '{"status": "error", "errorResponse": []}', Transient),
    "refused with 500": (500, '{"status": "ERROR"}', Transient),
    "the word error": (200, "error\n", Transient),
    "bad parameter": (200, "INVALID_PARAMETER", Permanent),
    "bad parameter in an envelope": (200, '{"status": "error", "response": "INVALID_PARAMETER"}', Permanent),
    "bad application": (200, "INVALID_APPLICATIONID", OperatorNeeded),
    "broken": (500, "", Unsure),
    "gateway's page": (502, "<html>Bad Gateway</html>", Unsure),
    "gateway's silence": (504, "", Unsure),
    "a framework's error": (500, '{"status": 500, "error": "x"}', Unsure),
    "a page with 200": (200, "<html>", Unsure),
    "nothing with 200": (200, "", Unsure),
    "no list": (200, '{"status": "success", "response": "ok"}', Unsure),
    "half a list": (200, '[{"userId": "u1"', Unsure),
    "a deep list": (200, "[" * 5000, Unsure),
}


@pytest.mark.parametrize(("status", "text", "error"), FAILURES.values(), ids=FAILURES)
def test_each_failure_lands_in_its_class(kommunicate, status, text, error):
    kommunicate.post(URL, body=text, status=status, headers={"Location": "https://evil.example.com/"})
    with pytest.raises(error) as caught:
        ask()
    assert type(caught.value) is error


def test_a_redirect_is_not_followed_so_the_key_stays(kommunicate):
    kommunicate.post(URL, status=302, headers={"Location": "https://evil.example.com/"})
    with pytest.raises(OperatorNeeded, match="redirects"):
        ask()
    assert len(kommunicate.calls) == 1


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("30", 30.0), ("0", 0.0), ("1.5", 1.5), ("-1", None), ("abc", None), ("inf", None), ("nan", None), (None, None),
     ("Wed, 21 Oct 2026 07:28:00 GMT", None)],
)  # fmt: skip
def test_a_rate_limit_says_how_long_or_does_not(value, seconds):
    headers = {} if value is None else {"retry-after": value}
    error = classify(Response(429, headers, b""), method="m")
    assert isinstance(error, RateLimited)
    assert error.retry_after == seconds


@given(st.integers(100, 599), st.binary() | st.sampled_from([text.encode() for _, text, _ in FAILURES.values()]))
def test_any_answer_is_done_or_one_of_our_errors(status, body):
    outcome = classify(Response(status, {}, body), method="m")
    assert outcome is None or isinstance(outcome, DeliveryFailed)
    assert outcome is not None or 200 <= status < 300


def test_a_customers_words_in_a_good_answer_are_no_failure(kommunicate):
    kommunicate.post(URL, json=[{"userId": "u1", "displayName": "INVALID_PARAMETER error"}])
    assert ask("u1")["u1"].name == "INVALID_PARAMETER error"


def test_an_error_repeats_nothing_of_the_answer(kommunicate):
    kommunicate.post(URL, json={"status": "error", "description": "CANARY"}, status=400)
    with pytest.raises(Permanent) as caught:
        ask()
    assert "CANARY" not in f"{caught.value} {caught.value.code}"


def test_a_broken_connection_is_unsure(kommunicate):
    kommunicate.post(URL, body=requests.ConnectionError("reset"))
    with pytest.raises(Unsure):
        ask()
