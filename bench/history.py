"""Measures how long the figures for `/metrics`, charts and alerts take, with a million deliveries stored.

    python -m bench.history --stored 1000000 --days 1 --database both

The deliveries are spread evenly over the days. Prints for each figure the median and maximum of twenty runs, and this
process's own CPU time, in milliseconds. On a busy machine only the CPU time is meaningful.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from bench.soak import database
from bench.speed import stored
from relay.metrics import render_metrics
from relay.store.db.engine import Store, Tx, open_store
from relay.store.db.schema import migrate
from relay.store.operations.alerts import put_back, take_news
from relay.store.operations.history import ended_so_far, history
from relay.store.operations.minutes import roll_up
from relay.store.operations.totals import count_settled

TIMES = 20


def _charts(days: float, step: float) -> Callable[[Tx], object]:
    return lambda tx: history(tx, since=tx.now - days * 86400.0, step=step)


READ: dict[str, Callable[[Tx], object]] = {
    "an hour by minutes": _charts(1 / 24, 60.0),
    "a day by quarters": _charts(1.0, 900.0),
    "a week by hours": _charts(7.0, 3600.0),
    "all so far": ended_so_far,
}


def count(store: Store) -> tuple[float, float]:
    """The first run of the chore, which counts everything: seconds in total, and in the longest step."""
    took = []
    for chore in (count_settled, roll_up):
        more = True
        while more:
            begun = time.monotonic()
            with store.begin() as tx:
                more = chore(tx)
            took.append(time.monotonic() - begun)
    return sum(took), max(took)


def timed(work: Callable[[], object]) -> dict[str, float]:
    took, used = [], []
    for _ in range(TIMES):
        begun, cpu = time.monotonic(), time.process_time()
        work()
        took.append(1000 * (time.monotonic() - begun))
        used.append(1000 * (time.process_time() - cpu))
    median = statistics.median
    return {"median": round(median(took), 1), "longest": round(max(took), 1), "processor": round(median(used), 1)}


def look_for_alerts(store: Store) -> None:
    """The queries of the alerts chore, which runs each minute."""
    with store.begin() as tx:
        news = take_news(tx, "post", lag=300.0, besides="C0OPS")
        if news is not None:
            put_back(tx, news)


def figures(kind: str, messages: int, days: float) -> dict[str, object]:
    """Fill a database, count it as the chores do, and measure the queries."""
    stored.DAYS = days
    with tempfile.TemporaryDirectory(prefix="relay-history-") as name, database(kind, Path(name)) as url:
        with closing(open_store(url, patience=None)) as store:
            migrate(store)
            stored.fill(store, messages, time.time())
        with closing(open_store(url)) as store:
            whole, longest = count(store)
            stored.tidy_up(store)
            return {
                "database": kind,
                "stored": messages,
                "days": days,
                "first_count_s": round(whole, 1),
                "longest_step_s": round(longest, 2),
                **{name: timed(lambda work=work: _read(store, work)) for name, work in READ.items()},  # type: ignore[misc]
                "/metrics": timed(lambda: render_metrics(store)),
                "alerts": timed(lambda: look_for_alerts(store)),
            }


def _read(store: Store, work: Callable[[Tx], object]) -> None:
    with store.read() as tx:
        work(tx)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stored", type=int, default=1_000_000)
    parser.add_argument("--days", type=float, default=1.0)
    parser.add_argument("--database", choices=("sqlite", "postgres", "both"), default="both")
    given = parser.parse_args()
    for kind in ("sqlite", "postgres") if given.database == "both" else (given.database,):
        print(json.dumps(figures(kind, given.stored, given.days)), flush=True)


if __name__ == "__main__":
    main()
