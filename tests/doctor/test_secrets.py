"""S20: secrets that can be guessed or read, and files with customers' words that others can read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from relay.clock import SystemClock
from relay.doctor import Setup
from relay.doctor.file_modes import look as look_at_files
from relay.doctor.secrets import look as look_at_secrets
from relay.store.db.engine import Store
from tests import harness

LONG, SHORT = "a" * 16, "a" * 15


@pytest.fixture
def setup(store: Store, tmp_path: Path) -> Setup:
    settings = replace(harness.settings(), webhook_tokens=(LONG,), slack_signing_secrets=(LONG,), metrics_token=LONG)
    return Setup(settings, {}, tmp_path, store, SystemClock(), None, None)


SECRETS: dict[str, dict[str, Any]] = {
    "KOMMUNICATE_WEBHOOK_TOKEN": {"webhook_tokens": (LONG, SHORT)},
    "SLACK_SIGNING_SECRET": {"slack_signing_secrets": (SHORT,)},
    "RELAY_ADMIN_PASSWORD": {"admin_password": SHORT},
    "RELAY_METRICS_TOKEN": {"metrics_token": SHORT},
}


@pytest.mark.parametrize("name", SECRETS)
def test_fifteen_characters_are_too_few(setup: Setup, name: str) -> None:
    assert list(look_at_secrets(setup)) == []
    short = replace(setup.settings, **SECRETS[name])
    (found,) = look_at_secrets(replace(setup, settings=short))
    assert (found.code, found.level, found.where) == ("secret_short", "error", name)
    assert SHORT not in str(found)
    assert list(look_at_secrets(replace(setup, settings=replace(short, env="test")))) == []


@pytest.mark.parametrize(("mode", "codes"), [(0o600, []), (0o640, []), (0o644, ["secret_readable"])])
def test_a_secret_file_is_not_for_everybody(setup: Setup, tmp_path: Path, mode: int, codes: list[str]) -> None:
    """The path stays unsaid: people put the secret itself there."""
    for name in (".env", "bot-token"):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(mode)
    found = list(look_at_files(replace(setup, env={"SLACK_BOT_TOKEN_FILE": "bot-token"})))
    secret = [one for one in found if one.code != "database_readable"]
    assert [one.code for one in secret] == 2 * codes
    assert "bot-token" not in " ".join(map(str, secret))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_database_is_its_owners_alone(setup: Setup) -> None:
    path = Path(str(setup.store.engine.url.database))
    path.chmod(0o640)
    (found,) = look_at_files(setup)
    assert (found.code, found.hint) == ("database_readable", f"chmod 600 {path}")
    path.chmod(0o600)
    assert list(look_at_files(setup)) == []
