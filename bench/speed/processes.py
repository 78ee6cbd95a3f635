"""Measured processes: started as their users start them, asked what they used, and ended for good."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.harness import ROOT

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
PYTHON = (sys.executable, "-m")


class Family:
    """A process and all its children: they share its session."""

    def __init__(self, command: Sequence[str], folder: Path, env: Mapping[str, str], *, log: str) -> None:
        self.log = folder / log
        clean = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env={**clean, "PYTHONPATH": str(ROOT), **env},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._process.pid

    @property
    def has_ended(self) -> bool:
        """True if the first of them has ended."""
        return self._process.poll() is not None

    def cpu_seconds(self) -> float:
        """User and system time of all of them so far, including those that were waited for."""
        return sum(cpu_seconds(stat) for stat in _stats() if int(stat[3]) == self.pid)

    def resident_bytes(self) -> int:
        """Memory that all of them hold."""
        return sum(int(stat[21]) * PAGE for stat in _stats() if int(stat[3]) == self.pid)

    def kill(self) -> None:
        """kill -9, including children."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        for pid in [pid for pid, stat in _numbered() if int(stat[3]) == self.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()

    def tail(self) -> str:
        """The end of its output."""
        return self.log.read_text(errors="replace")[-2000:]


def cpu_seconds(stat: Sequence[str]) -> float:
    """User and system time, including that of children that have ended, from the fields after a process's name."""
    return sum(map(int, stat[11:15])) / TICKS


def cpu_of_tree(pid: int) -> float:
    """The same for a process and its children, whatever their sessions."""
    return sum(cpu_seconds(stat) for other, stat in _numbered() if pid in (other, int(stat[1])))


def _stats() -> Iterator[list[str]]:
    return (stat for _, stat in _numbered())


def _numbered() -> Iterator[tuple[int, list[str]]]:
    """Yield for each process on this machine its number, and the fields after its name."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            yield int(path.parent.name), path.read_text().rpartition(")")[2].split()


@contextmanager
def running(families: Sequence[Family]) -> Iterator[None]:
    """Yield running processes, which are killed at the end, whatever happens."""
    try:
        yield
    finally:
        for one in families:
            one.kill()


def wait_until(condition: object, seconds: float, what: str, *, every: float = 0.02) -> float:
    """Wait until a callable returns true; returns how many seconds that took, raises TimeoutError after `seconds`."""
    assert callable(condition)
    begun = time.monotonic()
    while not condition():
        if time.monotonic() - begun > seconds:
            raise TimeoutError(what)
        time.sleep(every)
    return time.monotonic() - begun
