"""Measures what an idle relay costs: CPU time, and memory over ten hours.

    python -m bench.idle --seconds 30 --runs 3 --database both

CPU time of real processes as a share of one core: on an empty store, on one with a thousand conversations, and on one
with waiting lanes. `relay serve --no-worker` is the empty loop to compare with. Memory of a worker that polls through
ten virtual hours with a message a minute, every fifth of them in a new conversation.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy import insert, select, update

from bench.hours import HOUR, live_through, take_in
from bench.soak import database
from relay.sandbox import Sandbox, SandboxServer
from relay.store.db.engine import Tx, open_store
from relay.store.db.schema import migrate
from relay.store.db.tables import conversations, deliveries, lanes, send_parts, sends
from relay.store.queue.closing import close_for_failure
from relay.vocabulary import GateScope
from tests.harness import NOON, environment, free_port, wait_for
from tests.processes import RelayProcess, spawned

COMMANDS = {"serve --no-worker": ("serve", "--no-worker"), "serve": ("serve",), "worker": ("worker",)}
CONVERSATIONS, WAITING = 1000, 100
TICKS = os.sysconf("SC_CLK_TCK")
SETTLE = 3.0  # seconds for the first round of housekeeping, and whatever a start leaves behind
HELD = ("python_bytes", "objects", "rss_kib")


def nothing(_tx: Tx) -> None:
    """An empty store."""


def delivered(tx: Tx) -> None:
    """A thousand conversations, all delivered."""
    for number in range(CONVERSATIONS):
        take_in(tx, number, number)
    tx.conn.execute(update(conversations).values(thread_ts="17.000001"))
    tx.conn.execute(update(deliveries).values(state="delivered", settled_at=tx.now))
    tx.conn.execute(update(lanes).values(due=None, waiting_since=None))
    post = {"lane": "words", "seq": 1, "kind": "post", "payload": "{}", "channel": "C0SUPPORT", "state": "delivered"}
    ids = tx.conn.execute(select(deliveries.c.id, deliveries.c.conversation_id)).all()
    rows = [{**post, "id": f"s{one.id}", "conversation_id": one.conversation_id, "created_at": NOON} for one in ids]
    tx.conn.execute(insert(sends), rows)
    parts = [{"send_id": f"s{one.id}", "delivery_id": one.id, "part": 0, "live": True} for one in ids]
    tx.conn.execute(insert(send_parts), parts)


def waiting(tx: Tx) -> None:
    """Lanes that wait for a retry, and as many behind a gate that only an operator can open."""
    for number in range(WAITING):
        take_in(tx, number, number)
    tx.conn.execute(update(lanes).values(due=tx.now + HOUR, delay=HOUR, attempts=1))
    for number in range(WAITING, 2 * WAITING):
        take_in(tx, number, number, "C0ARCHIVED")
    close_for_failure(tx, GateScope.CHANNEL, "C0ARCHIVED", HOUR, cause="archived")


def cpu_seconds(pid: int) -> float:
    """User and system time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def shares(env: dict[str, str], folder: Path, seconds: float) -> dict[str, float]:
    """What percentage of a core each command uses while idle, all running at once."""
    running = {}
    for name, command in COMMANDS.items():
        own = {**env, "PORT": str(free_port())}
        running[name] = RelayProcess(*command, cwd=folder, env=own, log=f"{own['PORT']}.log", start=spawned)
        assert wait_for(partial(has_started, folder / f"{own['PORT']}.log"), 60)
    time.sleep(SETTLE)
    before, begun = {name: cpu_seconds(one.process.pid) for name, one in running.items()}, time.monotonic()
    time.sleep(seconds)
    wall = time.monotonic() - begun
    found = {name: 100 * (cpu_seconds(one.process.pid) - before[name]) / wall for name, one in running.items()}
    for one in running.values():
        one.stop()
    return found


def has_started(log: Path) -> bool:
    """True once a process says so."""
    return ".started" in log.read_text()


def cpu(kind: str, fill: Callable[[Tx], None], seconds: float, runs: int) -> dict[str, object]:
    """The medians of some runs on a store that `fill` has prepared."""
    with tempfile.TemporaryDirectory(prefix="relay-idle-") as name, database(kind, Path(name)) as url:
        with closing(open_store(url)) as store:
            migrate(store)
            with store.begin() as tx:
                fill(tx)
        with SandboxServer(Sandbox()) as server:
            env = environment(server, url)
            measured = [shares(env, Path(name), seconds) for _ in range(runs)]
    medians = {name: round(statistics.median(one[name] for one in measured), 2) for name in COMMANDS}
    return {"database": kind, "store": fill.__name__, "cpu_percent": medians}


def memory(kind: str) -> dict[str, object]:
    """What is held after the first and after the tenth hour, and the growth."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory(prefix="relay-idle-") as name, database(kind, Path(name)) as url:
        with closing(open_store(url)) as store:
            migrate(store)
        tracemalloc.start()
        hourly = list(live_through(url, 10, poll=1.0, message_every=60.0, chores_every=60.0))
        tracemalloc.stop()
    first, last = hourly[0], hourly[-1]
    return {"database": kind, "first": first, "last": last, "growth": {name: last[name] - first[name] for name in HELD}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--database", choices=("sqlite", "postgres", "both"), default="both")
    parser.add_argument("--only", choices=("cpu", "memory"))
    given = parser.parse_args()
    for kind in ("sqlite", "postgres") if given.database == "both" else (given.database,):
        for fill in (nothing, delivered, waiting) if given.only != "memory" else ():
            print(json.dumps(cpu(kind, fill, given.seconds, given.runs)), flush=True)
        if given.only != "cpu":
            print(json.dumps(memory(kind)), flush=True)


if __name__ == "__main__":
    main()
