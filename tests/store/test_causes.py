"""A database that cannot be used says why: every cause by a real server or a real file, in a command's own words."""

from __future__ import annotations

import os
import socket
import sqlite3
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import event, make_url

from relay.cli import main
from relay.errors import StoreUnavailable
from relay.store.db import sqlite
from relay.store.db.engine import open_store
from relay.store.db.schema import migrate, prove_writable
from tests.harness import free_port
from tests.net.wire import certify
from tests.own_postgres import OwnPostgres, Proxy, own_postgres

PASSWORD = "pw-secret"
NOBODY = 65534


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnPostgres]:
    """A server that asks `guarded` for a password, and knows of `walled` only that it may not come in."""
    with own_postgres(tmp_path_factory.mktemp("guarded")) as server:
        server.execute(
            f"CREATE ROLE guarded LOGIN PASSWORD '{PASSWORD}'",
            "CREATE ROLE walled LOGIN",
            "CREATE ROLE crowded LOGIN CONNECTION LIMIT 0",
            "CREATE ROLE poor LOGIN",
            "CREATE DATABASE resting",
            "ALTER DATABASE resting ALLOW_CONNECTIONS false",
        )
        data = Path(server.ask("SHOW hba_file")[0][0])
        rules = "local all guarded scram-sha-256\nlocal all ghost scram-sha-256\nlocal all walled reject\n"
        data.write_text(rules + data.read_text())
        server.execute("SELECT pg_reload_conf()")
        yield server


@pytest.fixture(scope="module")
def port(guarded: OwnPostgres) -> Iterator[int]:
    """Where that server can be reached by TCP."""
    proxy = Proxy(guarded.socket)
    yield proxy.port
    proxy.close()


def run(url: str) -> Result:
    """What `relay migrate` says of a database."""
    result = CliRunner().invoke(main, ["migrate"], env={"DATABASE_URL": url}, prog_name="relay")
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


def cause(url: str) -> str:
    """The code it is refused with: one line, with what to do and without the password."""
    result = run(url)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert PASSWORD not in result.stderr
    assert result.stderr.startswith("DATABASE_URL: error [database_")
    assert len(result.stderr.split()) > 12
    return result.stderr.partition("[")[2].partition("]")[0]


REFUSED = {
    "the password is wrong": ("guarded:wrong@{server}/postgres", "database_login"),
    "there is no such user, and nobody says so": (f"ghost:{PASSWORD}@{{server}}/postgres", "database_login"),
    "there is no password": ("guarded@{server}/postgres", "database_no_password"),
    "there is no such user": (f"nobody:{PASSWORD}@{{server}}/postgres", "database_user"),
    "there is no such database": (f"postgres:{PASSWORD}@{{server}}/nothing", "database_name"),
    "the host is unknown": (f"u:{PASSWORD}@no.such.host.invalid/d", "database_host"),
    "nothing listens there": (f"u:{PASSWORD}@127.0.0.1:{{nobody}}/d", "database_refused"),
    "there is no socket": ("/d?host=/no/such/folder", "database_refused"),
    "it does not answer": (f"u:{PASSWORD}@127.0.0.1:{{silent}}/d", "database_silent"),
    "TLS is wanted of it": ("postgres@{server}/postgres?sslmode=require", "database_tls_missing"),
    "it wants TLS": ("walled@{server}/postgres", "database_tls_wanted"),
    "its certificate is not trusted": (
        "u@127.0.0.1:{secured}/d?sslmode=verify-full&sslrootcert=system", "database_certificate",
    ),
    "an option is misspelt": ("postgres@{server}/postgres?sslmode=perhaps", "database_address"),
    "an option does not exist": ("postgres@{server}/postgres?ssl=true", "database_address"),
    "the password has an @": (f"u:p@{PASSWORD}@127.0.0.1:1/d", "database_address"),
    "the database takes nobody in": ("postgres@{server}/resting", "database_not_allowed"),
    "there is no connection left": ("crowded@{server}/postgres", "database_connections"),
    "the user may not make tables": ("poor@{server}/postgres", "database_permission"),
}  # fmt: skip


