"""Promise S1 for the webhook's token, over HTTP: 200 or 401, nothing else."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from relay.store.db.engine import Store
from relay.web import create_app
from relay.wiring import Relay
from tests import harness
from tests.harness import TOKEN, raw


def encoded(token: str) -> str:
    return base64.b64encode(token.encode()).decode()


GOOD = encoded(TOKEN)
WORDS = {
    "as documented": (f"Basic {GOOD}", 200),
    "scheme in lower case": (f"basic {GOOD}", 200),
    "blanks around": (f"  Basic   {GOOD}  ", 200),
    "empty": ("", 401),
    "scheme alone": ("Basic", 401),
    "no scheme": (GOOD, 401),
    "another scheme": (f"Bearer {GOOD}", 401),
    "not encoded": (f"Basic {TOKEN}", 401),
    "too short": (f"Basic {GOOD[:-4]}", 401),
    "too long": (f"Basic {GOOD}A", 401),
    "padded": (f"Basic {GOOD}=", 401),
    "wrong case": (f"Basic {encoded(TOKEN.upper())}", 401),
    "wrong case once encoded": (f"Basic {GOOD.swapcase()}", 401),
    "blank inside": (f"Basic {GOOD[:4]} {GOOD[4:]}", 401),
    "given twice": (f"Basic {GOOD}, Basic {GOOD}", 401),
    "bytes": ("Basic \xff\xfe", 401),
    "NUL": (f"Basic {GOOD}\x00", 401),
    "very long": ("Basic " + "A" * 100_000, 401),
}


@pytest.fixture
def knock(store: Store) -> Callable[..., int]:
    """The status of one good webhook with these headers, as WSGI hands them over."""

    def status(tokens: tuple[str, ...] = (TOKEN,), **environ: str) -> int:
        client: FlaskClient = create_app(Relay(replace(harness.settings(), webhook_tokens=tokens), store)).test_client()
        return client.post(
            "/kommunicate/webhook", data=raw(), content_type="application/json", environ_overrides=environ
        ).status_code

    return status


@pytest.mark.parametrize("name", ["HTTP_AUTHENTICATION", "HTTP_AUTHORIZATION"])
@pytest.mark.parametrize(("value", "status"), WORDS.values(), ids=WORDS)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_it_opens_for_the_token_alone(knock: Callable[..., int], name: str, value: str, status: int) -> None:
    assert knock(**{name: value}) == status


def test_it_is_shut_without_a_header(knock: Callable[..., int]) -> None:
    assert knock() == 401


@pytest.mark.parametrize("tokens", [(), ("",), (" ",)])
def test_an_empty_token_opens_nothing(knock: Callable[..., int], tokens: tuple[str, ...]) -> None:
    found = [knock(tokens, HTTP_AUTHENTICATION=f"Basic {encoded(word)}") for word in ("", " ", TOKEN)]
    assert found == [401, 401, 401]


@pytest.mark.parametrize("token", ["schlüssel", "ключ", "a,b", "a b", "x" * 5000])
def test_any_text_can_be_a_token(knock: Callable[..., int], token: str) -> None:
    assert knock((token,), HTTP_AUTHENTICATION=f"Basic {encoded(token)}") == 200
    assert knock((token,), HTTP_AUTHENTICATION=f"Basic {encoded(token + ' ')}") == 401
