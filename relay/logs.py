"""Logs: one event name, bound ids, one line each; never message text, tokens or bodies.

Lines are written by a thread of their own, many at a time: whoever has something to tell goes on at once, also while
the disk is full or whoever reads the log has stopped.
"""

from __future__ import annotations

import atexit
import logging
import sys
import threading
import unicodedata
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, TextIO

import structlog

MOST = 10_000  # lines that wait to be written; more are left out
GATHERED = 0.02  # seconds for which lines are gathered
FIRST = ("timestamp", "level", "event")
AT_THE_END = 2.0  # seconds that the end of the process waits for the last lines
REHEARSAL = "rehearsal"  # bound to what is not done in earnest: nobody reads of it


class Lines:
    """Writes lines to `file` in the background; what cannot be written is left out."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._queue: SimpleQueue[str | threading.Event] = SimpleQueue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def msg(self, line: str) -> None:
        """Write a line soon."""
        if self._queue.qsize() < MOST:
            self._queue.put(line + "\n")
            self._start()

    debug = info = warning = error = critical = msg

    def flush(self, timeout: float = AT_THE_END) -> None:
        """Wait until all lines so far are written, at most `timeout` seconds."""
        if self._thread is None:  # nothing was ever told, and at the very end no thread can be started any more
            return
        written = threading.Event()
        self._queue.put(written)
        self._start()
        written.wait(timeout)

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():  # also after a fork
            with self._starting:
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(target=self._write, name="log", daemon=True)
                    with suppress(RuntimeError):  # the machine gives us no more threads; the next line tries again
                        self._thread.start()

    def _write(self) -> None:
        while True:
            found = [self._queue.get()]
            threading.Event().wait(GATHERED)  # to wake for each line would take more than to write it
            with suppress(Empty):
                while True:
                    found.append(self._queue.get_nowait())
            with suppress(OSError, ValueError):  # ValueError: it has been closed
                self._file.write("".join(one for one in found if isinstance(one, str)))
                self._file.flush()
            for one in found:
                if isinstance(one, threading.Event):
                    one.set()


def flush_logs() -> None:
    """Wait a moment until the last lines are written: a process ends."""
    for lines in _configured:
        lines.flush()


_configured: list[Lines] = []
atexit.register(flush_logs)


def _in_earnest(_logger: Any, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Leave out what a rehearsal does: it posts nothing."""
    if event.get(REHEARSAL):
        raise structlog.DropEvent
    return event


def _visible(_logger: Any, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Ids come from outside: nothing in a line may turn it around, hide in it, or look like another line."""
    for name, value in event.items():
        if isinstance(value, str) and not (value.isascii() and value.isprintable()):
            event[name] = "".join(one if _is_seen(one) else one.encode("unicode_escape").decode() for one in value)
    return event


def _in_order(_logger: Any, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """When and what first, for those who read JSON with their eyes."""
    return {**{name: event.pop(name) for name in FIRST if name in event}, **event}


def _is_seen(char: str) -> bool:
    return char != "\u034f" and (char.isprintable() or unicodedata.category(char) == "Zs")


def configure_logs(*, as_json: bool, level: str = "info") -> Lines:
    """Write events of this level and above to stderr, as JSON for machines or as plain lines for people.

    Returns who writes them.
    """
    lines = Lines(sys.stderr)
    _configured[:] = [lines]
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
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
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    return lines
