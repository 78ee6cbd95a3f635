"""Commands in a folder of their own, with an environment of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner, Result

from relay.cli import main
from tests.processes import RelayProcess

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run a command in an empty folder: `run("check", RELAY_CONFIG="x.yaml")`; the environment stays for the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATABASE_URL", raising=False)

    def command(*words: str, **env: str) -> Result:
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        result = CliRunner().invoke(main, words, prog_name="relay")
        assert isinstance(result.exception, SystemExit | None), result.exception
        return result

    yield command
    structlog.reset_defaults()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., RelayProcess]]:
    """Start relay processes that are certainly gone afterwards: `start("serve", env=...)`."""
    started: list[RelayProcess] = []

    def process(*words: str, env: dict[str, str]) -> RelayProcess:
        started.append(RelayProcess(*words, cwd=tmp_path, env=env, log=f"{len(started)}.log"))
        return started[-1]

    yield process
    for one in started:
        one.kill()
