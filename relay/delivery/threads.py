"""Threads that are used again: to start one takes longer than much of what an attempt does itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

IDLE = 10.0  # seconds after which a thread ends that has nothing to do

Work = Callable[[], None]


class Threads:
    """As many as there is work at a time; daemons, so that the end of the process waits for none of them."""

    def __init__(self, name: str, *, idle: float = IDLE) -> None:
        """`name` is what each of them is called; `idle` is in seconds."""
        self._name = name
        self._wait = idle
        self._lock = threading.Lock()
        self._idle = 0
        self._work: SimpleQueue[Work] = SimpleQueue()

    def start(self, work: Work) -> None:
        """Do `work`, which raises nothing, at once. Raises RuntimeError where the machine gives no more threads."""
        with self._lock:
            if self._idle:
                self._idle -= 1
                self._work.put(work)
                return
        threading.Thread(target=self._run, args=(work,), name=self._name, daemon=True).start()

    def _run(self, work: Work | None) -> None:
        while work is not None:
            work()
            with self._lock:
                self._idle += 1
            work = self._next()

    def _next(self) -> Work | None:
        while True:
            try:
                return self._work.get(timeout=self._wait)
            except Empty:
                with self._lock:  # whoever has work for an idle one counts one less of them
                    if self._work.empty():
                        self._idle -= 1
                        return None
