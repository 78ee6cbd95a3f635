"""What the relay costs while nothing happens: CPU time, and memory over ten hours.

    python -m bench.idle --seconds 30 --runs 3 --database both

CPU time of real processes as a share of one core, on an empty store, a store with a thousand conversations and one
with lanes that wait; `relay serve --no-worker` is the empty loop to compare with. Memory of a worker that polls
through ten virtual hours with a message a minute, every fifth of them in a new conversation.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import os
import statistics
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from sqlalchemy import insert, select, update

from bench.soak import database
from relay.delivery.worker import Worker
from relay.messages import ChatMessage, ConversationKey, Decision
from relay.sandbox import Sandbox, SandboxServer
from relay.store import gates
from relay.store.engine import Tx, open_store
from relay.store.received import accept
from relay.store.schema import migrate
from relay.store.tables import conversations, deliveries, lanes, send_parts, sends
from relay.wiring import Relay, build_outbound, do_chores
from tests.harness import NOON, FakeClock, RelayProcess, environment, free_port, raw, settings, wait_for

COMMANDS = {"serve --no-worker": ("serve", "--no-worker"), "serve": ("serve",), "worker": ("worker",)}
CONVERSATIONS, WAITING = 1000, 100
TICKS = os.sysconf("SC_CLK_TCK")
HOUR = 3600.0
SETTLE = 3.0  # seconds for the first round of housekeeping, and whatever a start leaves behind
FEW = 5  # messages of a conversation


def take_in(tx: Tx, number: int, group: int, channel: str = "C0SUPPORT") -> None:
    """Accept one message."""
    message = ChatMessage(ConversationKey("default", str(group)), f"k{number}", "customer-1", NOON, "Hello")
    accept(tx, message, raw(f"k{number}", str(group)), Decision(channel, "channels", ""))


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
    """As many lanes waiting out a retry as standing before a gate that only an operator can open."""
    for number in range(WAITING):
        take_in(tx, number, number)
    tx.conn.execute(update(lanes).values(due=tx.now + HOUR, delay=HOUR, attempts=1))
    for number in range(WAITING, 2 * WAITING):
        take_in(tx, number, number, "C0ARCHIVED")
    gates.shut(tx, "channel", "C0ARCHIVED", HOUR, "archived")


def cpu_seconds(pid: int) -> float:
    """User and system time that a process has used up."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def shares(env: dict[str, str], folder: Path, seconds: float) -> dict[str, float]:
    """Percent of a core that each command uses while idle, all side by side."""
    running = {}
    for name, command in COMMANDS.items():
        own = {**env, "PORT": str(free_port())}
        log = folder / f"{own['PORT']}.log"
        running[name] = RelayProcess(*command, cwd=folder, env=own, log=log.name)
        assert wait_for(lambda log=log: ".started" in log.read_text(), 60)
    time.sleep(SETTLE)
    before, begun = {name: cpu_seconds(one.process.pid) for name, one in running.items()}, time.monotonic()
    time.sleep(seconds)
    wall = time.monotonic() - begun
    found = {name: 100 * (cpu_seconds(one.process.pid) - before[name]) / wall for name, one in running.items()}
    for one in running.values():
        one.stop()
    return found


def idle(kind: str, fill: Callable[[Tx], None], seconds: float, runs: int) -> dict[str, object]:
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


class ForgetfulSlack(BaseHTTPRequestHandler):
    """Takes every post and keeps nothing: what grows beside it is the relay."""

    numbers = itertools.count(1)

    def do_POST(self) -> None:
        post = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        ts = f"{int(NOON)}.{next(self.numbers):06}"
        message = {"thread_ts": post.get("thread_ts")}
        answer = json.dumps({"ok": True, "channel": post["channel"], "ts": ts, "message": message}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def forgetful_slack() -> Iterator[str]:
    """The address of its API."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), ForgetfulSlack)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def live_through(url: str, hours: int, *, poll: float, message_every: float) -> Iterator[dict[str, int]]:
    """A worker on an empty database, in virtual time; tells after each hour what it has delivered and what it holds.

    `poll` and `message_every` are in seconds.
    """
    clock = FakeClock()
    with forgetful_slack() as slack, closing(open_store(url, clock)) as store:
        relay = Relay(replace(settings(database_url=url), slack_api_url=slack), store)
        out = build_outbound(relay)
        worker = Worker(out)
        steps, number, ended = int(hours * HOUR / poll), 0, 0
        for step in range(1, steps + 1):
            clock.advance(poll)
            if step * poll >= number * message_every:
                with store.begin() as tx:
                    take_in(tx, number, number // FEW)
                number += 1
            if step * poll % 60 < poll:
                do_chores(relay, out)
            while worker.run_once():
                pass
            if step * poll // HOUR > ended:
                ended += 1
                with store.read() as tx:
                    done = len(tx.conn.execute(select(deliveries.c.id).filter_by(state="delivered")).all())
                yield {"hour": ended, "delivered": done, **held()}


def held() -> dict[str, int]:
    """What this process holds after a collection: bytes and objects of Python, and its resident set in KiB."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "python_bytes": tracemalloc.get_traced_memory()[0],
        "objects": len(gc.get_objects()),
        "rss_kib": pages * os.sysconf("SC_PAGE_SIZE") // 1024,
    }
