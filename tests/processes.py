"""Relay processes: real ones, and ones forked from a process that has everything imported.

A real one imports for a second of a core; a forked one starts in milliseconds and is the same from there on: a process
of its own with its own environment, folder, signals and threads. `python -m relay` itself has tests of its own
(`tests/flow/test_host.py`, `tests/flow/test_demo_page.py`).
"""

from __future__ import annotations

import ctypes
import importlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from multiprocessing import connection
from pathlib import Path
from typing import Any, Protocol

import requests

from relay.cli import main
from tests.harness import PATIENCE, ROOT, TOKEN, auth, wait_for

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["pytest", "tests.processes", "tests.warm"])

# Starting one asks how all others are, and an exit code can be read only once: not from two threads at the same time.
_ASKING = threading.Lock()

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Process(Protocol):
    """What both kinds have in common: as of subprocess.Popen."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int) -> None: ...


Start = Callable[[tuple[str, ...], Path, Mapping[str, str], Path], Process]


def spawned(command: tuple[str, ...], cwd: Path, env: Mapping[str, str], log: Path) -> Process:
    """`python -m relay` as whoever runs it types it; its output goes to the end of `log`."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "relay", *command],
            cwd=cwd,
            env={"PYTHONPATH": str(ROOT), **env},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


class Forked:
    """The same as a copy of a process that has everything imported.

    `shorter` are waits that no setting shortens: where a number of seconds is kept, and what it is in that process.
    """

    def __init__(
        self,
        command: tuple[str, ...],
        cwd: Path,
        env: Mapping[str, str],
        log: Path,
        shorter: Mapping[str, float] | None = None,
    ) -> None:
        self._process = FORKS.Process(target=_run, args=(command, str(cwd), dict(env), str(log), dict(shorter or {})))
        with _ASKING:
            self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        with _ASKING:
            return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        connection.wait([self._process.sentinel], timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired("relay", timeout or 0.0)
        return code

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:  # afterwards its number may be another's
            with suppress(ProcessLookupError):
                os.kill(self.pid, sig)


def _run(command: tuple[str, ...], cwd: str, env: dict[str, str], log: str, shorter: dict[str, float]) -> None:
    os.setsid()
    if sys.platform == "linux":  # no relay outlives a test run that was broken off
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.chdir(cwd)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.clear()
    os.environ.update(env)
    tempfile.tempdir = None  # to be found anew in that environment
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests may ignore it
    for place, seconds in shorter.items():
        module, _, name = place.rpartition(".")
        setattr(importlib.import_module(module), name, seconds)
    main(command, prog_name="relay")


class RelayProcess:
    """A `relay` command as a process of its own, with settings from the environment alone."""

    def __init__(
        self, *command: str, cwd: Path, env: Mapping[str, str], log: str = "relay.log", start: Start = Forked
    ) -> None:
        self.port = int(env.get("PORT", "0"))
        # Each asked for by name: between two tests pytest changes the environment, and some relays start in threads.
        clean = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "XDG_RUNTIME_DIR") if name in os.environ}
        self.log = cwd / log
        self.log.touch()  # whoever reads it may be faster than the process
        self.process = start(command, cwd, {**clean, **env}, self.log)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait_ready(self, timeout: float = PATIENCE) -> None:
        """Until /readyz answers 200."""
        assert wait_for(self._ready, timeout), "the relay did not become ready"

    def post(self, payload: Any, token: str = TOKEN) -> requests.Response:
        """Send one webhook."""
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        headers = {"Content-Type": "application/json", **auth(token)}
        return requests.post(f"{self.url}/kommunicate/webhook", data=data, headers=headers, timeout=PATIENCE)

    def kill(self) -> None:
        """kill -9; it has no children."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)

    def stop(self, timeout: float = PATIENCE) -> int:
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout)
        finally:
            self.kill()

    def _ready(self) -> bool:
        with suppress(requests.RequestException):
            return requests.get(f"{self.url}/readyz", timeout=10).status_code == 200
        ended = self.process.poll()
        assert ended is None, f"the relay ended with {ended}"
        return False


# Waits that no setting shortens: crash tests do not sit out minutes.
SHORTER = {
    "relay.store.queue.lanes.LATE_COPY_LOOK": 4.0,
    "relay.delivery.confirm.COPIES_AGAIN": 1.0,
    "relay.delivery.confirm.FAILED_LOOKS": (0.5, 1.0, 2.0, 5.0),
    "relay.store.queue.closing.RECHECK": (0.5, 1.0),
    "relay.delivery.worker.CHORES_EVERY": 0.5,
    "relay.delivery.policy.ECHO_AFTER": 1.0,
    "relay.delivery.handlers.replies.ECHO_AFTER": 1.0,
}


HASTY = (
    "{posts_per_second: 1000, burst: 1000, call_deadline: 0.5s, lease: 1s, "
    "confirm_after: [0.05s, 0.3s], retry: [0.05s]}"
)
"""The `delivery` of relays that die all the time."""


class MortalRelay(RelayProcess):
    """`relay serve` with a failpoint that ends it, and with short waits; `shorter` changes more of them."""

    def __init__(self, cwd: Path, env: Mapping[str, str], shorter: Mapping[str, float] | None = None) -> None:
        super().__init__("serve", cwd=cwd, env=env, start=partial(Forked, shorter={**SHORTER, **(shorter or {})}))

    def died(self) -> bool:
        """True when the failpoint has ended it; any other end is a mistake."""
        code = self.process.poll()
        assert code in (None, -signal.SIGKILL), f"the relay ended with {code}"
        return code is not None
