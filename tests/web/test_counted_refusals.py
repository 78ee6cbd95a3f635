"""What is refused although a vendor may have sent it is counted, until the next one is accepted."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from relay.clock import SystemClock
from relay.net.call import USER_AGENT
from relay.slack.auth import signature_headers
from relay.store.db.engine import Store
from relay.store.operations.refused import refused
from relay.vocabulary import Refusal
from relay.wiring import refusing
from tests.harness import NOON, TOKEN, auth, raw

SIGNING, JSON = "5" * 32, {"Content-Type": "application/json"}
QUESTION = b'{"type": "url_verification", "challenge": "c"}'


@pytest.fixture
def client(client_with: Callable[..., FlaskClient], monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """One whose relay stores each refusal at once."""
    monkeypatch.setattr(refusing, "EVERY", 0.0)
    return client_with(slack_signing_secrets=(SIGNING,))


def counted(store: Store) -> dict[Refusal, int]:
    with store.read() as tx:
        return {one.why: one.count for one in refused(tx)}


def webhook(client: FlaskClient, token: str, **headers: str) -> int:
    return client.post("/kommunicate/webhook", data=raw(), headers={**JSON, **auth(token), **headers}).status_code


def event(client: FlaskClient, secret: str, at: float) -> int:
    headers = {**JSON, **signature_headers(QUESTION, secret, at)}
    return client.post("/slack/events", data=QUESTION, headers=headers).status_code


def test_another_token_is_counted_until_the_right_one_comes(client: FlaskClient, store: Store) -> None:
    assert [webhook(client, "another") for _ in range(3)] == [401] * 3
    assert counted(store) == {Refusal.TOKEN: 3}
    assert webhook(client, TOKEN) == 200
    assert counted(store) == {}


@pytest.mark.parametrize(
    ("secret", "ahead", "why"), [("6" * 32, 0.0, Refusal.SIGNATURE), (SIGNING, 3600.0, Refusal.TIME)]
)
def test_another_secret_or_time_is_counted_until_a_good_request_comes(
    client: FlaskClient, store: Store, secret: str, ahead: float, why: Refusal
) -> None:
    now = SystemClock().now()
    assert event(client, secret, now + ahead) == 401
    assert counted(store) == {why: 1}
    assert event(client, SIGNING, now) == 200
    assert counted(store) == {}


STRANGERS = {
    "nothing at all": {},
    "a login": {"Authorization": "Bearer x"},
    "half a signature": {"X-Slack-Signature": "v0=1", "X-Slack-Request-Timestamp": str(int(NOON))},
}


@pytest.mark.parametrize("name", STRANGERS)
def test_what_no_vendor_sends_is_not_counted(client: FlaskClient, store: Store, name: str) -> None:
    for path in ("/kommunicate/webhook", "/slack/events"):
        assert client.post(path, data=raw(), headers={**JSON, **STRANGERS[name]}).status_code == 401
    assert counted(store) == {}


def test_the_doctors_own_question_is_not_counted(client: FlaskClient, store: Store) -> None:
    assert webhook(client, "another", **{"User-Agent": USER_AGENT}) == 401
    assert counted(store) == {}


def test_what_the_doctor_tries_does_not_look_like_an_attack(client: FlaskClient) -> None:
    """With the right token it is no news; whoever has another one stays in the log, whatever he calls himself."""
    headers = {**JSON, "User-Agent": USER_AGENT}
    with capture_logs() as logs:
        for token in (TOKEN, "another"):
            client.post("/kommunicate/webhook", data=b"{", headers={**headers, **auth(token)})
        client.post("/kommunicate/webhook", data=b"{", headers={**JSON, **auth("another")})
    told = [(line["log_level"], line["status"], line.get("by")) for line in logs]
    assert told == [("debug", 400, "relay doctor"), ("info", 401, "relay doctor"), ("warning", 401, None)]


def test_whoever_calls_himself_the_doctor_keeps_no_other_out_of_the_log(client: FlaskClient) -> None:
    """From behind the same proxy."""
    with capture_logs() as logs:
        for agent in [USER_AGENT] * 50 + ["Java/1.8"]:
            webhook(client, "another", **{"User-Agent": agent})
    told = [line["log_level"] for line in logs if line["event"] == "request.rejected"]
    assert (told.count("info"), told.count("warning")) == (10, 1)


def test_a_flood_is_written_once_a_minute(client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusing, "EVERY", 60.0)
    assert {webhook(client, "another") for _ in range(20)} == {401}
    assert counted(store) == {Refusal.TOKEN: 1}
