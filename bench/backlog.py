"""Measures how long it takes to show a backlog: twelve customers write fifty messages each, at once, into one channel.

    python -m bench.backlog --database postgres

A relay process works against a Slack that accepts one post per second, with no burst. Exits with 1 unless every message
is visible once and in order within a minute of the first, and Slack refused at most two posts.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from bench.soak import database
from relay.sandbox import Sandbox, SandboxServer
from tests.harness import body, environment, timeline, words
from tests.processes import RelayProcess, spawned

CONVERSATIONS = 12
EACH = 50
AT_ONCE = 4  # concurrent requests: more would only queue in this process
CHANNEL = "C0SUPPORT"
CONFIG = f"default_channel: {CHANNEL}\n"
DEADLINE = 60.0  # seconds from the first message until the last is visible
REFUSALS = 2  # posts that Slack may refuse as too fast: the relay has no other way to learn its limit
PATIENCE = 0.1  # seconds until a refused webhook is repeated
POLL = 1.0  # seconds between checks: each costs CPU time of the Slack that is measured
MARK = re.compile(r"\bm(\d+)x(\d+)\b")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result; `seconds` from the first message to the last post, `posts` those that Slack accepted."""

    visible: int
    seconds: float
    posts: int
    refused: int
    once_and_in_order: bool

    @property
    def as_promised(self) -> bool:
        """True if everything is visible in time and in order, with few refusals."""
        return self.once_and_in_order and self.seconds <= DEADLINE and self.refused <= REFUSALS


def write(relay: RelayProcess, number: int, conversation: int) -> None:
    """One customer writes one message, and repeats it until the relay answers 200."""
    text = f"m{conversation}x{number} and where is my parcel?"
    payload = body(f"k{conversation}-{number}", 7000 + conversation, text, **{"from": f"customer-{conversation}"})
    payload["timeStamp"] = int(time.time() * 1000)
    while relay.post(payload).status_code != 200:
        time.sleep(PATIENCE)


def shown(server: SandboxServer) -> dict[int, list[int]]:
    """The numbers of the messages in threads, in Slack's order, per conversation."""
    found: dict[int, list[int]] = {}
    for message in timeline(server):
        if message["thread_ts"] is not None:
            for conversation, number in MARK.findall(words(message)):
                found.setdefault(int(conversation), []).append(int(number))
    return found


def outcome(server: SandboxServer, visible: Mapping[int, list[int]], begun: float) -> Outcome:
    """The figures, from Slack's record of calls."""
    calls = [call for call in server.sandbox.calls if call["method"] == "chat.postMessage"]
    statuses = Counter(call["status"] for call in calls)
    return Outcome(
        visible=sum(map(len, visible.values())),
        seconds=round(max(call["time"] for call in calls) - begun, 1),
        posts=statuses[200],
        refused=statuses[429],
        once_and_in_order=visible == {number: list(range(EACH)) for number in range(CONVERSATIONS)},
    )


def backlog(database_url: str, folder: Path) -> Outcome:
    """Run it on an empty database; the relay's log goes into `folder`."""
    with SandboxServer(Sandbox(pace=1, burst=1)) as server:
        env = environment(server, database_url, RELAY_CONFIG_YAML=CONFIG)
        relay = RelayProcess("serve", cwd=folder, env=env, start=spawned)
        try:
            relay.wait_ready()
            begun = time.time()
            with ThreadPoolExecutor(AT_ONCE) as customers:
                for number in range(EACH):
                    list(customers.map(partial(write, relay, number), range(CONVERSATIONS)))
            while sum(map(len, shown(server).values())) < CONVERSATIONS * EACH and time.time() - begun <= DEADLINE:
                time.sleep(POLL)
            return outcome(server, shown(server), begun)
        finally:
            relay.kill()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgres", "both"), default="both")
    given = parser.parse_args()
    kinds = ("sqlite", "postgres") if given.database == "both" else (given.database,)
    results = []
    for kind in kinds:
        with tempfile.TemporaryDirectory(prefix="relay-backlog-") as name, database(kind, Path(name)) as url:
            results.append(backlog(url, Path(name)))
        print(json.dumps({"database": kind, **asdict(results[-1])}), flush=True)
    if not all(result.as_promised for result in results):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
