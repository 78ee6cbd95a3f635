"""OpenTelemetry's SDK, set up by the variables that it reads by itself.

What it says of them at its start is told, without the values: some of them are secrets. Later it would say the same
again and again, so `Telling` says once that nobody takes the spans, and once that somebody does.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import requests
import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

from relay import __version__

SERVICE = "kommunicate-slack-relay"  # where no variable names it

log = structlog.get_logger()


class RootIds(RandomIdGenerator):
    """Random ids, but for the roots of traces: theirs are given."""

    def __init__(self) -> None:
        self._here = threading.local()

    @contextmanager
    def given(self, trace_id: int, span_id: int) -> Iterator[None]:
        """What this thread starts inside the block is a root with these ids."""
        self._here.ids = (trace_id, span_id)
        try:
            yield
        finally:
            del self._here.ids

    def generate_trace_id(self) -> int:
        """The given one, or a random one."""
        ids = getattr(self._here, "ids", None)
        return super().generate_trace_id() if ids is None else int(ids[0])

    def generate_span_id(self) -> int:
        """The given one, or a random one."""
        ids = getattr(self._here, "ids", None)
        return super().generate_span_id() if ids is None else int(ids[1])


def open_provider(ids: RootIds, command: str) -> TracerProvider:
    """The SDK with one exporter; `command` tells which process this is. Raises ValueError for what it cannot use."""
    with _told():
        provider = TracerProvider(resource=_resource(command), shutdown_on_exit=False, id_generator=ids)
        provider.add_span_processor(BatchSpanProcessor(Telling()))
    return provider


def _resource(command: str) -> Resource:
    found = Resource({SERVICE_VERSION: __version__, "relay.command": command}).merge(Resource.create())
    is_named = not str(found.attributes[SERVICE_NAME]).startswith("unknown_service")
    return found if is_named else found.merge(Resource({SERVICE_NAME: SERVICE}))


class Telling(SpanExporter):
    """Sends spans to the collector, and tells when it takes none, and when it does again."""

    def __init__(self) -> None:
        self._session = _Session()
        self._otlp = OTLPSpanExporter(session=self._session)
        self._is_lost = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch."""
        result = self._otlp.export(spans)
        is_lost = result is not SpanExportResult.SUCCESS
        if is_lost and not self._is_lost:
            log.warning("tracing.lost", cause=self._session.cause)
        elif self._is_lost and not is_lost:
            log.info("tracing.found_again")
        self._is_lost = is_lost
        return result

    def shutdown(self) -> None:
        """Send nothing more."""
        self._otlp.shutdown()


class _Session(requests.Session):
    """Remembers how its last request ended."""

    cause = ""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        try:
            response = super().send(request, **options)
        except requests.RequestException as error:
            self.cause = type(error).__name__  # its message quotes the address, which may hold a token
            raise
        self.cause = f"HTTP {response.status_code}"
        return response


class _Sentences(logging.Handler):
    """Tells what the SDK says, without the values in it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Tell it."""
        log.warning("tracing.settings", said=str(record.msg).replace("%s", "..."))


@contextmanager
def _told() -> Iterator[None]:
    logger, handler = logging.getLogger("opentelemetry"), _Sentences(logging.WARNING)
    logger.propagate = False
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.CRITICAL)
