"""The app without a server on both databases, and one real server for what only sockets can show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from relay.settings import Settings
from relay.store.db.engine import Store
from relay.web import create_app
from relay.wiring import Relay
from tests import harness
from tests.processes import RelayProcess
from tests.web.wire import lone_environment


@pytest.fixture
def client(store: Store) -> FlaskClient:
    """The app on both databases."""
    return create_app(harness.relay_with(store)).test_client()


@pytest.fixture
def client_with(store: Store) -> Callable[..., FlaskClient]:
    """The app with other settings: `client_with(metrics_token=None)`."""

    def build(**changes: object) -> FlaskClient:
        settings: Settings = replace(harness.settings(), **changes)  # type: ignore[arg-type]
        return create_app(Relay(settings, store)).test_client()

    return build


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RelayProcess]:
    """A real `relay serve --no-worker` on a SQLite file."""
    folder: Path = tmp_path_factory.mktemp("web")
    with running(folder, f"sqlite:///{folder}/relay.db") as process:
        yield process


@pytest.fixture
def lone_relay(database_url: str, tmp_path: Path) -> Iterator[RelayProcess]:
    """The same on both databases, one for each test."""
    with running(tmp_path, database_url) as process:
        yield process


@contextmanager
def running(folder: Path, database_url: str) -> Iterator[RelayProcess]:
    """A ready relay that is certainly gone afterwards."""
    process = RelayProcess("serve", "--no-worker", cwd=folder, env=lone_environment(database_url))
    try:
        process.wait_ready()
        yield process
    finally:
        process.kill()
