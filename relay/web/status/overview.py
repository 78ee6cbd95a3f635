"""The front page of whoever is signed in: whether everything is all right, and what comes in and goes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response
from markupsafe import Markup

from relay.findings import Finding
from relay.store.db.engine import Tx
from relay.store.operations.backlog import backlog, gates_now, last_received_at
from relay.store.operations.history import (
    Histogram,
    Interval,
    exact_percentile,
    history,
    percentile,
    times_since,
)
from relay.vocabulary import GateScope
from relay.web.status.charts import Bar, bars
from relay.web.status.guard import doors
from relay.web.status.render import page
from relay.web.status.verdict import judge
from relay.wiring import Relay

HOUR, DAY = 3600.0, 86400.0
PARTS = ((HOUR, 60.0, "Last hour", "a minute"), (DAY, 1800.0, "Last 24 hours", "half an hour"))
SHARES = (0.5, 0.95, 0.99)
EXACT = 1000  # deliveries whose times are looked at one by one


@dataclass(frozen=True, slots=True)
class Drawn:
    """One row of charts: what was counted, how many, and the chart."""

    what: str
    count: int
    chart: Markup


@dataclass(frozen=True, slots=True)
class Span:
    """The last hour or day: what came in, went out and was given up, and how long it took (p50, p95, p99, seconds).

    `is_exact`: the times were looked at one by one.
    """

    title: str
    rows: Sequence[Drawn]
    percentiles: Sequence[float | None]
    is_exact: bool


def overview() -> Response:
    """How things stand at this moment."""
    relay = doors().relay
    with doors().store.read() as tx:
        standing, gates, last, now = backlog(tx), gates_now(tx), last_received_at(tx), tx.now
        spans = [_span(tx, history(tx, since=now - span, step=step), title, per) for span, step, title, per in PARTS]
    told = any(gate.scope is GateScope.CONFIG for gate in gates)  # of the file, by a worker, in other words
    findings = [one for one in findings_of(relay) if not (told and one in relay.config_errors)]
    verdict = judge(standing, gates, findings, now)
    oldest = None if standing.since is None else now - standing.since
    return page(
        "overview.html",
        live=True,
        verdict=verdict,
        standing=standing,
        oldest=oldest,
        last=None if last is None else now - last,
        spans=spans,
        now=now,
    )


def findings_of(relay: Relay) -> Sequence[Finding]:
    """All that is known to be wrong: the configuration as edited, and what was found of the set-up since the start."""
    found = (*relay.config_errors, *relay.findings, *relay.settings.warnings)
    return tuple({(one.code, one.where): one for one in reversed(found)}.values())[::-1]


def _span(tx: Tx, found: Sequence[Interval], title: str, per: str) -> Span:
    counted = {
        "Received": [Bar(one.start, one.received) for one in found],
        "Delivered": [Bar(one.start, one.delivered) for one in found],
        "Given up": [Bar(one.start, one.failed) for one in found],
    }
    rows = [
        Drawn(what, sum(one.count for one in each), bars(f"{what}, {title.lower()}", each, per=per, style=style))
        for (what, each), style in zip(counted.items(), ("in", "out", "lost"), strict=True)
    ]
    seconds = Histogram()
    for one in found:
        seconds.merge(one.seconds)
    known = times_since(tx, found[0].start, EXACT) if seconds.count <= EXACT else None
    if known is None:
        return Span(title, rows, [_estimate(seconds, share) for share in SHARES], is_exact=False)
    return Span(title, rows, [exact_percentile(known, share) for share in SHARES], is_exact=True)


def _estimate(seconds: Histogram, share: float) -> float | None:
    """To two digits: nobody looks at each of a million."""
    found = percentile(seconds, share)
    return None if found is None else float(f"{found:.2g}")
