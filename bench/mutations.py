"""Sends a million bodies, each slightly different from what the vendors send, to the app's three endpoints.

    python -m bench.mutations --bodies 1000000 --processes 2

Each process has an app without a server, a database of its own and a seed. Every answer must be a 200 or a 4xx. Prints
how many answers of each kind there were, and what a process held in memory after each quarter.
"""

from __future__ import annotations

import argparse
import hmac
import itertools
import json
import logging
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import structlog
from flask.testing import FlaskClient

from relay.store.db.engine import open_store
from relay.store.db.schema import migrate
from relay.web import create_app
from relay.wiring import Relay
from tests.harness import ROOT, auth, settings
from tests.replies.test_endpoints import mutated
from tests.security import test_hostile_bodies
from tests.slack.slack_bodies import CLICKED, ME, callback, changed, deleted, form, message

SECRET = "0123456789abcdef0123456789abcdef"
WEBHOOK, EVENTS, CLICKS = "/kommunicate/webhook", "/slack/events", "/slack/interactions"
GOOD = [
    *((WEBHOOK, path.read_bytes()) for path in sorted((ROOT / "tests/samples/kommunicate").glob("*.json"))),
    *((EVENTS, callback(event)) for event in (message(), changed(message(text="other")), deleted())),
    (CLICKS, form(CLICKED)),
]
CHUNK = 50  # bodies made from one sample before the next one
QUARTERS = 4
PAGE = os.sysconf("SC_PAGE_SIZE")
FINE = {"200", "400", "413", "422"}


def bodies(seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield an endpoint and a body for it, endlessly."""
    for number in itertools.count():
        one = seed * 1_000_003 + number
        for path, good in GOOD:
            yield from ((path, body) for body in mutated(good, one, CHUNK))
        yield from ((WEBHOOK, body) for body in test_hostile_bodies.replaced(one, CHUNK))


def signed(body: bytes) -> dict[str, str]:
    """Headers as Slack signs a request."""
    now = str(int(time.time()))
    made = hmac.new(SECRET.encode(), b"v0:%s:%s" % (now.encode(), body), "sha256").hexdigest()
    return {"X-Slack-Request-Timestamp": now, "X-Slack-Signature": f"v0={made}"}


def knock(seed: int, count: int) -> tuple[Counter[str], list[int]]:
    """Send this many; returns the answers, and the MB held after each quarter."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    answers: Counter[str] = Counter()
    held: list[int] = []
    with tempfile.TemporaryDirectory(prefix="relay-mutations-") as folder, opened(folder) as client:
        for number, (path, body) in enumerate(itertools.islice(bodies(seed), count), start=1):
            headers = auth() if path == WEBHOOK else signed(body)
            headers["Content-Type"] = "application/x-www-form-urlencoded" if path == CLICKS else "application/json"
            answer = client.post(path, data=body, headers=headers)
            answers[str(answer.status_code)] += 1
            answer.close()
            if number % (count // QUARTERS) == 0:
                held.append(_resident())
    return answers, held


@contextmanager
def opened(folder: str) -> Iterator[FlaskClient]:
    """The app, with a database in this folder."""
    with closing(open_store(f"sqlite:///{folder}/relay.db")) as store:
        migrate(store)
        relay = Relay(replace(settings(), slack_signing_secrets=(SECRET,)), store)
        relay.identity = ME
        yield create_app(relay).test_client()


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE // 10**6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bodies", type=int, default=1_000_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    begun, each = time.monotonic(), given.bodies // given.processes
    seeds = range(given.seed, given.seed + given.processes)
    with ProcessPoolExecutor(given.processes) as pool:
        found = list(pool.map(knock, seeds, itertools.repeat(each)))
    answers = sum((one for one, _ in found), Counter[str]())
    held = [quarters for _, quarters in found]
    print(json.dumps({"answers": answers, "held_mb": held, "seconds": round(time.monotonic() - begun)}))
    if not answers.keys() <= FINE:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
