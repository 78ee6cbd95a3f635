"""The load as the benchmark sees it: start it, wait for it, read the result of each message."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from bench.speed.load import Plan
from bench.speed.processes import wait_until
from bench.speed.slack import SlackStub
from bench.speed.subjects import GROUPS, HEADERS, WEBHOOK, Running
from tests.harness import ROOT

_RUNS = itertools.count(1)
CALM = 0.5  # seconds until nothing is left to do after threads were opened
OPENING = 2  # messages of each conversation before it is measured, so that its thread exists


@dataclass(frozen=True, slots=True)
class Row:
    """One message: when it was due (monotonic seconds), seconds until the answer, the status (0: none)."""

    group: int
    number: int
    begun: float
    took: float
    status: int


class Load:
    """A running load."""

    def __init__(
        self,
        run: Running,
        *,
        first: int,
        connections: int = 32,
        rate: float = 0.0,
        seconds: float = 60.0,
        count: int = 10**9,
        groups: Sequence[int] = GROUPS,
        kill_at: int = 0,
        kill: Sequence[int] = (),
        again: float = 0.0,
    ) -> None:
        plan = Plan(
            run.port,
            WEBHOOK,
            HEADERS,
            list(groups),
            connections,
            first,
            f"r{next(_RUNS):04d}",
            rate,
            seconds,
            count,
            kill_at,
            tuple(kill),
            again,
        )
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.speed.load"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asdict(plan)).encode())
        self._process.stdin.close()
        self._process.stdin = None

    def stop(self) -> None:
        """Stop writing, without reading the result."""
        self._process.kill()
        self._process.communicate()

    def rows(self) -> list[Row]:
        """The result of each message, once all are answered."""
        output, _ = self._process.communicate()
        if self._process.returncode:
            raise RuntimeError("the load broke off")
        return [Row(*row) for row in json.loads(output)["rows"]]


def open_threads(run: Running, slack: SlackStub, groups: Sequence[int] = GROUPS) -> None:
    """Send each conversation's first messages, one after the other, until they are in Slack."""
    for number in range(OPENING):
        count, wanted = len(groups), {(group, number) for group in groups}
        Load(run, first=number, rate=100.0, count=count, connections=count, groups=groups, again=0.1).rows()
        wait_until(lambda wanted=wanted: wanted <= _posted(slack), 60, "the threads did not open", every=0.05)
    time.sleep(CALM)


def _posted(slack: SlackStub) -> set[tuple[int, int]]:
    return {mark for post in slack.posts() for mark in post.marks}


def all_200(rows: Sequence[Row], name: str) -> Sequence[Row]:
    """Return the same rows; prints a warning if some were not answered 200, because the figures then mean something
    else.
    """
    bad = [row.status for row in rows if row.status != 200]
    if bad:
        print(f"  ! {name}: {len(bad)} of {len(rows)} not answered 200 ({sorted(set(bad))})", flush=True)
    return rows
