"""The process environment; the only module that reads it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from relay.errors import SettingsError
from relay.findings import Finding

SYSTEM = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")
EPHEMERAL_HOSTS = ("DYNO", "RENDER", "FLY_APP_NAME", "RAILWAY_ENVIRONMENT")


def environment(cwd: Path) -> dict[str, str]:
    """The real environment over `.env` in `cwd`; a variable set to nothing still hides the one in the file."""
    return {**_dotenv(cwd / ".env"), **os.environ}


def share_environment(values: Mapping[str, str]) -> None:
    """Let packages of others, which read the environment by themselves, find these in it: they may be in `.env`."""
    os.environ.update(values)


def system_environment() -> dict[str, str]:
    """What every process needs of the real environment, and nothing that configures a relay."""
    return {name: os.environ[name] for name in SYSTEM if name in os.environ}


def ephemeral_host(env: Mapping[str, str]) -> str | None:
    """The variable that indicates a host whose disk is wiped at every start, if there is one."""
    return next((name for name in EPHEMERAL_HOSTS if env.get(name)), None)


def _dotenv(path: Path) -> dict[str, str]:
    # No interpolation: a password with a dollar sign must stay intact.
    try:
        values = dotenv_values(path, interpolate=False, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        hint = "Save it as UTF-8 and make it readable, or remove it."
        raise SettingsError(
            findings=[Finding("env_file", "error", f"`.env` cannot be read: {reason}.", hint, ".env")]
        ) from None
    return {name: value for name, value in values.items() if value is not None}
