"""What else the machine is doing: figures measured while others use it are unreliable, and say so."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.speed.processes import TICKS

TOO_MUCH = 20.0  # percent of the machine: if others use more, measure again
CALM = 0.15  # share of the machine that others may use
LOOK = 0.5  # seconds
_CORES = os.cpu_count() or 1


def busy_seconds() -> float:
    """CPU time that all processes of the machine have used so far."""
    user, nice, system, _idle, _wait, irq, soft, *_ = map(
        int, Path("/proc/stat").read_text().split("\n")[0].split()[1:]
    )
    return (user + nice + system + irq + soft) / TICKS


def wait_for_calm(patience: float) -> float:
    """Wait at most this many seconds until the machine is otherwise idle; returns the share of it that others use."""
    deadline = time.monotonic() + patience
    while True:
        before, begun = busy_seconds(), time.monotonic()
        time.sleep(LOOK)
        share = (busy_seconds() - before) / (time.monotonic() - begun) / _CORES
        if share <= CALM or time.monotonic() >= deadline:
            return share


@contextmanager
def others_share(ours: Callable[[], float]) -> Iterator[list[float]]:
    """Yield the share of the machine, in percent, that others use meanwhile; `ours` returns our own CPU time."""
    found: list[float] = []
    busy, mine, begun = busy_seconds(), ours() + _own(), time.monotonic()
    yield found
    used = busy_seconds() - busy - (ours() + _own() - mine)
    found.append(max(0.0, 100 * used / (time.monotonic() - begun) / _CORES))


def _own() -> float:
    """CPU time of this process and its children that have ended."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)
