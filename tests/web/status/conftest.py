"""The page without a server: signed in or not, on both databases."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from relay.settings import Config, Settings
from relay.store.db.engine import Store
from relay.web import create_app
from relay.wiring import Relay
from tests import harness
from tests.harness import FakeClock

PASSWORD = "correct horse, bättery"
OPEN = ("/", "/conversations", "/dead-letters", "/channels", "/try", "/settings")


def token_in(response: TestResponse) -> str:
    """What the forms of a page send along."""
    found = re.search(r'name="token" value="([^"]+)"', response.text)
    assert found, response.text[:300]
    return found[1]


def sign_in(client: FlaskClient, password: str = PASSWORD, **more: Any) -> TestResponse:
    """Fill in the form as it is shown."""
    form = {"token": token_in(client.get("/login")), "password": password}
    return client.post("/login", data=form, **more)


@pytest.fixture
def page_with(store: Store, clock: FakeClock) -> Callable[..., FlaskClient]:
    """The page by other settings: `page_with(admin_password=None)`, or `page_with(config={...})`."""

    def build(*, config: dict[str, Any] | None = None, **changes: Any) -> FlaskClient:
        settings: Settings = replace(harness.settings(), **{"admin_password": PASSWORD, **changes})
        if config is not None:
            settings = replace(settings, config=Config.model_validate(config))
        return create_app(Relay(settings, store, clock)).test_client()

    return build


@pytest.fixture
def page(page_with: Callable[..., FlaskClient]) -> FlaskClient:
    """A browser that has signed in."""
    client = page_with()
    assert sign_in(client).status_code == 303
    return client
