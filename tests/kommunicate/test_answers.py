"""What each answer means for each call: done, certainly not done, or nobody knows."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import DeliveryFailed, OperatorNeeded, Permanent, RateLimited, Transient, Unsure
from relay.kommunicate.client import KommunicateClient
from relay.kommunicate.errors import classify
from relay.kommunicate.payloads import Assigned
from relay.net.call import Response
from tests.harness import PATIENCE
from tests.net.wire import CALLS, PATHS, Wire, say, status_line

ENGAGED = "AGENT_IS_ALREADY_ENGAGED"
Answer = tuple[int, str]


def envelope(response: object = None, status: object = "success") -> str:
    return json.dumps({"status": status, "generatedAt": 1, "response": response})


# For every call.
REFUSED: dict[str, tuple[int, str, type[DeliveryFailed]]] = {
    "no key": (401, "", OperatorNeeded),
    "wrong key": (403, '{"status": "error"}', OperatorNeeded),
    "wrong application": (200, "INVALID_APPLICATIONID", OperatorNeeded),
    "moved": (301, "", OperatorNeeded),
    "moved for now": (307, "", OperatorNeeded),
    "limited": (429, "", RateLimited),
    "limited, with a page": (429, "<html>", RateLimited),
    "the request came too slowly": (408, "", Transient),
    "too early": (425, "", Transient),
    "bad request": (400, '{"status": "error"}', Permanent),
    "bad request in other words": (422, '{"status": "failure"}', Permanent),
    "not there": (404, "<html>", Permanent),
    "refused with 200": (200, '{"status": "error", "errorResponse": []}', Transient),
    "refused with 500": (500, '{"status": "ERROR"}', Transient),
    "refused with 503": (503, '{"status": "error"}', Transient),
    "the word error": (200, "error\n", Transient),
    "the word error in quotes": (200, '"error"', Transient),
    "bad parameter": (200, "INVALID_PARAMETER", Permanent),
    "bad parameter with 500": (500, "INVALID_PARAMETER", Permanent),
    "bad parameter in an envelope": (200, envelope("INVALID_PARAMETER", "error"), Permanent),
    "bad parameter as a reason": (
        200, '{"status": "error", "errorResponse": [{"errorCode": "INVALID_PARAMETER"}]}', Permanent,
    ),
}  # fmt: skip
UNCLEAR: dict[str, Answer] = {
    "broken": (500, ""),
    "a framework's error": (500, '{"status": 500, "error": "x"}'),
    "anybody's error": (500, "error"),
    "success with 500": (500, envelope({"messageKey": "5-a-1"})),
    "away": (503, ""),
    "a gateway's page": (502, "<html>Bad Gateway</html>"),
    "a gateway's own envelope": (502, '{"status": "error"}'),
    "a gateway's silence": (504, ""),
    "a gateway's excuse": (504, '{"status": "error", "message": "upstream timed out"}'),
    "a page with 200": (200, "<html>"),
    "nothing with 200": (200, ""),
    "nothing": (204, ""),
    "null": (200, "null"),
    "a number": (200, "1"),
    "an empty object": (200, "{}"),
    "half an envelope": (200, '{"status": "success", "resp'),
    "an envelope in another word": (200, '{"status": "pending"}'),
    "an envelope that failed in another word": (200, '{"status": "failure", "response": "updated?"}'),
    "a reason in a success": (200, envelope("SOME_NEW_REASON")),
    "an error in a success": (200, envelope("error")),
    "a deep list": (200, "[" * 5000),
}


def call(name: str, status: int, text: str) -> object:
    """One call that gets this answer; fails if it was made more than once, or otherwise than documented."""
    with Wire(say(text.encode(), status_line(status, Location="https://evil.example.com/"))) as wire:
        try:
            return CALLS[name](KommunicateClient("key-1", wire.url), PATIENCE)
        finally:
            (request,) = wire.heard
            assert request.decode().startswith(" ".join(PATHS[name]))


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(("status", "text", "error"), REFUSED.values(), ids=REFUSED)
def test_what_says_that_it_was_refused_was_not_done(
    name: str, status: int, text: str, error: type[DeliveryFailed]
) -> None:
    with pytest.raises(DeliveryFailed) as caught:
        call(name, status, text)
    assert type(caught.value) is error


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(("status", "text"), UNCLEAR.values(), ids=UNCLEAR)
def test_whatever_else_may_have_been_done(name: str, status: int, text: str) -> None:
    with pytest.raises(DeliveryFailed) as caught:
        call(name, status, text)
    assert type(caught.value) is Unsure


KEYS = {
    "bare, as the engine documents it": '{"messageKey": "5-abc-1", "createdAt": 1}',
    "in an envelope": envelope({"messageKey": "5-abc-1"}),
    "the receiver's copy": envelope({"messageKey": "4-abc-1"}),
    "without a prefix": '{"messageKey": "abc-1"}',
    "beside a word": '{"messageKey": "5-abc-1", "response": "ok"}',
    "with an empty one in front": '{"messageKey": null, "response": {"messageKey": "5-abc-1"}}',
    "with a status nobody documents": '{"status": "SENT", "messageKey": "5-abc-1"}',
}


@pytest.mark.parametrize("text", KEYS.values(), ids=KEYS)
def test_a_reply_is_sent_when_it_has_a_key(text: str) -> None:
    assert call("send", 200, text) == "abc-1"


NO_KEYS = {
    "a success without one": (200, envelope({"createdAt": 1})),
    "a success of one word": (200, envelope("success")),
    "a key as the word": (200, envelope("5-abc-1")),
    "null": (200, envelope({"messageKey": None})),
    "empty": (200, envelope({"messageKey": ""})),
    "a number": (200, envelope({"messageKey": 5})),
    "too long to store": (200, envelope({"messageKey": "x" * 256})),
    "with a control character": (200, envelope({"messageKey": "5-a\x00"})),
    "updated": (200, envelope("updated")),
    "a list": (200, '[{"messageKey": "5-abc-1"}]'),
    "an error that has one": (200, envelope({"messageKey": "5-abc-1"}, "error")),
    "a refusal that has one": (400, envelope({"messageKey": "5-abc-1"}, "error")),
    "a failure that has one": (500, envelope({"messageKey": "5-abc-1"}, "error")),
}


@pytest.mark.parametrize(("status", "text"), NO_KEYS.values(), ids=NO_KEYS)
def test_a_reply_without_a_usable_key_may_have_been_sent(status: int, text: str) -> None:
    with pytest.raises(Unsure):
        call("send", status, text)


CHANGES = {
    "updated": (envelope("updated"), Assigned.UPDATED),
    "in capitals": (envelope("Updated", "SUCCESS"), Assigned.UPDATED),
    "already": (envelope("already updated"), Assigned.ALREADY),
    "as the status": ('{"status": "updated"}', Assigned.UPDATED),
    "already, as the status": ('{"status": "already updated"}', Assigned.ALREADY),
    "a success without a word": ('{"status": "success"}', Assigned.UPDATED),
    "a success in its own word": (envelope("success"), Assigned.UPDATED),
    "a success in a sentence": (envelope("Conversation was changed"), Assigned.UPDATED),
    "a success with an object": (envelope({"id": 1}), Assigned.UPDATED),
    "the bare word": ('"updated"', Assigned.UPDATED),
}


@pytest.mark.parametrize(("text", "outcome"), CHANGES.values(), ids=CHANGES)
def test_a_change_is_done_when_a_success_says_so(text: str, outcome: Assigned) -> None:
    assert call("assign", 200, text) is outcome


@pytest.mark.parametrize("text", [text for text, _ in CHANGES.values()], ids=CHANGES)
def test_a_status_is_set_when_a_success_says_so(text: str) -> None:
    assert call("status", 200, text) is None


def test_a_reason_nobody_knows_is_marked_as_one() -> None:
    with pytest.raises(Unsure) as caught:
        call("assign", 200, envelope("SOME_NEW_REASON"))
    assert caught.value.unknown_code


ENGAGED_ANSWERS = {
    "a success": (200, envelope(ENGAGED)),
    "the status": (200, json.dumps({"status": ENGAGED})),
    "an error": (200, envelope(ENGAGED, "error")),
    "a reason": (200, json.dumps({"status": "error", "errorResponse": [{"errorCode": ENGAGED}]})),
    "a conflict": (409, envelope(ENGAGED, "error")),
    "a prohibition": (403, envelope(ENGAGED, "error")),
    "a failure": (500, envelope(ENGAGED, "error")),
    "the bare word": (200, ENGAGED),
    "the bare word in quotes": (200, f'"{ENGAGED}"'),
}


@pytest.mark.parametrize(("status", "text"), ENGAGED_ANSWERS.values(), ids=ENGAGED_ANSWERS)
def test_an_agent_who_takes_no_more_is_called_so(status: int, text: str) -> None:
    with pytest.raises(Permanent, match="limit of chats") as caught:
        call("assign", status, text)
    assert caught.value.code == "agent_is_already_engaged"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("30", 30.0), ("0", 0.0), ("1.5", 1.5), ("-1", None), ("abc", None), ("inf", None), ("nan", None), (None, None),
     ("Wed, 21 Oct 2026 07:28:00 GMT", None)],
)  # fmt: skip
def test_a_rate_limit_says_how_long_or_does_not(value: str | None, seconds: float | None) -> None:
    headers = {} if value is None else {"retry-after": value}
    error = classify(Response(429, headers, b""), method="m")
    assert isinstance(error, RateLimited)
    assert error.retry_after == seconds


TEXTS = [str(answer[1]).encode() for answer in [*REFUSED.values(), *UNCLEAR.values(), *NO_KEYS.values()]]


@given(st.integers(100, 599), st.binary() | st.sampled_from(TEXTS))
def test_any_answer_is_done_or_one_of_our_errors(status: int, body: bytes) -> None:
    outcome = classify(Response(status, {}, body), method="m")
    assert outcome is None or isinstance(outcome, DeliveryFailed)
    assert outcome is not None or 200 <= status < 300


@given(st.sampled_from([502, 504]), st.binary() | st.sampled_from(TEXTS))
def test_a_gateway_never_knows(status: int, body: bytes) -> None:
    assert type(classify(Response(status, {}, body), method="m")) is Unsure


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("status", [200, 400, 401, 500, 502])
def test_an_error_repeats_nothing_of_the_answer(name: str, status: int) -> None:
    with pytest.raises(DeliveryFailed) as caught:
        call(name, status, json.dumps({"status": "error", "description": "CANARY", "CANARY": "CANARY"}))
    assert "CANARY" not in f"{caught.value!r} {caught.value.code}"
