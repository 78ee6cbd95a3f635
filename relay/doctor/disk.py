"""Is there space on the disk with the SQLite file?"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from relay.doctor.setup import Setup
from relay.doctor.told import DATABASE
from relay.findings import Finding

LITTLE = 200 * 10**6  # bytes


def look(setup: Setup) -> Iterator[Finding]:
    """How much is left, if it is little."""
    if not setup.store.on_sqlite:
        return
    left = shutil.disk_usage(Path(setup.store.engine.url.database or "").absolute().parent).free
    if left < LITTLE:
        message = f"The disk with the SQLite file has {left // 10**6} MB left; once it is full, webhooks get a 503."
        hint = "Free some space, use a larger disk, or shorten `retention` in the YAML file."
        yield Finding("disk_nearly_full", "warning", message, hint, DATABASE)
