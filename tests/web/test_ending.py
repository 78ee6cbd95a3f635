"""The server's end: what has been read is answered, everybody else is told at once, and who is late does no harm."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from flask import Flask

from relay.web import server
from relay.web.server import THREADS, open_server
from tests.harness import PATIENCE, wait_for

pytestmark = pytest.mark.filterwarnings("ignore:send_bytes")
ASK = b"GET /%s HTTP/1.1\r\nHost: a\r\n\r\n"


class Ending:
    """A server that can be told to end; `/wait` answers once it may."""

    def __init__(self) -> None:
        app = Flask("waits")
        self.may_answer = threading.Event()
        app.add_url_rule("/now", "now", lambda: "done")
        app.add_url_rule("/wait", "wait", lambda: "done" if self.may_answer.wait(PATIENCE) else "")
        self._until, self._teller = socket.socketpair()
        self.server = open_server(app, "127.0.0.1", 0, self._until)
        self.port = int(self.server.effective_port)
        self._thread = threading.Thread(target=self.server.run, daemon=True)
        self._thread.start()

    def ask(self, path: bytes) -> socket.socket:
        """A client that has asked for this."""
        client = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
        client.sendall(ASK % path)
        return client

    def end(self) -> None:
        """Tell it, and wait until it reads nothing more."""
        self._teller.send(b"x")
        assert wait_for(self._is_closed)

    def join(self) -> None:
        """Until its loop and what follows are over."""
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    def close(self) -> None:
        """All that it has opened, whatever has happened."""
        self.may_answer.set()
        self._teller.send(b"x")
        self.join()
        self.server.close()
        for one in (self._until, self._teller, *list(self.server._map.values())):
            one.close()

    def _is_closed(self) -> bool:
        with socket.socket() as late:
            return late.connect_ex(("127.0.0.1", self.port)) != 0


@pytest.fixture
def ending() -> Iterator[Ending]:
    one = Ending()
    yield one
    one.close()


@pytest.fixture
def client(ending: Ending) -> Iterator[Callable[[bytes], socket.socket]]:
    with ExitStack() as stack:
        yield lambda path: stack.enter_context(closing(ending.ask(path)))


def test_requests_that_wait_for_a_thread_are_answered(ending: Ending, client: Callable[[bytes], socket.socket]) -> None:
    clients = [client(b"wait") for _ in range(3 * THREADS)]
    assert wait_for(lambda: len(ending.server.task_dispatcher.queue) == 2 * THREADS)
    ending.end()
    ending.may_answer.set()
    assert [_all_of(one)[-4:] for one in clients] == [b"done"] * len(clients)


def test_whoever_kept_a_connection_is_told_that_nobody_answers_there(
    ending: Ending, client: Callable[[bytes], socket.socket]
) -> None:
    """A proxy would send the next webhook there, and wait for as long as the last posts take."""
    kept = client(b"now")
    assert kept.recv(65_536).endswith(b"done")
    ending.end()
    ending.join()
    assert kept.recv(1) == b""


def test_a_thread_that_outlives_the_server_writes_to_nobodys_file(
    ending: Ending,
    client: Callable[[bytes], socket.socket],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Files that are opened from then on get the numbers of those the server has closed, be it the database's."""
    monkeypatch.setattr(server, "FINISH_WITHIN", 0.1)
    late = client(b"wait")
    threads = ending.server.task_dispatcher
    assert wait_for(lambda: threads.active_count == 1)
    ending.end()
    ending.join()
    ending.server.close()
    files = [os.open(tmp_path / str(number), os.O_CREAT | os.O_WRONLY) for number in range(8)]
    ending.may_answer.set()
    assert wait_for(lambda: not threads.threads)
    for one in files:
        os.close(one)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b""] * 8
    assert late.recv(1) == b""


def _all_of(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(65_536), b""))
