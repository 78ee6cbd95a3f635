"""`relay worker`: delivers until told to stop, then finishes what is in flight."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click
import structlog

from relay.cli.common import explain_failures, settings_for
from relay.cli.running import refuse_wiped_disk, replies_told, share_memory, stop_signals, stop_worker
from relay.failpoints import arm
from relay.wiring import (
    Reloader,
    build_relay,
    build_worker,
    examine_from_now_on,
    hear_of_others,
    ready_schema,
    start_tracing,
)

log = structlog.get_logger()


@click.command()
@explain_failures
def worker() -> None:
    """Deliver what is stored; any number of workers may run.

    They work beside `relay serve`, with --no-worker or without, and share its database: with SQLite on its machine,
    with PostgreSQL anywhere.
    """
    share_memory()
    settings = settings_for("worker")
    arm(settings.failpoint)
    refuse_wiped_disk(settings)
    with closing(build_relay(settings)) as relay:
        ready_schema(relay.store)
        delivering = build_worker(relay)
        told = stop_signals()
        start_tracing(relay, "worker")
        delivering.start()
        with hear_of_others(relay, delivering), Reloader(relay):
            log.info("worker.started", replies=replies_told(settings))
            examine_from_now_on(relay, Path.cwd())
            told.recv(1)
        stop_worker(relay, delivering)
