"""A desk where details are hidden, and a record of every word that Slack was sent."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_plus

import pytest

from relay.sandbox import SandboxServer
from tests.privacy.corpus import ALL
from tests.replies.conftest import make_desk
from tests.replies.desk import Desk

__all__ = ["make_desk"]


class Wire:
    """All that came in at the sandbox's Slack: paths and bodies, as they read once they are decoded."""

    def __init__(self, server: SandboxServer) -> None:
        self.heard: list[str] = []
        assert server._server is not None
        self._app, server._server.app = server._server.app, self

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        if environ["PATH_INFO"].startswith("/slack"):
            said = body.decode("utf-8", "replace")
            self.heard += [environ["PATH_INFO"], environ.get("QUERY_STRING", ""), said, unquote_plus(said)]
            if "\\u" in said:
                self.heard.append(said.encode().decode("unicode_escape", "replace"))
        return self._app(environ, start_response)

    def __str__(self) -> str:
        return "\n".join(self.heard)


@pytest.fixture
def wire(server: SandboxServer) -> Wire:
    return Wire(server)


@pytest.fixture
def desk(make_desk: Callable[..., Desk], wire: Wire) -> Desk:
    """A desk where everything that the relay knows is hidden."""
    return make_desk(redact=ALL)
