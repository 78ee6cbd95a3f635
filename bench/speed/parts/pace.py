"""A fixed number of webhooks per second, whatever the answers do: 200 over 50 channels (P2, P3), or 20 (P3, P8)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress

from bench.speed.loading import OPENING, Load, Row, all_200, open_threads
from bench.speed.processes import wait_until
from bench.speed.records import Value, percentile
from bench.speed.slack import SlackStub, first_shown
from bench.speed.subjects import GROUPS, Running, Subject

FAST, SLOW = 200, 20  # webhooks per second
DRAIN = 60.0  # seconds until a backlog is given up
IDLE = 2.0  # seconds in which nothing happens, to measure what that costs
REST = 1.0  # seconds after the last post until everything is settled


def answer(rate: int, percent: int) -> str:
    """The name of a measure."""
    return f"answer at {rate}/s, p{percent}"


def arrival(rate: int, percent: int) -> str:
    """The name of a measure."""
    return f"webhook to Slack at {rate}/s, p{percent}"


BACKLOG, CAUGHT_UP, LOST = f"unposted after {FAST}/s", f"caught up after {FAST}/s", f"never posted at {FAST}/s"
COST, COST_WITH_DATABASE = "processor time of a message", "processor time of a message, database server's too"
IDLE_COST = "processor time at rest"


def pace(subject: Subject, run: Running, slack: SlackStub, seconds: float) -> Iterator[Value]:
    """How long an answer takes at 200/s, how long until Slack is called, and whether a backlog grows."""
    if subject.delivers:
        open_threads(run, slack)
    rows = _load(subject, run, FAST, seconds)
    yield from _answers(subject, rows, FAST)
    if not subject.delivers:
        return
    ended = max(row.begun for row in rows)
    _drain(slack, rows)
    shown = first_shown(slack.posts())
    mine = [shown[row.group, row.number] for row in rows if (row.group, row.number) in shown]
    yield from _arrivals(subject, rows, slack, FAST)
    yield Value(BACKLOG, subject.name, len(rows) - sum(at <= ended for at in mine), "messages")
    yield Value(CAUGHT_UP, subject.name, max(0.0, max(mine) - ended), "s")
    yield Value(LOST, subject.name, len(rows) - len(mine), "messages")


def rest(subject: Subject, run: Running, slack: SlackStub, seconds: float) -> Iterator[Value]:
    """How long until Slack is called at 20/s, and what a message costs."""
    open_threads(run, slack)
    own, server = _idle(run)
    cpu, begun, database = run.cpu_seconds(), time.monotonic(), run.postgres.cpu_seconds() if run.postgres else 0.0
    rows = _load(subject, run, SLOW, seconds)
    _drain(slack, rows)
    time.sleep(REST)
    wall = time.monotonic() - begun
    used = run.cpu_seconds() - cpu - own * wall
    yield from _answers(subject, rows, SLOW)
    yield from _arrivals(subject, rows, slack, SLOW)
    yield Value(COST, subject.name, 1000 * used / len(rows), "ms")
    yield Value(IDLE_COST, subject.name, 100 * own, "% of a core")
    if run.postgres:
        used += run.postgres.cpu_seconds() - database - server * wall
    yield Value(COST_WITH_DATABASE, subject.name, 1000 * used / len(rows), "ms")


def _idle(run: Running) -> tuple[float, float]:
    """Shares of a core that its processes, and its database server's, use while nothing happens."""
    own, server = run.cpu_seconds(), run.postgres.cpu_seconds() if run.postgres else 0.0
    time.sleep(IDLE)
    later = run.postgres.cpu_seconds() if run.postgres else 0.0
    return (run.cpu_seconds() - own) / IDLE, (later - server) / IDLE


def _load(subject: Subject, run: Running, rate: int, seconds: float) -> Sequence[Row]:
    load = Load(run, first=OPENING, connections=len(GROUPS), rate=rate, seconds=seconds)
    return all_200(load.rows(), subject.name)


def _drain(slack: SlackStub, rows: Sequence[Row]) -> None:
    """Wait until everything that was answered 200 is posted; the figures show what never arrives."""
    wanted = {(row.group, row.number) for row in rows if row.status == 200}
    with suppress(TimeoutError):
        wait_until(lambda: first_shown(slack.posts()).keys() >= wanted, DRAIN, "backlog", every=0.2)


def _answers(subject: Subject, rows: Sequence[Row], rate: int) -> Iterator[Value]:
    for percent in (50, 99):
        yield Value(answer(rate, percent), subject.name, percentile([1000 * row.took for row in rows], percent), "ms")


def _arrivals(subject: Subject, rows: Sequence[Row], slack: SlackStub, rate: int) -> Iterator[Value]:
    shown = first_shown(slack.posts())
    late = [1000 * (shown[at] - row.begun) for row in rows if (at := (row.group, row.number)) in shown]
    for percent in (50, 99):
        yield Value(arrival(rate, percent), subject.name, percentile(late, percent), "ms")
