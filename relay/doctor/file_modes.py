"""Can other users of this machine read secrets, or customers' messages?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from relay.doctor.setup import Setup
from relay.doctor.told import DATABASE
from relay.findings import Finding
from relay.settings import SECRETS

OTHERS, NOT_OURS = 0o004, 0o077
# Where containers get theirs: everybody may read them, and there is nobody else.
OF_CONTAINERS = Path("/run/secrets")
BESIDE = ("", "-wal", "-shm")


def look(setup: Setup) -> Iterator[Finding]:
    """Each file that is too open."""
    config = setup.settings.config
    of_accounts = (name for one in config.kommunicate.accounts.values() for name in (one.webhook_token, one.api_key))
    workspaces = config.slack.workspaces.values()
    of_workspaces = (name for one in workspaces for name in (one.bot_token, one.signing_secret, one.app_token))
    secrets = (*SECRETS, *filter(None, (*of_accounts, *of_workspaces)))
    named = {f"{name}_FILE": setup.cwd / given for name in secrets if (given := setup.env.get(f"{name}_FILE"))}
    for name, path in {".env": setup.cwd / ".env", **named}.items():
        if _mode(path) & OTHERS and OF_CONTAINERS not in path.parents:
            # The message omits the path, because people paste the secret itself here.
            file, written = (".env", ".env") if name == ".env" else (f"the file that {name} names", f'"${name}"')
            message = f"Every user of this machine can read {file}, which contains a secret."
            hint = f"chmod 600 {written}"
            yield Finding("secret_readable", "warning", message, hint, name)
    if setup.store.on_sqlite:
        yield from _of_database(Path(setup.store.engine.url.database or ""))


def _of_database(path: Path) -> Iterator[Finding]:
    files = [Path(f"{path}{end}") for end in BESIDE]
    if open_ones := [str(file) for file in files if _mode(file) & NOT_OURS]:
        message = f"Other users of this machine can read what customers wrote, in {', '.join(open_ones)}."
        yield Finding("database_readable", "warning", message, f"chmod 600 {' '.join(open_ones)}", DATABASE)


def _mode(path: Path) -> int:
    """The file's permissions; none if it does not exist."""
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return 0
