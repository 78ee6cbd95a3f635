"""The sandbox on a real TCP port, in threads of its own."""

from __future__ import annotations

import logging
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from relay.sandbox.app import create_sandbox
from relay.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

# Werkzeug's server rather than waitress: a reset or a stall is only worth testing when it happens on the
# socket, and this is the one server here that hands its socket to the application. It also gives every
# connection a thread, so calls that hang on purpose never block the others.


class QuietHandler(WSGIRequestHandler):
    """One request per connection, no access log, and no patience with silent clients."""

    protocol_version = "HTTP/1.0"  # no keep-alive: a reset, or an idle client, ends with its request
    timeout = 60

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Logs nothing: `/sandbox/calls` is the log."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The sandbox's time, so that the relay's clock can differ from it."""
        now: Callable[[], float] = self.server.now  # type: ignore[attr-defined]
        return super().date_time_string(now() if timestamp is None else timestamp)

    def log(self, type: str, message: str, *args: Any) -> None:
        logging.getLogger(__name__).log(logging.ERROR if type == "error" else logging.DEBUG, message, *args)


class ResettableServer(ThreadedWSGIServer):
    """Closes lingering connections with a bare RST, and knows its threads so that it can wait for them."""

    request_queue_size = 1024

    def __init__(self, host: str, port: int, app: WSGIApplication, now: Callable[[], float]) -> None:
        super().__init__(host, port, app, handler=QuietHandler)
        self.now = now
        self._busy: dict[threading.Thread, Any] = {}  # with their sockets

    def shutdown_request(self, request: Any) -> None:
        lingering, _ = struct.unpack("ii", request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8))
        if lingering:
            self.close_request(request)  # a normal close sends a FIN first, which would be a clean end
            return
        super().shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        thread = threading.current_thread()
        self._busy[thread] = request
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._busy.pop(thread, None)

    def join(self, timeout: float) -> None:
        """Waits `timeout` seconds at most for the requests in progress; whoever has asked for nothing is hung up on."""
        ends, busy = time.monotonic() + timeout, dict(self._busy)
        for request in busy.values():
            with suppress(OSError):
                request.shutdown(socket.SHUT_RD)
        for thread in busy:
            thread.join(max(0.0, ends - time.monotonic()))


class SandboxServer:
    """Serves one sandbox; `port` 0 takes a free one. Use it as a context manager, or call start() and stop()."""

    def __init__(self, sandbox: Sandbox, host: str = "127.0.0.1", port: int = 0) -> None:
        self.sandbox = sandbox
        self.host = host
        self.port = port
        self._server: ResettableServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where the page is, without a slash at the end."""
        return f"http://{self.host}:{self.port}"

    @property
    def slack_api_url(self) -> str:
        """What goes into SLACK_API_URL."""
        return f"{self.url}/slack/api/"

    @property
    def kommunicate_api_url(self) -> str:
        """What goes into KOMMUNICATE_API_URL."""
        return f"{self.url}/kommunicate"

    def start(self) -> SandboxServer:
        """Listens and returns; a server stopped before starts again on the same port."""
        self.sandbox.core.closing.clear()
        app, core = create_sandbox(self.sandbox), self.sandbox.core
        self._server = ResettableServer(self.host, self.port, app, lambda: core.now())
        self.port = self._server.server_port
        self.sandbox.slack.origin = f"{self.url}/slack"
        self.sandbox.kommunicate.files.origin = self.kommunicate_api_url
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="sandbox-server", daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Ends calls that hang on purpose, closes the port and waits for the threads."""
        if self._server is None or self._thread is None:
            return
        self.sandbox.core.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.join(timeout=5)
        self.sandbox.wait_idle(5)
        self._server = self._thread = None

    def __enter__(self) -> SandboxServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
