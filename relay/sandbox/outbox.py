"""Sends HTTP requests from the sandbox to the relay: in order per lane, retried, with each answer recorded."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import requests

from relay.sandbox.core import Core


@dataclass
class Outgoing:
    """One request to the relay and its results; `statuses` holds 0 if there was no answer.

    `carry` delivers it in another way than HTTP, and returns the equivalent of a status.
    """

    lane: str
    url: str
    body: bytes
    headers: Mapping[str, str]
    key: str = ""
    not_before: float = 0.0  # on the monotonic clock
    carry: Callable[[Outgoing], int] | None = None
    statuses: list[int] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)

    @property
    def accepted(self) -> bool:
        """True once the relay has answered 2xx."""
        return any(200 <= status < 300 for status in self.statuses)


class Outbox:
    """One short-lived thread per busy lane, so a slow answer delays only its own conversation."""

    def __init__(self, core: Core, retry: tuple[float, ...]) -> None:
        """`retry` lists the waits, in seconds, before the second, third, ... attempt."""
        self.retry = retry
        self.sent: list[Outgoing] = []
        self._core = core
        self._lanes: dict[str, deque[Outgoing]] = {}
        self._idle = threading.Condition(core.lock)

    def put(self, item: Outgoing) -> Outgoing:
        """Queues behind what the lane already holds, and returns at once."""
        with self._core.lock:
            self.sent.append(item)
            waiting = self._lanes.get(item.lane)
            if waiting is not None:
                waiting.append(item)
                return item
            self._lanes[item.lane] = deque([item])
        threading.Thread(target=self._drain, args=(item.lane,), name="sandbox-outbox", daemon=True).start()
        return item

    def wait_idle(self, timeout: float = 10.0) -> bool:
        """True if everything queued was sent or given up within `timeout` seconds."""
        with self._core.lock:
            return self._idle.wait_for(lambda: not self._lanes, timeout)

    def _drain(self, lane: str) -> None:
        while True:
            with self._core.lock:
                if not self._lanes[lane]:
                    del self._lanes[lane]
                    self._idle.notify_all()
                    return
                item = self._lanes[lane].popleft()
            self._deliver(item)
            self._core.touch()

    def _deliver(self, item: Outgoing) -> None:
        self._core.closing.wait(max(0.0, item.not_before - time.monotonic()))
        for pause in (0.0, *self.retry):
            if self._core.closing.wait(pause):
                break
            status = self._attempt(item)
            item.statuses.append(status)
            if 0 < status < 500:
                break
        item.done.set()

    def _attempt(self, item: Outgoing) -> int:
        if item.carry is not None:
            return item.carry(item)
        with requests.Session() as session:
            session.trust_env = False  # bypasses the machine's proxy
            try:
                answer = session.post(
                    item.url, data=item.body, headers=dict(item.headers), timeout=10, allow_redirects=False
                )
            except requests.RequestException:
                return 0
            return answer.status_code
