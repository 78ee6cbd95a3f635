"""Would stored data be lost at the next restart of this host?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from relay.doctor.setup import Setup
from relay.doctor.told import DATABASE
from relay.findings import Finding
from relay.settings import Settings, ephemeral_host


def look(setup: Setup) -> Iterator[Finding]:
    """What is stored on a disk that is wiped."""
    return kept_on_wiped_disk(setup.settings, setup.env)


def kept_on_wiped_disk(settings: Settings, env: Mapping[str, str]) -> Iterator[Finding]:
    """SQLite, or a folder of files, on a host that wipes its disk, unless that is intended."""
    host = ephemeral_host(env)
    if host is None or settings.allow_ephemeral:
        return
    wiped, lasts = (
        f"{host} indicates a host that wipes its disk at every restart",
        "set RELAY_ALLOW_EPHEMERAL=1 if this",
    )
    if settings.database_url.startswith("sqlite"):
        message = f"{wiped}: SQLite would lose messages answered 200."
        hint = f"Add a PostgreSQL database (DATABASE_URL), or {lasts} disk is persistent."
        yield Finding("ephemeral_disk", "error", message, hint, DATABASE)
    if settings.files.place.startswith("file:"):
        message = f"{wiped}: agents' files would be lost."
        hint = f"Remove RELAY_FILES, or point it to a bucket, or {lasts} folder is persistent."
        yield Finding("ephemeral_files", "error", message, hint, "RELAY_FILES")
