"""Logs: one event name, bound ids, one line each; never message text, tokens or bodies.

A background thread writes the lines in batches, so that a full disk or a stalled reader of the log blocks nobody.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import unicodedata
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, TextIO

import structlog

MOST = 10_000  # queued lines; more are dropped
GATHERED = 0.02  # seconds for which lines are collected before a write
FIRST = ("timestamp", "level", "event")
AT_THE_END = 2.0  # seconds that a process waits at its end for the last lines
REHEARSAL = "rehearsal"  # bound to events of a rehearsal, which are not logged
LIBRARY = "%(levelname)s %(name)s %(message)s"  # how a library's line looks


class Lines:
    """Writes lines to `file` in the background; drops what cannot be written."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._queue: SimpleQueue[str | threading.Event] = SimpleQueue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def msg(self, line: str) -> None:
        """Queue a line."""
        if self._queue.qsize() < MOST:
            self._queue.put(line + "\n")
            self._start()

    debug = info = warning = error = critical = msg

    def flush(self, timeout: float = AT_THE_END) -> None:
        """Wait at most `timeout` seconds until all lines so far are written."""
        if self._thread is None:  # nothing was ever logged, and a process that ends can start no threads
            return
        written = threading.Event()
        self._queue.put(written)
        self._start()
        written.wait(timeout)

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():  # the latter after a fork
            with self._starting:
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(target=self._write, name="log", daemon=True)
                    with suppress(RuntimeError):  # the machine has no more threads; the next line tries again
                        self._thread.start()

    def _write(self) -> None:
        while True:
            found = [self._queue.get()]
            threading.Event().wait(GATHERED)  # waking for each line would cost more than writing it
            with suppress(Empty):
                while True:
                    found.append(self._queue.get_nowait())
            with suppress(OSError, ValueError):  # ValueError: the file is closed
                self._file.write("".join(one for one in found if isinstance(one, str)))
                self._file.flush()
            for one in found:
                if isinstance(one, threading.Event):
                    one.set()


class _OfLibraries(logging.Handler):
    """What libraries log takes the same way, and blocks them no more than us."""

    def __init__(self, lines: Lines) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._lines.msg(self.format(record))
        except Exception:  # noqa: BLE001 - as every handler does: it is no fault of whoever logs
            self.handleError(record)


def flush_logs() -> None:
    """Wait briefly for the last lines before the process ends."""
    for lines in _configured:
        lines.flush()


_configured: list[Lines] = []
atexit.register(flush_logs)


def _in_earnest(_logger: Any, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Drop what a rehearsal logs: it posts nothing."""
    if event.get(REHEARSAL):
        raise structlog.DropEvent
    return event


def _visible(_logger: Any, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Escape what comes from outside, so that nothing reverses a line, hides in it, or imitates another line."""
    for name, value in event.items():
        if isinstance(value, str) and not (value.isascii() and value.isprintable()):
            event[name] = "".join(one if _is_seen(one) else one.encode("unicode_escape").decode() for one in value)
    return event


def _in_order(_logger: Any, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Put time and event first, for people who read the JSON."""
    return {**{name: event.pop(name) for name in FIRST if name in event}, **event}


def _is_seen(char: str) -> bool:
    return char != "\u034f" and (char.isprintable() or unicodedata.category(char) == "Zs")


def configure_logs(*, as_json: bool, level: str = "info") -> Lines:
    """Write events of this level and above to stderr, as JSON for machines or as plain lines for people.

    Returns the writer.
    """
    stderr = _stderr()
    lines = Lines(stderr)
    _configured[:] = [lines]
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _in_earnest,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _visible,
            _in_order,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: lines,
    )
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # it warns when more connections were used than are kept
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it warns of each request that has to wait a moment
    logging.basicConfig(level=logging.WARNING, handlers=[_OfLibraries(lines)], format=LIBRARY)
    return lines


def _stderr() -> TextIO:
    """Standard error. Where whoever started us has closed it, nothing, and no file of ours gets its number."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    return open(os.devnull, "w") if sys.stderr is None else sys.stderr  # noqa: PTH123 - for as long as we run
