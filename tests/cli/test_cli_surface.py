"""Every command explains itself, prints JSON where it prints rows, and ends with 0, 1 or 2."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from relay import __version__
from tests.cli.conftest import Run
from tests.commands import every_command
from tests.harness import ROOT

NO_SCRIPT_READS = {"demo", "serve", "worker", "init", "migrate", "replay"}


EVERY = list(every_command())


@pytest.mark.parametrize("path", [(), *(path for path, _ in EVERY)], ids=" ".join)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_every_command_has_help(run: Run, path: tuple[str, ...], flag: str) -> None:
    result = run(*path, flag)
    assert result.exit_code == 0
    assert result.output.startswith(f"Usage: relay {' '.join(path)}".rstrip())


def test_somebody_new_sees_first_what_comes_first(run: Run) -> None:
    """And what to begin with, at the end."""
    said = run("--help").output
    assert re.findall(r"(?m)^  ([a-z]+) {2,}", said)[:4] == ["demo", "init", "check", "doctor"]
    assert "New here?" in said.splitlines()[-3]
    assert "..." not in said.partition("Commands:")[2]  # no sentence is cut off
    assert "..." not in run("deliveries", "--help").output.partition("Commands:")[2]


@pytest.mark.parametrize(("path", "command"), EVERY, ids=[" ".join(path) for path, _ in EVERY])
def test_every_option_says_what_it_does(path: tuple[str, ...], command: click.Command) -> None:
    assert command.help
    assert all(option.help for option in command.params if isinstance(option, click.Option)), path


@pytest.mark.parametrize(("path", "command"), EVERY, ids=[" ".join(path) for path, _ in EVERY])
def test_every_command_that_prints_findings_or_rows_has_json(path: tuple[str, ...], command: click.Command) -> None:
    prints = path[-1] not in NO_SCRIPT_READS and not isinstance(command, click.Group)
    assert prints == any("--json" in option.opts for option in command.params)


MISUSES = ["nonsense", "serve --nonsense", "serve extra", "check extra", "deliveries nonsense", "deliveries show",
           "deliveries list --limit 0", "deliveries list --limit x", "demo --port 65536", "demo --port -1",
           "demo --sandbox-port x", "simulate --text", "migrate now"]  # fmt: skip


@pytest.mark.parametrize("words", MISUSES)
def test_a_misuse_is_exit_2_with_a_sentence(run: Run, words: str) -> None:
    result = run(*words.split())
    assert result.exit_code == 2
    assert "Error: " in result.stderr
    assert result.stdout == ""


UNSET = ["serve", "worker", "simulate", "check"]


@pytest.mark.parametrize("word", UNSET)
def test_missing_settings_are_exit_2_with_a_sentence(run: Run, word: str) -> None:
    result = run(word)
    assert result.exit_code == 2
    assert "error [" in result.output


NO_DATABASE = ["sqlite:////nowhere/at/all.db", "sqlite:///:memory:", "sqlite://", "postgres://127.0.0.1:1/d", "mysql://h/d",
               "postgres://h:port/d", "postgres://u:p@[::1/d", "nonsense", ""]  # fmt: skip


@pytest.mark.parametrize("words", ["migrate", "deliveries list", "deliveries show 1", "serve", "worker"])
@pytest.mark.parametrize("url", NO_DATABASE)
def test_an_unusable_database_is_exit_2_with_a_sentence(run: Run, words: str, url: str) -> None:
    good = {"KOMMUNICATE_WEBHOOK_TOKEN": "t0", "SLACK_BOT_TOKEN": "xoxb-1", "RELAY_CONFIG_YAML": "default_channel: C0X"}
    result = run(*words.split(), **good, DATABASE_URL=url)
    assert result.exit_code == 2
    assert "error" in result.stderr
    assert result.stdout == ""


def test_the_module_is_the_command(tmp_path: Path) -> None:
    """Hosts that install only requirements.txt have no `relay` in their path, and no package metadata."""
    command = [sys.executable, "-m", "relay", "--version"]
    done = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"relay, version {__version__}\n"


def test_a_group_without_a_command_explains_itself(run: Run) -> None:
    assert "Commands:" in run("deliveries").output
    assert "Commands:" in run().output


def test_dotenv_is_read_and_the_environment_wins(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("RELAY_CONFIG_YAML='default_channel: nonsense'\n")
    assert run("check").exit_code == 1
    assert run("check", RELAY_CONFIG_YAML="default_channel: C0X").exit_code == 0


def test_a_dotenv_that_cannot_be_read_is_exit_2(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=\xff\n")
    result = run("migrate")
    assert result.exit_code == 2
    assert json.dumps(result.stderr).count("env_file") == 1
