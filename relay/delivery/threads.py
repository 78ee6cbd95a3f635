"""Threads that are used again: to start one takes longer than much of what an attempt does itself."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

IDLE = 10.0  # seconds after which a thread ends that has nothing to do

Work = Callable[[], None]


class Threads:
    """As many as there is work at a time; daemons, so that the end of the process waits for none of them."""

    def __init__(self, name: str, *, idle: float = IDLE) -> None:
        """`name` is what each of them is called; `idle` is in seconds."""
        self._name = name
        self._wait = idle
        self._news = threading.Condition()
        self._idle = 0
        self._work: deque[Work] = deque()

    def start(self, work: Work) -> None:
        """Do `work`, which raises nothing, at once. Raises RuntimeError where the machine gives no more threads."""
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
