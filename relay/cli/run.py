"""`relay serve` and `relay worker`: run until told to stop, then finish what is in flight."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NoReturn

import click
import structlog

from relay.cli.common import explain_failures, settings_for
from relay.delivery.worker import Worker
from relay.errors import SettingsError
from relay.failpoints import arm
from relay.findings import Finding
from relay.settings import Settings, environment, ephemeral_host
from relay.web import create_app
from relay.web.server import open_server
from relay.wiring import Relay, build_relay, build_worker, ready_schema

log = structlog.get_logger()

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
GRACE = 1.0  # seconds beyond the call's deadline until a stopping process gives up waiting


@click.command()
@click.option("--no-worker", is_flag=True, help="Web alone; run `relay worker` beside it.")
@explain_failures
def serve(*, no_worker: bool) -> None:
    """Take in webhooks and deliver them to Slack."""
    settings = settings_for("serve")
    arm(settings.failpoint)
    refuse_wiped_disk(settings)
    with closing(build_relay(settings)) as relay:
        ready_schema(relay.store)
        run_web(relay, None if no_worker else build_worker(relay))


@click.command()
@explain_failures
def worker() -> None:
    """Deliver what is stored; any number of these may run."""
    settings = settings_for("worker")
    arm(settings.failpoint)
    refuse_wiped_disk(settings)
    with closing(build_relay(settings)) as relay:
        ready_schema(relay.store)
        delivering = build_worker(relay)
        # Blocked here and in every thread begun from here on, a signal waits until somebody asks for it.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        delivering.start()
        log.info("worker.started")
        signal.sigwait(STOP_SIGNALS)
        stop_worker(relay, delivering)


def run_web(relay: Relay, delivering: Worker | None) -> None:
    """Serve until SIGTERM or SIGINT; with `delivering`, deliver in the same process."""
    if delivering is not None:
        relay.on_accept = delivering.wake
    server = listen(relay)
    on_stop_signals(leave)
    try:
        with suppress(SystemExit):  # the signal may come before waitress minds it
            if delivering is not None:
                delivering.start()
            # a name with several addresses has several servers, and then no port of its own
            port = getattr(server, "effective_port", relay.settings.port)
            log.info("web.started", host=relay.settings.host, port=port, delivering=delivering is not None)
            server.run()
    finally:
        server.close()
        stop_worker(relay, delivering)


def listen(relay: Relay) -> Any:
    """The web server on its address; raises SettingsError where nobody can listen there."""
    app, host, port = create_app(relay), relay.settings.host, relay.settings.port
    try:
        return open_server(app, host, port)
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except ValueError:  # waitress's word for a name without an address
        reason = "HOST has no address"
    raise SettingsError(f"The relay cannot listen on {host}:{port}: {reason}. Set another HOST or PORT.")


def stop_worker(relay: Relay, delivering: Worker | None) -> None:
    """Wait for what is in flight."""
    settled = delivering is None or delivering.stop(relay.settings.config.delivery.call_deadline + GRACE)
    log.info("stopped", settled=settled)


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
