"""The app without a server, on both databases."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from relay.store.db.engine import Store
from relay.web import create_app
from tests.harness import relay_with


@pytest.fixture
def client(store: Store) -> FlaskClient:
    """The app on both databases."""
    return create_app(relay_with(store)).test_client()
