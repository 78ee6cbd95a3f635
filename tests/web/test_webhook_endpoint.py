"""The order of the endpoint's checks, the exact shape of its answers, and what it keeps."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from relay.store.db.engine import Store
from relay.store.operations.reports import Which, list_deliveries, show_rejected
from tests.harness import TOKEN, auth, body, raw
from tests.store.shelf import LIMITS
from tests.web.wire import sized

JSON = "application/json"
LIMIT = 262_144
ON_ONE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # what these test comes before the database
BOT_WEBHOOK = {"botId": "b", "key": "k", "from": "u", "groupId": 1, "message": "hi", "createdAt": 1}


def post(client: FlaskClient, content: bytes, path: str = "/kommunicate/webhook", **options: Any) -> Any:
    headers = {"Content-Type": JSON, **auth(), **options.pop("headers", {})}
    return client.post(path, data=content, headers=headers, **options)


@pytest.mark.parametrize("path", ["/kommunicate/webhook", "/message/forward"])
def test_it_accepts_then_says_duplicate(client: FlaskClient, path: str) -> None:
    """Both paths lead to the same, with the same memory."""
    first, again = post(client, raw("k1"), path), post(client, raw("k1"))
    assert (first.status_code, first.get_json()) == (200, {"status": "accepted"})
    assert (again.status_code, again.get_json()) == (200, {"status": "duplicate"})
    assert first.content_type == JSON


def test_it_says_why_it_ignores_and_a_repetition_of_that_is_a_duplicate(client: FlaskClient) -> None:
    hidden = raw("k1", metadata={"category": "HIDDEN"})
    first, again = post(client, hidden).get_json(), post(client, hidden).get_json()
    assert first["status"] == "ignored"
    assert set(first) == {"status", "reason"}
    assert first["reason"]
    assert again == {"status": "duplicate"}


BAD_TOKEN = {"Authentication": "Basic wrong"}
GZIP = {"Content-Encoding": "gzip"}
TEXT = {"Content-Type": "text/plain"}
BIG = b"{" * (LIMIT + 1)

# Everything that is wrong from here on is wrong in the rows above too, so each row proves who comes first.
ORDER = [
    ("token before size", BIG, {**BAD_TOKEN, **GZIP, **TEXT}, 401, "unauthorized"),
    ("size before type", BIG, {**GZIP, **TEXT}, 413, "too_large"),
    ("encoding before JSON", b"{", GZIP, 415, "unsupported_media_type"),
    ("type before JSON", b"{", TEXT, 415, "unsupported_media_type"),
    ("JSON before fields", b'{"key": 5,', {}, 400, "bad_json"),
    ("fields last", b'{"key": 5}', {}, 422, "invalid_body"),
]


@ON_ONE
@pytest.mark.parametrize(
    ("content", "headers", "status", "code"), [row[1:] for row in ORDER], ids=[r[0] for r in ORDER]
)
def test_it_checks_in_the_order_of_the_contract(
    client: FlaskClient, content: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    response = post(client, content, headers=headers)
    assert (response.status_code, response.get_json()["error"]) == (status, code)
    assert set(response.get_json()) <= {"error", "message", "details"}
    assert response.get_json()["message"].endswith(".")
    assert response.content_type == JSON


@pytest.mark.parametrize(("size", "status"), [(LIMIT, 200), (LIMIT + 1, 413)])
def test_it_takes_the_limit_and_not_one_byte_more(client: FlaskClient, size: int, status: int) -> None:
    assert post(client, sized(size)).status_code == status


def test_it_does_not_believe_a_body_that_declares_no_length(client: FlaskClient) -> None:
    """What a chunked request looks like behind the server: no length, and an end."""
    unknown = {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    assert post(client, sized(LIMIT, "a"), environ_overrides=unknown).status_code == 200
    assert post(client, sized(LIMIT + 1, "b"), environ_overrides=unknown).status_code == 413


TYPES = {
    JSON: 200,
    "application/json; charset=utf-8": 200,
    "APPLICATION/JSON;charset=UTF-8": 200,
    "application/json, application/json": 415,
    "application/problem+json": 415,
    "application/x-www-form-urlencoded": 415,
    "multipart/form-data; boundary=x": 415,
    "text/json": 415,
    "": 415,
}


@ON_ONE
@pytest.mark.parametrize(("content_type", "status"), TYPES.items())
def test_it_takes_json_by_its_declared_type_alone(client: FlaskClient, content_type: str, status: int) -> None:
    assert post(client, raw(), headers={"Content-Type": content_type}).status_code == status


ENCODINGS = {
    "identity": 200,
    "IDENTITY": 200,
    "gzip": 415,
    "x-gzip": 415,
    "br": 415,
    "deflate": 415,
    "gzip, identity": 415,
}


@ON_ONE
@pytest.mark.parametrize(("encoding", "status"), ENCODINGS.items())
def test_it_takes_no_encoded_body(client: FlaskClient, encoding: str, status: int) -> None:
    """S6: a compressed body is never unpacked, whether it is a bomb or not."""
    content = raw() if status == 200 else gzip.compress(b"[" * 10_000_000)
    assert post(client, content, headers={"Content-Encoding": encoding}).status_code == status


@ON_ONE
@pytest.mark.parametrize("field", ["key", "from", "timeStamp", "groupId"])
def test_it_names_each_missing_field(client: FlaskClient, field: str) -> None:
    response = post(client, json.dumps({name: value for name, value in body().items() if name != field}).encode())
    answer = response.get_json()
    assert (response.status_code, answer["error"]) == (422, "invalid_body")
    assert [detail["field"] for detail in answer["details"]] == [field]
    assert all(set(detail) == {"field", "message"} for detail in answer["details"])


@ON_ONE
@pytest.mark.parametrize("content", [b"[]", b'"text"', b"5", b"null", b"true"])
def test_a_body_that_is_no_object_is_422(client: FlaskClient, content: bytes) -> None:
    response = post(client, content)
    assert (response.status_code, response.get_json()["error"]) == (422, "invalid_body")


def test_it_tells_the_bots_webhook_apart_and_keeps_it(client: FlaskClient, store: Store) -> None:
    response = post(client, json.dumps(BOT_WEBHOOK).encode())
    assert (response.status_code, response.get_json()["error"]) == (422, "wrong_webhook")
    with store.read() as tx:
        (row,) = list_deliveries(tx, Which.REJECTED, LIMITS)
        kept = show_rejected(tx, int(row["id"][1:]))
    assert kept is not None
    assert json.loads(kept["body"]) == BOT_WEBHOOK


def test_a_rejected_body_holds_no_key(client: FlaskClient) -> None:
    """Twice the same rejected body is two rejections, and its key is still free."""
    wrong = raw("k1", timeStamp="never")
    assert [post(client, wrong).status_code for _ in range(2)] == [422, 422]
    assert post(client, raw("k1")).get_json() == {"status": "accepted"}


@pytest.mark.parametrize("content", [b"", b"{", b"\xff"])
def test_what_is_not_even_json_is_not_kept(client: FlaskClient, store: Store, content: bytes) -> None:
    assert post(client, content).status_code == 400
    with store.read() as tx:
        assert list_deliveries(tx, Which.REJECTED, LIMITS) == []


def test_nothing_is_kept_of_a_caller_without_the_token(client: FlaskClient, store: Store) -> None:
    assert post(client, b'{"key": 5}', headers=BAD_TOKEN).status_code == 401
    with store.read() as tx:
        assert list_deliveries(tx, Which.REJECTED, LIMITS) == []


def test_it_tells_delivery_that_there_is_news_only_when_something_was_stored(store: Store) -> None:
    from relay.web import create_app
    from tests.harness import relay_with

    relay, news = relay_with(store), []
    relay.on_accept = lambda: news.append(1)
    client = create_app(relay).test_client()
    post(client, b"{")
    assert news == []
    post(client, raw())
    assert news == [1]


def test_two_tokens_are_good_while_rotating(client_with: Callable[..., FlaskClient]) -> None:
    client = client_with(webhook_tokens=("old", "new"))
    found = [post(client, raw(name), headers=auth(name)).status_code for name in ("old", "new", TOKEN, "")]
    assert found == [200, 200, 401, 401]
