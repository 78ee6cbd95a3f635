"""S20: secrets of our own choosing that can be guessed, and files of secrets that others can read."""

from __future__ import annotations

from pathlib import Path

import pytest

from relay.settings import NEEDS, check_settings
from relay.settings.variables import Need

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
@pytest.mark.parametrize(("stage", "level"), [("production", "error"), ("", "warning"), ("staging", "warning")])
def test_a_short_secret_is_an_error_where_production_is_said(tmp_path: Path, name: str, stage: str, level: str) -> None:
    """Elsewhere it is a warning: a relay that ran until now goes on after an upgrade."""
    assert found(tmp_path, RELAY_ENV=stage, **{name: LONG[1:]}) == [(level, "secret_short", name)]


def test_each_of_several_tokens_must_be_long(tmp_path: Path) -> None:
    both = {"KOMMUNICATE_WEBHOOK_TOKEN": f"{LONG},short"}
    assert found(tmp_path, **both) == [("warning", "secret_short", "KOMMUNICATE_WEBHOOK_TOKEN")]


def test_long_ones_are_fine_and_so_are_those_of_tests_and_of_vendors(tmp_path: Path) -> None:
    assert found(tmp_path, RELAY_ENV="production") == []
    assert found(tmp_path, RELAY_ENV="test", KOMMUNICATE_WEBHOOK_TOKEN="short") == []
    assert found(tmp_path, RELAY_ENV="production", KOMMUNICATE_API_KEY="k", SLACK_SIGNING_SECRET="s") == []


def test_whoever_only_sends_a_sample_is_not_told(tmp_path: Path) -> None:
    assert NEEDS["simulate"] == {Need.TOKEN}
    assert found(tmp_path, "simulate", KOMMUNICATE_WEBHOOK_TOKEN="short") == []


@pytest.mark.parametrize(("mode", "folder", "told"), [
    (0o644, 0o755, True), (0o604, 0o755, True), (0o640, 0o755, False), (0o600, 0o755, False), (0o644, 0o700, False),
])  # fmt: skip
def test_a_file_of_a_secret_that_others_can_read_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: int, folder: int, told: bool
) -> None:
    """All folders above it must let them through as well."""
    place = tmp_path / "secrets"
    place.mkdir()
    secret = place / "token"
    secret.write_text("xoxb-1\n")
    secret.chmod(mode)
    place.chmod(folder)
    open_above(monkeypatch, tmp_path)
    env = {name: value for name, value in GOOD.items() if name != "SLACK_BOT_TOKEN"}
    _, findings = check_settings(env | {"SLACK_BOT_TOKEN_FILE": str(secret)}, need=NEEDS["serve"], cwd=tmp_path)
    expected = [("warning", "secret_readable", "SLACK_BOT_TOKEN_FILE")] if told else []
    assert [(one.level, one.code, one.where) for one in findings] == expected


def open_above(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """As if everybody could go as far as this folder: those of tests are private."""
    real = Path.stat

    def stat(path: Path, **options: bool) -> object:
        found = real(path, **options)
        if folder.is_relative_to(path):
            values = list(found)
            values[0] |= 0o001
            return type(found)(values)
        return found

    monkeypatch.setattr(Path, "stat", stat)
