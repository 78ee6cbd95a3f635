"""Runs a nearly idle worker through virtual hours, and reports what it holds in memory after each."""

from __future__ import annotations

import gc
import itertools
import json
import logging
import os
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import structlog
from sqlalchemy import func, select

from relay.delivery.worker import Worker
from relay.messages import ChatMessage, ConversationKey, Decision
from relay.store.db.engine import Store, Tx, open_store
from relay.store.db.tables import deliveries
from relay.store.intake.webhooks import accept
from relay.wiring import Relay, build_context, build_housekeeping
from tests.harness import NOON, FakeClock, raw, settings

HOUR = 3600.0
FEW = 5  # messages per conversation


class ForgetfulSlack(BaseHTTPRequestHandler):
    """Accepts every post and keeps nothing, so that whatever grows is the relay."""

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
        """Log nothing."""


@contextmanager
def forgetful_slack() -> Iterator[str]:
    """Yield the address of its API."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), ForgetfulSlack)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def take_in(tx: Tx, number: int, group: int, channel: str = "C0SUPPORT") -> None:
    """Accept one message."""
    message = ChatMessage(ConversationKey("default", str(group)), f"k{number}", "customer-1", NOON, "Hello")
    accept(tx, message, raw(f"k{number}", str(group)), Decision(channel, "channels", ""))


def live_through(
    url: str, hours: int, *, poll: float, message_every: float, chores_every: float
) -> Iterator[dict[str, int]]:
    """Run a worker on an empty database, in virtual time; yields after each hour what it has delivered and what it
    holds.

    `poll`, `message_every` and `chores_every` are in seconds; the last two are multiples of the first.
    """
    clock, number = FakeClock(), 0
    with forgetful_slack() as slack, closing(open_store(url, clock)) as store:
        relay = Relay(replace(settings(database_url=url, remind={"after": "never"}), slack_api_url=slack), store)
        out = build_context(relay)
        worker, house = Worker(out), build_housekeeping(relay, out)
        for step in range(1, int(hours * HOUR / poll) + 1):
            clock.advance(poll)
            if step * poll % message_every == 0:
                with store.begin() as tx:
                    take_in(tx, number, number // FEW)
                number += 1
            if step * poll % chores_every == 0:
                for chore in house.chores:
                    chore()
            while worker.run_once():
                pass
            if step * poll % HOUR == 0:
                yield {"hour": int(step * poll / HOUR), "delivered": delivered(store), **held()}


def delivered(store: Store) -> int:
    """How many messages have been delivered."""
    done = select(func.count()).select_from(deliveries).filter_by(state="delivered")
    with store.read() as tx:
        return int(tx.conn.execute(done).scalar_one())


def held() -> dict[str, int]:
    """What this process holds after a collection: Python's bytes (if traced) and objects, and its resident set."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "python_bytes": tracemalloc.get_traced_memory()[0],
        "objects": len(gc.get_objects()),
        "rss_kib": pages * os.sysconf("SC_PAGE_SIZE") // 1024,
    }


def main() -> None:
    """Run ten hours, polling once a minute, on the empty database with the given URL; prints a line of JSON for each
    hour.
    """
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    tracemalloc.start()
    for hour in live_through(sys.argv[1], 10, poll=60.0, message_every=1800.0, chores_every=1800.0):
        print(json.dumps(hour), flush=True)


if __name__ == "__main__":
    main()
