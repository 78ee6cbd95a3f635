"""Traces, where the settings ask for them."""

from __future__ import annotations

import structlog

from relay import spans
from relay.settings.environment import share_environment
from relay.store.operations.trace_seed import trace_seed
from relay.wiring.relay import Relay

log = structlog.get_logger()


def start_tracing(relay: Relay, command: str) -> None:
    """Export traces from now on, where the settings ask for it; `command` tells which process this is.

    Whatever keeps that from working, the relay goes on without. Raises StoreUnavailable.
    """
    if not relay.settings.traces:
        return
    seed = trace_seed(relay.store)
    try:
        share_environment(relay.settings.traces)
        from relay.otel import OtlpExporter  # here and not above: it is an extra, and takes its time

        spans.use(OtlpExporter(seed, command))
    except Exception as error:  # noqa: BLE001 - other people's code; nobody's messages may wait for it
        cause = str(error) if isinstance(error, ValueError) else ""
        log.warning("tracing.off", error=type(error).__name__, cause=cause)
    else:
        log.info("tracing.started")
