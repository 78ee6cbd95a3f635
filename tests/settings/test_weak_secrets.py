"""S20: secrets of our own choosing that can be guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from relay.settings import NEEDS, check_settings

LONG = "0123456789abcdef"  # as short as may be
GOOD = {
    "KOMMUNICATE_WEBHOOK_TOKEN": LONG,
    "RELAY_ADMIN_PASSWORD": LONG,
    "RELAY_METRICS_TOKEN": LONG,
    "SLACK_BOT_TOKEN": "xoxb-1",
    "RELAY_CONFIG_YAML": "default_channel: C0X",
}
OURS = ("KOMMUNICATE_WEBHOOK_TOKEN", "RELAY_ADMIN_PASSWORD", "RELAY_METRICS_TOKEN")


def found(cwd: Path, command: str = "serve", **changes: str) -> list[tuple[str, str, str]]:
    _, findings = check_settings(GOOD | changes, need=NEEDS[command], cwd=cwd)
    return [(finding.level, finding.code, finding.where) for finding in findings]


@pytest.mark.parametrize("name", OURS)
def test_a_short_secret_is_refused_where_production_is_said(tmp_path: Path, name: str) -> None:
    assert found(tmp_path, RELAY_ENV="production", **{name: LONG[1:]}) == [("error", "secret_short", name)]


@pytest.mark.parametrize("stage", ["", "test", "staging"])
def test_elsewhere_it_is_not(tmp_path: Path, stage: str) -> None:
    """A relay that ran until now goes on after an upgrade."""
    assert found(tmp_path, RELAY_ENV=stage, KOMMUNICATE_WEBHOOK_TOKEN="short") == []


def test_each_of_several_tokens_must_be_long(tmp_path: Path) -> None:
    several = {"RELAY_ENV": "production", "KOMMUNICATE_WEBHOOK_TOKEN": f"{LONG},short"}
    assert found(tmp_path, **several) == [("error", "secret_short", "KOMMUNICATE_WEBHOOK_TOKEN")]


def test_long_ones_are_fine_and_so_are_those_of_vendors(tmp_path: Path) -> None:
    assert found(tmp_path, RELAY_ENV="production") == []
    assert found(tmp_path, RELAY_ENV="production", KOMMUNICATE_API_KEY="k", SLACK_SIGNING_SECRET="s") == []


def test_whoever_only_sends_a_sample_is_not_told(tmp_path: Path) -> None:
    assert found(tmp_path, "simulate", RELAY_ENV="production", KOMMUNICATE_WEBHOOK_TOKEN="short") == []
