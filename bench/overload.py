"""Sends far more webhooks than the relay can handle, for minutes: what is answered, what it holds, what arrives.

    python -m bench.overload --seconds 300 --connections 500 --database sqlite

500 conversations in 50 channels that accept one post per second. Each writes its next message as soon as the previous
one is answered, which is at least ten times what one relay takes in at a comfortable rate. Prints the answers and their
times, the peak memory, and how long after the end everything that was answered 200 was in Slack, how often and in which
order.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.speed.databases import Postgres, postgres_server
from bench.speed.loading import OPENING, Load, Row
from bench.speed.parts.loss import compared
from bench.speed.processes import wait_until
from bench.speed.slack import SlackStub, slack_stub
from bench.speed.subjects import RELAY, Running

CHANNELS = 50
MOST_MEMORY = 512e6  # bytes: the smallest host on sale
DRAINED_WITHIN = 1800.0  # seconds


def overload(kind: str, seconds: float, connections: int) -> dict[str, object]:
    """Run it; returns the figures."""
    groups = range(7000, 7000 + connections)
    mapping = "".join(f"  {group}: C0B{group % CHANNELS}\n" for group in groups)
    with tempfile.TemporaryDirectory(prefix="relay-overload-") as name, _postgres(kind, Path(name)) as postgres:
        more = {"RELAY_CONFIG_YAML": f"delivery: {{burst: 1}}\nchannels:\n{mapping}"}
        with slack_stub(Path(name), pace=1.1) as slack, RELAY[kind].started(slack, postgres, **more) as run:
            with _watched(run) as held:
                load = Load(run, first=OPENING, connections=connections, groups=groups, seconds=seconds)
                rows = load.rows()
                accepted = {(row.group, row.number) for row in rows if row.status == 200}
                drained = wait_until(lambda: _shown(slack) >= len(accepted), DRAINED_WITHIN, "not all came", every=1.0)
            in_threads = [post for post in slack.posts() if post.thread_ts]  # cards quote messages too
            lost, doubled, disordered = compared(accepted, in_threads)
    return {
        "database": kind,
        "connections": connections,
        "answers": dict(Counter(row.status for row in rows)),
        "accepted_per_second": round(len(accepted) / seconds),
        "answer_s": _times(rows),
        "peak_mb": round(max(held) / 1e6),
        "drained_s": round(drained),
        "lost": lost,
        "doubled": doubled,
        "out_of_order": disordered,
    }


def _shown(slack: SlackStub) -> int:
    return slack.figures()["shown"]


def _times(rows: Sequence[Row]) -> dict[str, float]:
    took = sorted(row.took for row in rows)
    places = {"p50": len(took) // 2, "p99": len(took) * 99 // 100, "max": len(took) - 1}
    return {name: round(took[place], 2) for name, place in places.items()}


@contextmanager
def _postgres(kind: str, folder: Path) -> Iterator[Postgres | None]:
    if kind == "sqlite":
        yield None
        return
    with postgres_server(folder) as postgres:
        yield postgres


@contextmanager
def _watched(run: Running) -> Iterator[list[int]]:
    """What the relay's processes hold in memory, each second."""
    held, over = [run.resident_bytes()], threading.Event()

    def watch() -> None:
        while not over.wait(1.0):
            held.append(run.resident_bytes())

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield held
    finally:
        over.set()
        watching.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--connections", type=int, default=500)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    given = parser.parse_args()
    found = overload(given.database, given.seconds, given.connections)
    print(json.dumps(found))
    if found["lost"] or found["doubled"] or found["out_of_order"] or float(str(found["peak_mb"])) * 1e6 > MOST_MEMORY:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
