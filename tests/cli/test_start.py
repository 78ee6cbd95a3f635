"""A command imports what it needs and no more: importing is nearly all of what a start takes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from relay.cli import main
from relay.cli.later import Later
from tests.cli.conftest import Run
from tests.commands import every_command
from tests.harness import ROOT, wait_for
from tests.processes import RelayProcess, spawned
from tests.web.wire import lone_environment

TELLS = {"PYTHONPROFILEIMPORTTIME": "1"}  # Python writes down each module that it imports
DATABASES = {"sqlalchemy", "alembic", "psycopg", "sqlite3"}
WEB = {"flask", "werkzeug", "jinja2", "waitress", "prometheus_client"}
CALLS = {"requests", "urllib3", "certifi", "slack_sdk", "ssl"}
WORDS = {"structlog", "rich", "pygments"}
SETTINGS = {"pydantic", "yaml", "dotenv"}
EVERYTHING = {*DATABASES, *WEB, *CALLS, *WORDS, *SETTINGS, "asyncio"}


def packages(said: str) -> set[str]:
    """What was imported, by the first name of each."""
    return set(re.findall(r"(?m)^import time: +\d+ \| +\d+ \| +(\w+)", said))


def imports(*command: str, cwd: Path, **env: str) -> set[str]:
    """What a command that ends by itself imports."""
    run = [sys.executable, "-m", "relay", *command]
    env = {"PYTHONPATH": str(ROOT), **TELLS, **env}
    done = subprocess.run(run, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    found = packages(done.stderr)
    assert {"relay", "click"} <= found
    return found


@pytest.mark.parametrize("words", ["--help", "--version", "", "nonsense"])
def test_help_imports_nothing_but_the_command_line(tmp_path: Path, words: str) -> None:
    assert imports(*words.split(), cwd=tmp_path) & EVERYTHING == set()


def test_a_check_imports_the_settings_alone(tmp_path: Path) -> None:
    found = imports("check", cwd=tmp_path, RELAY_CONFIG_YAML="default_channel: C0GENERAL")
    assert found & EVERYTHING == SETTINGS


@pytest.mark.parametrize(("word", "strangers"), [("serve", set()), ("worker", WEB)])
def test_a_relay_on_sqlite_imports_no_more_than_it_uses(
    tmp_path: Path, sqlite_database_url: str, word: str, strangers: set[str]
) -> None:
    """Nor psycopg, nor Alembic where there is nothing to upgrade, nor what the sandbox alone is made of."""
    env = lone_environment(sqlite_database_url, **TELLS)
    relay = RelayProcess(word, cwd=tmp_path, env=env, start=spawned)
    try:
        assert wait_for(lambda: ".started" in (tmp_path / "relay.log").read_text())
    finally:
        relay.kill()
    found = packages((tmp_path / "relay.log").read_text())
    assert {"sqlalchemy", "structlog"} <= found
    assert found & ({"psycopg", "alembic", "requests", "slack_sdk"} | strangers) == set()


@pytest.mark.parametrize("name", main.commands)
def test_the_table_of_commands_says_what_they_say(name: str) -> None:
    """Both by their first sentence, which is what `relay --help` shows of it."""
    listed, command = main.commands[name], dict(every_command())[(name,)]
    assert isinstance(listed, Later)
    assert (listed.name, listed.hidden, listed.deprecated) == (command.name, command.hidden, command.deprecated)
    for limit in (20, 45, 80, 200):
        assert listed.get_short_help_str(limit) == command.get_short_help_str(limit)


def test_what_is_misspelt_is_still_told(run: Run) -> None:
    assert "Did you mean 'serve'?" in run("serv").stderr


def test_a_shell_completes_commands_and_their_options(tmp_path: Path) -> None:
    def completed(words: str, number: int) -> str:
        env = {"_RELAY_COMPLETE": "zsh_complete", "COMP_WORDS": words, "COMP_CWORD": str(number)}
        run = [sys.executable, "-c", "from relay.cli import main; main(prog_name='relay')"]
        env |= {"PYTHONPATH": str(ROOT)}
        return subprocess.run(run, cwd=tmp_path, env=env, capture_output=True, text=True, check=True).stdout

    assert "deliveries" in completed("relay de", 1)
    assert "--no-worker" in completed("relay serve --", 2)
