"""What the relay holds in memory after many messages, and how long it takes to start (P5)."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

from bench.speed.loading import OPENING, Load, open_threads
from bench.speed.machine import wait_for_calm
from bench.speed.processes import PYTHON, running, wait_until
from bench.speed.records import Value
from bench.speed.scene import Scene
from bench.speed.subjects import GROUPS, RELAY, START_WAIT, Running
from tests.harness import ROOT

BATCH = 1_000
DRAIN = 120.0  # seconds
MB = 1_000_000
START, HELP = "start until /readyz", "relay --help"


def resident(messages: int) -> str:
    """The name of a measure."""
    return f"resident memory after {messages:,} messages"


def memory(scene: Scene) -> Iterator[Value]:
    """Start times in each round, memory once."""
    for number in range(1, scene.rounds + 1):
        print(f"memory {number}/{scene.rounds}: starts", flush=True)
        wait_for_calm(scene.patience)
        yield Value(HELP, "relay", _seconds(*PYTHON, "relay", "--help"), "s")
        yield Value("python -c pass", "python", _seconds(sys.executable, "-c", "pass"), "s")
        for kind in scene.kinds:
            yield from _started(scene, kind)
    for kind in scene.kinds:
        print(f"memory: {scene.messages:,} messages, {kind}", flush=True)
        yield from _held(scene, kind)


def _seconds(*command: str) -> float:
    begun = time.monotonic()
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - begun


def _started(scene: Scene, kind: str) -> Iterator[Value]:
    """Start on an existing database."""
    subject = RELAY[kind]
    with subject.place(scene.slack, scene.postgres) as (folder, url):
        for first in (True, False):
            begun = time.monotonic()
            run = subject.launch(folder, scene.slack, scene.postgres, url)
            with running(run.families):
                wait_until(
                    lambda run=run: run.answers(subject.ready), START_WAIT, "the relay did not start", every=0.01
                )
                if not first:
                    yield Value(START, subject.name, time.monotonic() - begun, "s")


def _held(scene: Scene, kind: str) -> Iterator[Value]:
    subject = RELAY[kind]
    with subject.started(scene.slack, scene.postgres) as run:
        open_threads(run, scene.slack)
        yield Value(resident(0), subject.name, run.resident_bytes() / MB, "MB")
        first = OPENING
        for done in range(BATCH, scene.messages + 1, BATCH):
            first = _batch(scene, run, first)
            if done == BATCH or done + BATCH > scene.messages:
                yield Value(resident(done), subject.name, run.resident_bytes() / MB, "MB")


def _batch(scene: Scene, run: Running, first: int) -> int:
    """Send this many messages and wait until they are posted; returns the next message number of each conversation."""
    before = scene.slack.figures()["shown"]
    rows = Load(run, first=first, count=BATCH, connections=len(GROUPS)).rows()
    wait_until(lambda: scene.slack.figures()["shown"] >= before + len(rows), DRAIN, "a batch was not posted", every=0.1)
    return max(row.number for row in rows) + 1
