"""Group commit: waiting writes share the next transaction, so that many writes cost one flush to disk.

The first to arrive leads: it does the others' work too, each as if it were alone, commits once, and tells them. Later
arrivals wait for the next round, led by the one that has waited longest. Nobody is told of success before the commit.
If one write fails, or somebody else holds what it needs, nothing of that round is written, and each write runs alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from itertools import groupby
from threading import Event, Lock
from typing import Any, Protocol, TypeVar

from relay.clock import monotonic
from relay.errors import StoreBusy, StoreUnavailable

AWAY = "the database is away"
MOST = 64  # writes in one transaction: the first should not wait long for the last

T = TypeVar("T")
Key = tuple[str, ...]
SetWork = Callable[[Any, Sequence[Any]], Sequence[Any]]


class Begin(Protocol):
    """Opens a transaction, named for its failpoints; `shared` by several writes."""

    def __call__(self, *names: str, shared: bool = False) -> AbstractContextManager[Any]: ...


@dataclass(slots=True, eq=False)
class _Write:
    """What one thread waits for: its turn to lead, or the result of its work; `alone`: it must run by itself."""

    name: str
    work: SetWork
    item: Any
    order: Key
    ready: Event = field(default_factory=Event)
    leads: bool = False
    alone: bool = False
    result: Any = None
    error: Exception | None = field(default_factory=lambda: StoreUnavailable(AWAY))


class Together:
    """Shares transactions among the threads of a process."""

    def __init__(self, begin: Begin, *, rest: float = 0.0) -> None:
        """`rest` is the seconds after an outage until the store is tried again."""
        self._begin = begin
        self._rest = rest
        self._lock = Lock()
        self._waiting: deque[_Write] = deque()
        self._led = False
        # As of the last round. Writes still queued have waited for that round and are refused at once;
        # then one tries whether the store is back, and nobody waits meanwhile.
        self._away_since: float | None = None

    def __len__(self) -> int:
        """How many are waiting."""
        return len(self._waiting)

    def write(self, name: str, work: Callable[[Any], T], order: Key = ()) -> T:
        """Run `work` in a transaction with the other waiting writes; returns its result once that is committed.

        Writes with a smaller `order` run first, so that all processes lock in the same order. `work` may run twice; the
        first run is rolled back then.
        """
        result: T = self.write_set(name, _each, (copy_context(), work), order)
        return result

    def write_set(self, name: str, work: SetWork, item: Any, order: Key = ()) -> Any:
        """The same with one `item`: a single call of `work` handles all waiting items, and returns a result
        for each.
        """
        mine = _Write(name, work, item, order)
        with self._lock:
            if self._away_since is not None and (self._led or monotonic() < self._away_since + self._rest):
                raise StoreUnavailable(AWAY)
            self._waiting.append(mine)
            mine.leads, self._led = not self._led, True
        if not mine.leads:
            mine.ready.wait()
        if mine.leads:
            self._lead()
        if mine.alone:
            with self._begin(name) as tx:
                return work(tx, [item])[0]
        if mine.error is not None:
            raise mine.error
        return mine.result

    def _lead(self) -> None:
        with self._lock:
            together = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
        is_there = False
        try:
            is_there = self._do(sorted(together, key=lambda one: one.order))
        finally:
            with self._lock:
                self._away_since = None if is_there else monotonic()
                if not is_there:  # later arrivals have waited for it too, and must not wait again
                    together += self._waiting
                    self._waiting.clear()
                following = self._waiting[0] if self._waiting else None
                self._led = following is not None
            for one in together:
                one.ready.set()
            if following is not None:
                following.leads = True
                following.ready.set()

    def _do(self, together: Sequence[_Write]) -> bool:
        """False if the store is unavailable."""
        shared = len(together) > 1
        try:
            with self._begin(*dict.fromkeys(one.name for one in together), shared=shared) as tx:
                for work, found in groupby(together, key=lambda one: one.work):
                    alike = list(found)
                    for one, result in zip(alike, work(tx, [one.item for one in alike]), strict=True):
                        one.result = result
        except Exception as error:  # noqa: BLE001 - whose it was shows when each does its own
            away = isinstance(error, StoreUnavailable) and not isinstance(error, StoreBusy)
            for one in together:
                one.alone, one.error = shared and not away, _anew(error) if away else error
            return not away
        else:
            for one in together:
                one.error = None
        return True


def _anew(error: Exception) -> Exception:
    """A copy for each waiting thread: raising the same error in several threads would mix up their tracebacks."""
    return StoreUnavailable(str(error), code=getattr(error, "code", ""), hint=getattr(error, "hint", ""))


def _each(tx: Any, works: Sequence[tuple[Context, Callable[[Any], Any]]]) -> Sequence[Any]:
    """One by one; log lines name the item."""
    return [context.run(work, tx) for context, work in works]


class Turns:
    """A lock that goes to the thread that has waited longest."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._taken = False
        self._queue: deque[Lock] = deque()

    def acquire(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds for it; False on a timeout."""
        with self._lock:
            if not self._taken:
                self._taken = True
                return True
            mine = Lock()
            mine.acquire()
            self._queue.append(mine)
        if mine.acquire(timeout=timeout):
            return True
        with self._lock:
            if mine in self._queue:
                self._queue.remove(mine)
                return False
        return True  # it came at the last moment

    def release(self) -> None:
        """Pass it on."""
        with self._lock:
            if self._queue:
                self._queue.popleft().release()
            else:
                self._taken = False
