"""`relay check`: every problem of the configuration at once, offline."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

GOOD = "default_channel: C0X\n"
BAD = "default_channel: general\nretention: soon\n"
WARNED = "channels:\n  0123: C0X\n"


def test_a_good_file_is_fine(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(GOOD)
    result = run("check")
    assert (result.exit_code, result.output) == (0, "The configuration is fine.\n")
    assert json.loads(run("check", "--json").output) == []


def test_it_names_every_problem_with_its_place(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(BAD)
    result = run("check")
    lines = result.output.splitlines()
    assert result.exit_code == 1
    assert lines[0].startswith("config.yaml:1:18: error [bad_channel] ")
    assert lines[1].startswith("config.yaml:2:12: error [bad_duration] ")
    assert lines[2:] == ["2 problems found."]


def test_json_has_the_same_findings(run: Run) -> None:
    result = run("check", "--json", RELAY_CONFIG_YAML=BAD)
    found = json.loads(result.output)
    assert result.exit_code == 1
    assert [one["where"] for one in found] == ["RELAY_CONFIG_YAML:1:18", "RELAY_CONFIG_YAML:2:12"]
    assert all(set(one) == {"code", "level", "message", "hint", "where"} for one in found)
    assert all(one["hint"] for one in found)


def test_a_warning_is_told_and_no_failure(run: Run) -> None:
    result = run("check", RELAY_CONFIG_YAML=WARNED)
    assert result.exit_code == 0
    assert "warning [yaml_trap]" in result.output


COULD_NOT_RUN = [
    ({}, "config_missing"),
    ({"RELAY_CONFIG": "other.yaml"}, "config_missing"),
    ({"RELAY_CONFIG": "."}, "config_unreadable"),
    ({"RELAY_CONFIG": ""}, "empty"),
    ({"RELAY_CONFIG": "a.yaml", "RELAY_CONFIG_YAML": GOOD}, "both_set"),
    ({"RELAY_CONFIG_YAML": GOOD, "RELAY_FAILPOINT": "accept"}, "failpoint"),
]


@pytest.mark.parametrize(("env", "code"), COULD_NOT_RUN, ids=[code for _, code in COULD_NOT_RUN])
def test_what_cannot_be_checked_is_exit_2(run: Run, env: dict[str, str], code: str) -> None:
    result = run("check", "--json", **env)
    assert result.exit_code == 2
    assert [one["code"] for one in json.loads(result.output)] == [code]


def test_it_needs_nothing_but_the_file(run: Run, tmp_path: Path) -> None:
    """No tokens, no database, no network; and it leaves nothing behind."""
    (tmp_path / "config.yaml").write_text(GOOD)
    assert run("check", DATABASE_URL="nonsense", PORT="nonsense").exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]
