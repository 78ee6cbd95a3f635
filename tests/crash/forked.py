"""Relay processes forked from one that has everything imported: a start costs milliseconds instead of a second."""

from __future__ import annotations

import ctypes
import importlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Mapping
from pathlib import Path

from relay.cli import main
from tests.harness import wait_for

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["pytest", "psycopg", "tests.crash.forked"])

# Starting one asks how all others are, and an exit code can be read only once: not from two threads at the same time.
ASKING = threading.Lock()

PR_SET_PDEATHSIG = 1  # linux/prctl.h

# Waits that no setting shortens: tests do not sit out minutes.
SHORTER = {
    "relay.store.sends.LATE_COPY_LOOK": 2.0,
    "relay.store.copies.LATE_COPY_LOOK": 2.0,
    "relay.store.lanes.LATE_COPY_LOOK": 2.0,
    "relay.delivery.worker.CHORES_EVERY": 0.5,
    "relay.delivery.replies.ECHO_AFTER": 1.0,
}


class ForkedRelay:
    """A `relay` command as a process of its own, with settings from `env` alone."""

    def __init__(self, *command: str, cwd: Path, env: Mapping[str, str]) -> None:
        self._process = FORKS.Process(target=_run, args=(command, str(cwd), dict(env)))
        with ASKING:
            self._process.start()

    def died(self) -> bool:
        """True when a failpoint has ended it; any other end is a mistake."""
        code = self._exit_code()
        assert code in (None, -signal.SIGKILL), f"the relay ended with {code}"
        return code is not None

    def kill(self) -> None:
        """kill -9; it has no children."""
        with ASKING:
            self._process.kill()
        assert wait_for(lambda: self._exit_code() is not None), "kill -9 did not end it"

    def _exit_code(self) -> int | None:
        with ASKING:
            return self._process.exitcode


def _run(command: tuple[str, ...], cwd: str, env: dict[str, str]) -> None:
    os.setsid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # no relay outlives a test run that was broken off
    os.chdir(cwd)
    log = os.open("relay.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.clear()
    os.environ.update(env)
    for place, seconds in SHORTER.items():
        module, _, name = place.rpartition(".")
        setattr(importlib.import_module(module), name, seconds)
    main(command, prog_name="relay")
