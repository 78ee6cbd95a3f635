"""A collector of traces: takes OTLP over HTTP as the standard has it, and remembers what it was sent."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Pb

from tests.harness import PATIENCE, wait_for

SERVER, CLIENT, CONSUMER = Pb.SPAN_KIND_SERVER, Pb.SPAN_KIND_CLIENT, Pb.SPAN_KIND_CONSUMER
ERROR = 2  # a span's status


@dataclass(frozen=True)
class Seen:
    """A span as it arrived."""

    name: str
    trace: str
    id: str
    parent: str
    kind: int
    facts: dict[str, Any]
    of: dict[str, Any]  # the resource
    has_failed: bool
    links: tuple[str, ...]  # ids of spans
    begun: int
    ended: int


@dataclass
class Collector:
    """Takes what comes, answers with `status`, or does not answer while `silent` is clear."""

    status: int = 200
    answers: threading.Event = field(default_factory=threading.Event)
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def spans(self) -> list[Seen]:
        """All that were taken, in the order in which they began."""
        return sorted((one for _, _, body in list(self.requests) for one in _read(body)), key=lambda one: one.begun)

    def named(self, name: str) -> list[Seen]:
        return [one for one in self.spans if one.name == name]

    def has(self, *names: str) -> bool:
        """True as soon as a span of each of these names has come."""
        return wait_for(lambda: {*names} <= {one.name for one in self.spans}, PATIENCE)

    def below(self, parent: Seen) -> list[Seen]:
        return [one for one in self.spans if one.parent == parent.id]


def _read(body: bytes) -> Iterator[Seen]:
    for batch in ExportTraceServiceRequest.FromString(body).resource_spans:
        resource = _facts(batch.resource.attributes)
        for scope in batch.scope_spans:
            for one in scope.spans:
                ids = one.trace_id.hex(), one.span_id.hex(), one.parent_span_id.hex()
                links = tuple(link.span_id.hex() for link in one.links)
                times = one.start_time_unix_nano, one.end_time_unix_nano
                facts = _facts(one.attributes)
                yield Seen(one.name, *ids, one.kind, facts, resource, one.status.code == ERROR, links, *times)


def _facts(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


@contextmanager
def collector(*, answers: bool = True) -> Iterator[Collector]:
    """One on a port of its own."""
    mine = Collector()
    if answers:
        mine.answers.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            mine.answers.wait()
            if mine.status == 200:
                mine.requests.append((self.path, dict(self.headers), body))
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(mine.status)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    mine.port = server.server_address[1]
    serving = threading.Thread(target=server.serve_forever, args=(0.05,))
    serving.start()
    try:
        yield mine
    finally:
        mine.answers.set()
        server.shutdown()
        serving.join()
        server.server_close()
