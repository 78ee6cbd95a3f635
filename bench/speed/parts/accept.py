"""As many webhooks as possible: 32 connections, each sends again as soon as it has its answer (P1, P2, P7)."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench.speed.loading import OPENING, Load, all_200, open_threads
from bench.speed.records import Value, percentile
from bench.speed.slack import SlackStub
from bench.speed.subjects import Running, Subject

CONNECTIONS = 32
ACCEPTS, MEDIAN, SLOWEST = "accepts at saturation", "answer at saturation, p50", "answer at saturation, p99"
POSTS = "posts meanwhile"
SHOWN = "messages shown meanwhile"


def accept(subject: Subject, run: Running, slack: SlackStub, seconds: float) -> Iterator[Value]:
    """Webhooks accepted per second, how long answers take, and what is posted meanwhile."""
    if subject.delivers:
        open_threads(run, slack)
    else:
        Load(run, first=0, seconds=0.5).rows()
    before, begun = slack.figures(), time.monotonic()
    load = Load(run, first=OPENING, connections=CONNECTIONS, seconds=seconds)
    time.sleep(seconds)
    after, wall = slack.figures(), time.monotonic() - begun
    rows = all_200(load.rows(), subject.name)
    first, last = min(row.begun for row in rows), max(row.begun + row.took for row in rows)
    took = [1000 * row.took for row in rows]
    yield Value(ACCEPTS, subject.name, sum(row.status == 200 for row in rows) / (last - first), "1/s")
    yield Value(MEDIAN, subject.name, percentile(took, 50), "ms")
    yield Value(SLOWEST, subject.name, percentile(took, 99), "ms")
    if subject.delivers:
        yield Value(POSTS, subject.name, (after["posts"] - before["posts"]) / wall, "1/s")
        yield Value(SHOWN, subject.name, (after["shown"] - before["shown"]) / wall, "1/s")
