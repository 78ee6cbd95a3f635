"""A real server that speaks S3's language, as a process of its own, and buckets on it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
