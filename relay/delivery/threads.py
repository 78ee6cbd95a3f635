"""Reusable threads: starting one takes longer than much of an attempt's own work."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

IDLE = 10.0  # seconds after which an idle thread ends

Work = Callable[[], None]


class Threads:
    """As many threads as there is work at a time; daemons, so that the process does not wait for them at its end."""

    def __init__(self, name: str, *, idle: float = IDLE) -> None:
        """`name` is the name of each thread; `idle` is in seconds."""
        self._name = name
        self._wait = idle
        self._news = threading.Condition()
        self._idle = 0
        self._work: deque[Work] = deque()

    def start(self, work: Work) -> None:
        """Run `work`, which raises nothing, at once. Raises RuntimeError if the machine has no more threads."""
        with self._news:
            if self._idle > len(self._work):
                self._work.append(work)
                self._news.notify()
                return
        threading.Thread(target=self._run, args=(work,), name=self._name, daemon=True).start()

    def _run(self, work: Work | None) -> None:
        while work is not None:
            work()
            work = self._next()

    def _next(self) -> Work | None:
        with self._news:
            self._idle += 1
            found = self._news.wait_for(lambda: self._work, self._wait)
            self._idle -= 1
            return self._work.popleft() if found else None