@pytest.fixture(scope="module")
def silent() -> Iterator[int]:
    """A port where somebody listens and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A port where TLS is offered, with a certificate that nobody has signed."""
    path = tmp_path_factory.mktemp("tls") / "own.pem"
    certify(path, "db.example.com")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)

    def serve(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                with client, suppress(OSError):
                    client.recv(8)  # PostgreSQL's question for TLS
                    client.sendall(b"S")
                    context.wrap_socket(client, server_side=True).close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        yield int(listener.getsockname()[1])


@pytest.mark.parametrize("name", REFUSED)
def test_a_connection_that_is_refused_says_why(port: int, silent: int, secured: int, name: str) -> None:
    address, code = REFUSED[name]
    filled = address.format(server=f"127.0.0.1:{port}", nobody=free_port(), silent=silent, secured=secured)
    assert cause(f"postgresql://{filled}") == code


def test_a_standby_takes_no_writes(guarded: OwnPostgres) -> None:
    """It answers all the same, so only a write shows it."""
    with closing(open_store(guarded.url)) as store:
        migrate(store)
    with guarded.standby(), closing(open_store(guarded.url)) as store, pytest.raises(StoreUnavailable) as caught:
        prove_writable(store)
    assert caught.value.code == "database_read_only"


@contextmanager
def nobody() -> Iterator[Path]:
    """A folder that all may look into, and the rights of somebody who owns nothing."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        os.seteuid(os.getuid())


def as_nobody() -> None:
    if os.getuid():
        pytest.skip("only root can become somebody else")
    os.seteuid(NOBODY)


def read_only(folder: Path) -> Path:
    with closing(open_store(f"sqlite:///{folder}/relay.db")) as store:
        migrate(store)
    for file in folder.iterdir():
        file.chmod(0o444)
    as_nobody()
    return folder / "relay.db"


def closed(folder: Path) -> Path:
    (folder / "inner").mkdir(mode=0o700)
    as_nobody()
    return folder / "inner" / "relay.db"


def another_file(folder: Path) -> Path:
    (folder / "relay.db").write_text("default_channel: C0X\n" * 100)
    return folder / "relay.db"


def damaged(folder: Path) -> Path:
    path = folder / "relay.db"
    with closing(open_store(f"sqlite:///{path}")) as store:
        migrate(store)
    for beside in ("-wal", "-shm"):
        Path(f"{path}{beside}").unlink(missing_ok=True)
    content = bytearray(path.read_bytes())
    content[100:4096] = b"\xff" * 3996  # the first page says where all others are
    path.write_bytes(content)
    return path


FILES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "the folder is missing": (lambda folder: folder / "no" / "such" / "relay.db", "database_folder"),
    "it is a folder": (lambda folder: folder, "database_file"),
    "it is another file": (another_file, "database_file"),
    "it is damaged": (damaged, "database_damaged"),
    "it may only be read": (read_only, "database_permission"),
    "its folder is closed": (closed, "database_permission"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_used_says_why(name: str) -> None:
    make, code = FILES[name]
    with nobody() as folder:
        assert cause(f"sqlite:///{make(folder)}") == code


def test_a_file_without_the_right_to_write_is_read_only() -> None:
    """The relay may look and not write: what a process that runs meets once somebody has changed the file."""
    with nobody() as folder, closing(open_store(f"sqlite:///{read_only(folder)}")) as store:
        with pytest.raises(StoreUnavailable) as caught:
            prove_writable(store)
        assert caught.value.code in ("database_read_only", "database_permission")


def test_a_file_that_somebody_holds_says_so(sqlite_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY", 0.1)
    with closing(sqlite3.connect(str(make_url(sqlite_database_url).database), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert cause(sqlite_database_url) == "database_locked"


def test_a_disk_that_is_full_says_so(sqlite_database_url: str) -> None:
    with closing(open_store(sqlite_database_url)) as store:
        event.listen(store.engine, "checkout", lambda conn, *_: conn.execute("PRAGMA max_page_count=1"))
        with pytest.raises(StoreUnavailable) as caught, store.begin() as tx:
            tx.conn.exec_driver_sql("CREATE TABLE more AS SELECT zeroblob(1000000) AS content")
    assert caught.value.code == "database_full"
    assert caught.value.hint


def test_the_file_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    """It holds what customers wrote, and so does what SQLite writes beside it."""
    with closing(open_store(f"sqlite:///{tmp_path}/relay.db")) as store:
        migrate(store)
        modes = {
            file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir() if not file.name.endswith("lock")
        }
    assert modes == dict.fromkeys(("relay.db", "relay.db-wal", "relay.db-shm"), 0o600)
