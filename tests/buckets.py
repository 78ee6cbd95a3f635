"""A real server that speaks S3's language, as a process of its own, and buckets on it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from xml.etree import ElementTree as Xml

import requests

from relay.settings.places import Access, FilePlaces
from tests.harness import PATIENCE, free_port, wait_for

_NUMBERS = count(1)
_NAMES = "{http://s3.amazonaws.com/doc/2006-03-01/}"


class Bucket:
    """An empty bucket, and what is in it."""

    def __init__(self, address: str) -> None:
        self.address, self.name = address, f"files-{next(_NUMBERS)}"
        self.make()

    def make(self) -> None:
        """It is there."""
        assert requests.put(f"{self.address}/{self.name}", timeout=PATIENCE).ok

    def remove(self) -> None:
        """It is not there."""
        assert requests.delete(f"{self.address}/{self.name}", timeout=PATIENCE).ok

    @property
    def place(self) -> str:
        return f"s3://{self.name}/relay"

    @property
    def environment(self) -> dict[str, str]:
        """What a relay process is told of it."""
        access = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_ENDPOINT_URL_S3": self.address}
        return {"RELAY_FILES": self.place, **access}

    def places(self, most: int | None = None) -> FilePlaces:
        """The same as settings."""
        return FilePlaces(self.place, most, Access("key", "secret", endpoint=self.address))

    def names(self) -> list[str]:
        """What is in it."""
        listed = Xml.fromstring(requests.get(f"{self.address}/{self.name}", timeout=PATIENCE).content)
        return [key.text or "" for key in listed.iter(f"{_NAMES}Key")]


@contextmanager
def bucket_server() -> Iterator[str]:
    """Its address."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            assert wait_for(lambda: _answers(address))
            yield address
        finally:
            process.kill()


def _answers(address: str) -> bool:
    with suppress(requests.RequestException):
        return requests.get(address, timeout=1).ok
    return False


class Door:
    """Stands before such a server: answers with `answers` first, each a status, and then with what the server says."""

    def __init__(self, address: str) -> None:
        self.answers: list[int] = []
        door = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_any(self) -> None:
                sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if door.answers:
                    status, content, headers = door.answers.pop(0), b"", {}
                else:
                    kept = {name: value for name, value in self.headers.items() if name.lower() != "host"}
                    answer = requests.request(self.command, address + self.path, data=sent, headers=kept, timeout=9)
                    status, content, headers = answer.status_code, answer.content, dict(answer.headers)
                self.send_response(status)
                for name in headers.keys() - {"Content-Length", "Transfer-Encoding", "Connection", "Server", "Date"}:
                    self.send_header(name, headers[name])
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_any  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> Door:
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
