"""Servers of example.com on this machine, over TLS."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from relay.net import asking
from relay.net import fetch as fetching
from tests.net.downloads import public
from tests.net.wire import Answer, Wire, certify


@pytest.fixture(scope="session")
def example_certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For every name right below example.com."""
    path = tmp_path_factory.mktemp("tls") / "example.pem"
    certify(path, "*.example.com")
    return path


@pytest.fixture
def wire_at(example_certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Wire]]:
    """Makes wires that go by a name below example.com; in these tests 127.0.0.1 is on the open internet."""
    monkeypatch.setenv("SSL_CERT_FILE", str(example_certificate))
    monkeypatch.setattr(fetching, "is_public", public("127.0.0.1"))
    asking._context.cache_clear()
    yield lambda answer, host="files.example.com": _named(example_certificate, answer, host)
    asking._context.cache_clear()


def _named(certificate: Path, answer: Answer, host: str) -> Wire:
    """A wire with the URL of `host`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    wire = Wire(answer, tls=context)
    wire.url = wire.url.replace("localhost", host)
    return wire


def entry(wire: Wire) -> str:
    """How the settings would list it."""
    return wire.url.removeprefix("https://")
