"""A desk with two customers' chats, and the purge of one of them by the real command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from relay.cli import main
from relay.delivery import deleting
from relay.sandbox import SandboxServer
from tests.replies.conftest import make_desk
from tests.replies.desk import Desk

__all__ = ["make_desk"]

Purge = Callable[..., Result]


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    """Both chats are in one channel."""
    return make_desk(channels={"123456": "C0SUPPORT", "777": "C0SUPPORT"})


@pytest.fixture
def purge(server: SandboxServer, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Purge:
    """Run `relay purge` with these words; Slack's limits are of no concern here."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(deleting, "PACE", 0.0)
    for name, value in {
        "DATABASE_URL": database_url, "SLACK_BOT_TOKEN": "xoxb-sandbox", "SLACK_API_URL": server.slack_api_url
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)

    def run(*words: str, **more: Any) -> Result:
        result = CliRunner().invoke(main, ["purge", *words], prog_name="relay", **more)
        assert isinstance(result.exception, SystemExit | None), result.exception
        return result

    return run


def report(result: Result) -> dict[str, Any]:
    """What it said it did."""
    said: dict[str, Any] = json.loads(result.stdout)
    return said
