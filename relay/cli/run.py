"""`relay serve` and `relay worker`: run until told to stop, then finish what is in flight."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Any, NoReturn

import click
import structlog

from relay.cli.common import explain_failures, settings_for
from relay.delivery.worker import Worker
from relay.errors import SettingsError
from relay.findings import Finding
from relay.settings import Settings, environment, ephemeral_host
from relay.web import create_app
from relay.web.server import open_server
from relay.wiring import Relay, build_relay, build_worker, ready_schema

log = structlog.get_logger()

GRACE = 1.0  # seconds beyond the call's deadline until a stopping process gives up waiting


@click.command()
@click.option("--no-worker", is_flag=True, help="Web alone; run `relay worker` beside it.")
@explain_failures
def serve(*, no_worker: bool) -> None:
    """Take in webhooks and deliver them to Slack."""
    settings = settings_for("serve")
    refuse_wiped_disk(settings)
    relay = build_relay(settings)
    ready_schema(relay.store)
    run_web(relay, None if no_worker else build_worker(relay))


@click.command()
@explain_failures
def worker() -> None:
    """Deliver what is stored; any number of these may run."""
    settings = settings_for("worker")
    refuse_wiped_disk(settings)
    relay = build_relay(settings)
    ready_schema(relay.store)
    delivering = build_worker(relay)
    stop = threading.Event()
    on_stop_signals(lambda: stop.set())
    delivering.start()
    log.info("worker.started")
    stop.wait()
    stop_worker(relay, delivering)


def run_web(relay: Relay, delivering: Worker | None) -> None:
    """Serve until SIGTERM or SIGINT; with `delivering`, deliver in the same process."""
    if delivering is not None:
        relay.on_accept = delivering.wake
    try:
        server = open_server(create_app(relay), relay.settings.host, relay.settings.port)
    except OSError as error:
        at = f"{relay.settings.host}:{relay.settings.port}"
        raise SettingsError(f"The relay cannot listen on {at}: {error.strerror}. Set another PORT.") from None
    on_stop_signals(_leave)
    if delivering is not None:
        delivering.start()
    log.info("web.started", host=relay.settings.host, port=server.effective_port, delivering=delivering is not None)
    server.run()
    server.close()
    stop_worker(relay, delivering)


def stop_worker(relay: Relay, delivering: Worker | None) -> None:
    """Wait for what is in flight, then let go of the database."""
    if delivering is not None:
        delivering.stop(relay.settings.config.delivery.call_deadline + GRACE)
    relay.close()
    log.info("stopped")


def refuse_wiped_disk(settings: Settings) -> None:
    """Raise SettingsError for SQLite on a host that wipes its disk, unless that is wanted."""
    host = ephemeral_host(environment(Path.cwd()))
    if host is None or not settings.database_url.startswith("sqlite") or settings.allow_ephemeral:
        return
    finding = Finding(
        "ephemeral_disk",
        "error",
        f"{host} tells of a host whose disk is wiped at every restart: SQLite would lose messages answered 200.",
        "Add a PostgreSQL database (DATABASE_URL), or set RELAY_ALLOW_EPHEMERAL=1 if this disk does last.",
        "DATABASE_URL",
    )
    raise SettingsError(findings=[finding])


def on_stop_signals(stop: Any) -> None:
    """Call `stop` on SIGTERM and SIGINT."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop())


def _leave() -> NoReturn:
    raise SystemExit(0)  # waitress stops taking requests and finishes those it has
