"""What `relay serve`, `relay worker` and `relay demo` share: where they may run, and how they end."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import structlog

from relay.delivery.worker import Worker
from relay.errors import SettingsError
from relay.findings import Finding
from relay.logs import flush_logs
from relay.settings import Settings, environment, ephemeral_host
from relay.wiring import Relay

log = structlog.get_logger()

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
GRACE = 1.0  # seconds beyond the call's deadline until a stopping process gives up waiting


def stop_worker(relay: Relay, delivering: Worker | None) -> None:
    """Wait for what is in flight."""
    settled = delivering is None or delivering.stop(relay.settings.config.delivery.call_deadline + GRACE)
    log.info("stopped", settled=settled)
    flush_logs()


def refuse_wiped_disk(settings: Settings) -> None:
    """Raise SettingsError for SQLite, or a folder of files, on a host that wipes its disk, unless that is wanted."""
    host = ephemeral_host(environment(Path.cwd()))
    if host is None or settings.allow_ephemeral:
        return
    wiped, lasts = f"{host} tells of a host whose disk is wiped at every restart", "set RELAY_ALLOW_EPHEMERAL=1 if this"
    findings = []
    if settings.database_url.startswith("sqlite"):
        message = f"{wiped}: SQLite would lose messages answered 200."
        hint = f"Add a PostgreSQL database (DATABASE_URL), or {lasts} disk does last."
        findings.append(Finding("ephemeral_disk", "error", message, hint, "DATABASE_URL"))
    if settings.files.place.startswith("file:"):
        message = f"{wiped}: agents' files would be lost."
        hint = f"Remove RELAY_FILES, or let it name a bucket, or {lasts} folder does last."
        findings.append(Finding("ephemeral_files", "error", message, hint, "RELAY_FILES"))
    if findings:
        raise SettingsError(findings=findings)


def on_stop_signals(stop: Callable[[], object]) -> None:
    """Call `stop` on the first SIGTERM or SIGINT; further ones (Ctrl+C twice) must not break off an orderly end."""

    def first(*_: object) -> None:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        stop()

    for number in STOP_SIGNALS:
        signal.signal(number, first)


def leave() -> NoReturn:
    """Raise SystemExit: waitress stops taking requests and finishes those it has."""
    raise SystemExit(0)
