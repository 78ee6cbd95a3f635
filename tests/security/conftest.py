"""The app without a server, on both databases; servers over TLS under names of their own."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from relay.store.db.engine import Store
from relay.web import create_app
from tests.harness import relay_with
from tests.net.tls import example_certificate, wire_at

__all__ = ["client", "example_certificate", "wire_at"]


@pytest.fixture
def client(store: Store) -> FlaskClient:
    """The app on both databases."""
    return create_app(relay_with(store)).test_client()
