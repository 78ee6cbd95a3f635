"""`relay serve`: takes in and delivers until told to stop, then finishes what is in flight."""

from __future__ import annotations

import errno
import socket
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import click
import structlog

from relay.cli.common import explain_failures, settings_for
from relay.cli.running import refuse_wiped_disk, replies_told, share_memory, stop_signals, stop_worker
from relay.delivery.worker import Worker
from relay.errors import SettingsError
from relay.failpoints import arm
from relay.inbound.socket_mode import socket_mode
from relay.web import create_app
from relay.web.server import open_server
from relay.wiring import (
    Relay,
    Reloader,
    build_relay,
    build_worker,
    examine_from_now_on,
    learn_identity,
    ready_schema,
    start_tracing,
    tell_others,
)

ELSE = "Stop it, or set another PORT."

log = structlog.get_logger()


@click.command()
@click.option("--no-worker", is_flag=True, help="Web only; run `relay worker` beside it.")
@explain_failures
def serve(*, no_worker: bool) -> None:
    """Receive webhooks and deliver them to Slack.

    Runs until Ctrl+C or SIGTERM. Settings are in config.yaml, in .env and in the environment; `relay init` writes them.
    """
    share_memory()
    settings = settings_for("serve")
    arm(settings.failpoint)
    refuse_wiped_disk(settings)
    with closing(build_relay(settings)) as relay:
        ready_schema(relay.store)
        start_tracing(relay, "serve")
        run_web(relay, None if no_worker else build_worker(relay))


def run_web(relay: Relay, delivering: Worker | None) -> None:
    """Serve until SIGTERM or SIGINT; with `delivering`, deliver in the same process."""
    if delivering is not None:
        relay.on_accept = delivering.wake
    told = stop_signals()
    server = listen(relay, told)
    learn_identity(relay)
    try:
        telling = tell_others(relay) if delivering is None else nullcontext()
        with telling, Reloader(relay), socket_mode(relay):
            if delivering is not None:
                delivering.start()
            # a name with several addresses has several servers, and then no port of its own
            port = getattr(server, "effective_port", relay.settings.port)
            replies = replies_told(relay.settings)
            log.info(
                "web.started", host=relay.settings.host, port=port, delivering=delivering is not None, replies=replies
            )
            examine_from_now_on(relay, Path.cwd())
            server.run()
    finally:
        server.close()
        stop_worker(relay, delivering)


def listen(relay: Relay, until: socket.socket) -> Any:
    """The web server on its address, which runs until `until` can be read; raises SettingsError if it has no place."""
    app, host, port = create_app(relay), relay.settings.host, relay.settings.port
    try:
        return open_server(app, host, port, until)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise SettingsError(f"Something, maybe another relay, listens on {host}:{port} already. {ELSE}") from None
        reason = error.strerror or type(error).__name__
    except ValueError:  # waitress's word for a name without an address
        reason = "HOST has no address"
    raise SettingsError(f"The relay cannot listen on {host}:{port}: {reason}. Set another HOST or PORT.")
