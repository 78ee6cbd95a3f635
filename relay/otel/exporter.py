"""Makes OpenTelemetry's spans of finished traces.

All that becomes of one thing that came in is one trace, whichever processes do it, and whenever: its ids are made of
the name that the log gives it (`r12`) and of a seed that the database keeps. What came in is the root; each attempt to
send it on stands below. An attempt that carries several of them is in the trace of the first; each of the others has
one span, linked to it.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import structlog
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags
from opentelemetry.trace.propagation import set_span_in_context

from relay import __version__
from relay.clock import SystemClock, monotonic
from relay.otel.provider import RootIds, open_provider
from relay.spans import Kind, Span

AT_THE_END = 1.0  # seconds that the end of a process waits for the last spans
KINDS = {
    Kind.CAME_IN: SpanKind.SERVER,
    Kind.ATTEMPT: SpanKind.CONSUMER,
    Kind.CALL: SpanKind.CLIENT,
    Kind.PART: SpanKind.INTERNAL,
}
STANDARD = {
    "http_method": "http.request.method",
    "http_status": "http.response.status_code",
    "host": "server.address",
}
"""What OpenTelemetry has a name for; all other facts are called `relay.something`."""

log = structlog.get_logger()


class OtlpExporter:
    """Hands traces to the SDK, which sends them from a thread of its own; what is too much is left out."""

    def __init__(self, seed: str, command: str) -> None:
        """`seed` is the same for all processes of one database; `command` tells which of them this is.

        Raises ValueError for variables that the SDK cannot use.
        """
        self._seed = seed
        self._clock = SystemClock()
        self._ids = RootIds()
        self._provider = open_provider(self._ids, command)
        self._tracer = self._provider.get_tracer("relay", __version__)
        self._has_failed = False
        self._start_closer()
        os.register_at_fork(after_in_child=self._start_closer)
        atexit.register(self.stop, AT_THE_END)  # of servers that are not our own

    def export(self, trace: Span) -> None:
        """Make spans of a trace, and queue them."""
        try:
            self._export(trace, self._clock.now() - monotonic())
        except Exception as error:  # noqa: BLE001 - what was delivered must not fail because of its trace
            if not self._has_failed:
                log.error("tracing.failed", error=type(error).__name__)
            self._has_failed = True

    def stop(self, within: float) -> None:
        """Send what is left, for `within` seconds at most; what is not taken by then is lost."""
        if not self._closing.is_set():
            self._closing.set()
            self._closed.wait(within)

    def _start_closer(self) -> None:
        """At the very end of a process no thread can be started any more, and the SDK's own end takes its time."""
        self._closing, self._closed = threading.Event(), threading.Event()
        threading.Thread(target=self._close, args=(self._closing, self._closed), name="tracing", daemon=True).start()

    def _close(self, closing: threading.Event, closed: threading.Event) -> None:
        closing.wait()
        self._provider.shutdown()
        closed.set()

    def _export(self, trace: Span, shift: float) -> None:
        """`shift` is from the monotonic clock to seconds since 1970."""
        if trace.kind is Kind.CAME_IN:
            for received in trace.about:
                with self._ids.given(*self._ids_of(received)):
                    root = self._start(trace, Context(), shift)
                self._end(trace, root, shift)
            return
        first, *others = trace.about
        whole = self._start(trace, self._below(first), shift)
        self._end(trace, whole, shift)
        for received in others:
            beside = self._start(trace, self._below(received), shift, [Link(whole.get_span_context())])
            beside.end(_nanoseconds(trace.ended + shift))

    def _start(self, span: Span, parent: Context, shift: float, links: Sequence[Link] = ()) -> Any:
        started = self._tracer.start_span(
            span.name,
            context=parent,
            kind=KINDS[span.kind],
            attributes=_attributes(span),
            links=links,
            start_time=_nanoseconds(span.begun + shift),
        )
        if span.error:
            started.set_status(StatusCode.ERROR)
        return started

    def _end(self, span: Span, started: Any, shift: float) -> None:
        """With all its parts; of a trace that is not sampled there is nothing to end."""
        if not started.is_recording():
            return
        inside = set_span_in_context(started, Context())
        for part in span.parts:
            self._end(part, self._start(part, inside, shift), shift)
        started.end(_nanoseconds(span.ended + shift))

    def _ids_of(self, received: str) -> tuple[int, int]:
        """The ids of a trace, and of its root."""
        digest = sha256(f"{self._seed}/{received}".encode()).digest()
        return int.from_bytes(digest[:16]), int.from_bytes(digest[16:24])

    def _below(self, received: str) -> Context:
        """A place below a root that another process may have sent; sampled if that one is."""
        trace_id, root_id = self._ids_of(received)
        is_sampled = self._provider.sampler.should_sample(Context(), trace_id, "").decision.is_sampled()
        flags = TraceFlags(TraceFlags.SAMPLED if is_sampled else TraceFlags.DEFAULT)
        return set_span_in_context(
            NonRecordingSpan(SpanContext(trace_id, root_id, is_remote=True, trace_flags=flags)), Context()
        )


def _attributes(span: Span) -> dict[str, Any]:
    facts = {STANDARD.get(name, f"relay.{name}"): value for name, value in span.facts.items() if value is not None}
    plain = {name: str(value) if isinstance(value, str) else value for name, value in facts.items()}
    about = {"relay.received": " ".join(span.about)} if span.about else {}
    return {**plain, **about, **({"error.type": span.error} if span.error else {})}


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)
