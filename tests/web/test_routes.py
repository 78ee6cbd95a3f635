"""What exists, what does not, and what the small routes say."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from relay.store.db.engine import Store, open_store
from relay.web import create_app
from tests.harness import auth, raw, relay_with

HOOK = "/kommunicate/webhook"
ON_ONE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no row of these reaches the database
BEARER = {"Authorization": "Bearer metrics-token"}


@ON_ONE
@pytest.mark.parametrize(
    "path", ["/login", "/conversations", "/slack/events", "/nope", f"{HOOK}/", "/kommunicate//webhook", "/%ff"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_does_not_exist_is_404_as_json(client: FlaskClient, method: str, path: str) -> None:
    """A doubled slash too: a redirect would be followed by no sender of webhooks."""
    response = client.open(path, method=method)
    assert response.status_code == 404
    assert response.get_json()["error"] == "not_found"
    assert set(response.get_json()) == {"error", "message"}


@ON_ONE
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "TRACE", "BREW"])
@pytest.mark.parametrize("path", [HOOK, "/message/forward"])
def test_a_wrong_method_is_405_as_json_and_says_which_is_right(client: FlaskClient, method: str, path: str) -> None:
    response = client.open(path, method=method)
    assert response.status_code == 405
    assert response.get_json()["error"] == "method_not_allowed"
    assert response.headers["Allow"] == "OPTIONS, POST"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_the_small_routes_are_only_read(client: FlaskClient, path: str) -> None:
    assert client.post(path).status_code == 405
    assert client.head(path, headers=BEARER).status_code == 200
    assert client.head(path, headers=BEARER).data == b""
    assert set(client.options(path).allow) == {"GET", "HEAD", "OPTIONS"}


def test_head_and_options_of_the_webhook_store_nothing(client: FlaskClient) -> None:
    assert client.head(HOOK, headers=auth()).status_code == 405
    assert client.options(HOOK).status_code == 200
    assert client.options(HOOK).data == b""


def test_it_is_alive_and_ready(client: FlaskClient) -> None:
    assert client.get("/healthz").get_json() == {"status": "ok"}
    assert client.get("/readyz").get_json() == {"status": "ok", "schema": "current"}


SCHEMAS = {
    "DROP TABLE alembic_version": (503, "schema_older"),
    "UPDATE alembic_version SET version_num = '0000'": (503, "schema_older"),
    "UPDATE alembic_version SET version_num = '9999'": (200, None),
}


@pytest.mark.parametrize(("statement", "answer"), SCHEMAS.items(), ids=["missing", "older", "newer"])
def test_it_is_ready_unless_the_schema_is_older_than_the_code(
    client: FlaskClient, store: Store, statement: str, answer: tuple[int, str | None]
) -> None:
    with store.begin() as tx:
        tx.conn.execute(text(statement))
    response = client.get("/readyz")
    assert (response.status_code, response.get_json().get("error")) == answer


@pytest.mark.parametrize("url", ["sqlite:////nowhere/at/all.db", "postgresql://u:canary-7@127.0.0.1:1/d"])
@pytest.mark.parametrize("path", ["/readyz", "/metrics"])
def test_without_a_database_it_is_alive_and_not_ready(url: str, path: str) -> None:
    client = create_app(relay_with(open_store(url))).test_client()
    response = client.get(path, headers=BEARER)
    assert (response.status_code, response.get_json()["error"]) == (503, "unavailable")
    assert response.headers["Retry-After"] == "5"
    assert "Traceback" not in response.text
    assert "canary" not in response.text
    assert client.get("/healthz").status_code == 200


def test_metrics_tell_what_came_in(client: FlaskClient) -> None:
    for key in ("k1", "k1", "k2"):
        client.post(HOOK, data=raw(key), headers={"Content-Type": "application/json", **auth()})
    response = client.get("/metrics", headers=BEARER)
    assert response.content_type.startswith("text/plain")
    assert 'relay_received_total{outcome="accepted"} 2.0' in response.text
    assert 'relay_received_total{outcome="duplicate"} 1.0' in response.text


REFUSED = [
    *("", "Bearer", "Bearer ", "Bearer metrics-toke", "Bearer metrics-token2", "Bearer METRICS-TOKEN"),
    *("Basic metrics-token", "metrics-token", "Bearer \xff", "Bearer metrics-token, Bearer metrics-token"),
]


@ON_ONE
@pytest.mark.parametrize("value", REFUSED)
def test_metrics_want_their_token(client: FlaskClient, value: str) -> None:
    response = client.get("/metrics", headers={"Authorization": value})
    assert (response.status_code, response.get_json()["error"]) == (401, "unauthorized")


def test_metrics_take_a_token_outside_ascii(client_with: Callable[..., FlaskClient]) -> None:
    """On the wire it is UTF-8, which WSGI hands over as Latin-1."""
    header = {"HTTP_AUTHORIZATION": "Bearer schlüssel".encode().decode("latin-1")}
    client = client_with(metrics_token="schlüssel")
    assert client.get("/metrics", environ_overrides=header).status_code == 200


@pytest.mark.parametrize("token", [None, ""])
def test_without_a_token_there_are_no_metrics(client_with: Callable[..., FlaskClient], token: str | None) -> None:
    client = client_with(metrics_token=token)
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


def test_what_nobody_foresaw_is_500_without_a_word_of_it(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """S10: neither the answer nor the log repeats what the exception says."""
    app = create_app(relay_with(store))
    app.add_url_rule("/broken", view_func=lambda: {}["canary-8"])
    response = app.test_client().get("/broken")
    assert (response.status_code, response.get_json()["error"]) == (500, "internal")
    logged = "".join(capsys.readouterr())
    assert "KeyError" in logged
    assert "canary-8" not in response.text + logged
