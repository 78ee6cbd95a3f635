"""What `relay serve`, `relay worker` and `relay demo` share: where they may run, and how they end."""

from __future__ import annotations

import ctypes
import signal
import socket
from contextlib import suppress
from pathlib import Path

import structlog

from relay import spans
from relay.clock import monotonic
from relay.delivery.worker import Worker
from relay.doctor.replies import why_off
from relay.doctor.wiped_disk import kept_on_wiped_disk
from relay.errors import SettingsError
from relay.logs import flush_logs
from relay.settings import Settings, environment
from relay.wiring import Relay

log = structlog.get_logger()

ARENAS, M_ARENA_MAX = 2, -8  # malloc.h
LAST_SPANS = 1.0  # seconds that the end of a process waits for them to be sent
GRACE = 1.0  # seconds beyond the call's deadline until a stopping process gives up waiting


def share_memory() -> None:
    """Let all threads share two of glibc's pools of memory; by itself, it keeps eight for each core.

    Freed memory that only some threads can use again is a fifth of what a relay under load takes up.
    """
    with suppress(AttributeError, OSError, TypeError):  # another C library
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS)


def stop_worker(relay: Relay, delivering: Worker | None) -> None:
    """Wait for what is in flight, then a moment for traces of it to be sent, if there is one left."""
    ends = monotonic() + relay.settings.config.delivery.call_deadline + GRACE
    settled = delivering is None or delivering.stop(ends - monotonic())
    spans.stop(max(0.0, min(LAST_SPANS, ends - monotonic())))
    log.info("stopped", settled=settled)
    flush_logs()


def refuse_wiped_disk(settings: Settings) -> None:
    """Raise SettingsError for SQLite, or a folder of files, on a host that wipes its disk, unless that is wanted."""
    findings = list(kept_on_wiped_disk(settings, environment(Path.cwd())))
    if findings:
        raise SettingsError(findings=findings)


def replies_told(settings: Settings) -> str:
    """Whether replies reach customers, and why not, for the line that tells of a start."""
    why = why_off(settings)
    return f"off: {why}" if why else "on"


def stop_signals() -> socket.socket:
    """A socket that has something to read after SIGTERM, SIGINT or SIGHUP, which do nothing else from here on.

    SIGHUP comes from a terminal that is closed; where it is ignored, as `nohup` does, it stays so. A second Ctrl+C
    breaks off no orderly end, as long as the socket stays open. A handler that raised could be too early: between the
    last look and a sleep that it was to end, where Python would not run it before that is over.
    """
    told, teller = socket.socketpair()
    teller.settimeout(0)  # which set_wakeup_fd asks for
    signal.set_wakeup_fd(teller.detach(), warn_on_full_buffer=False)  # open to the end of the process
    hangs_up = [] if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else [signal.SIGHUP]
    for number in (signal.SIGTERM, signal.SIGINT, *hangs_up):
        signal.signal(number, lambda *_: None)
    return told
