"""Kills the relay at random moments under load and counts what happened to every message that was answered 200.

    python -m bench.soak --kills 200 --seed 7 --database postgres

Customers write into twenty conversations, in order, and repeat what was not answered 200. Relays are killed with kill
-9. Between two kills, one is suspended for longer than its lease, calls about half of the channels hang or are refused,
and PostgreSQL, which has three relays, is restarted. At the end, Slack's timeline is compared with what was accepted.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import re
import signal
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from relay.sandbox import Sandbox, SandboxServer
from tests.harness import body, environment, timeline, wait_for, words
from tests.own_postgres import OwnPostgres, own_postgres
from tests.processes import RelayProcess, spawned

CONVERSATIONS = 20
HEALTHY = 10  # this many are in channels that only the relay's own kills affect
POSTS_PER_SECOND = 20
LEASE = 4.0  # seconds
SETTLE = 180.0  # seconds after the last message for everything to become visible, and late copies to disappear
CONFIG = (
    f"delivery: {{posts_per_second: {POSTS_PER_SECOND}, call_deadline: 2s, lease: {LEASE:g}s, "
    "confirm_after: [0.3s, 1s], retry: [0.2, 1, 2]}\n"
    "channels:\n" + "".join(f"  {7000 + number}: C0SOAK{number}\n" for number in range(CONVERSATIONS))
)


@dataclass
class Load:
    """Customers who write until told to stop; `accepted` is what was answered 200, in order, per conversation."""

    relay: RelayProcess
    accepted: dict[int, list[str]] = field(default_factory=lambda: {number: [] for number in range(CONVERSATIONS)})
    at: dict[str, float] = field(default_factory=dict)  # when each was accepted
    stop: threading.Event = field(default_factory=threading.Event)

    def write(self, number: int, pause: float) -> None:
        count = 0
        while not self.stop.is_set():
            text = f"m{number}x{count}"
            payload = body(f"soak-{number}-{count}", 7000 + number, text)
            while not self._answered_200(payload):
                self.stop.wait(0.02)
                if self.stop.is_set():
                    return  # never answered, so nothing was promised
            self.accepted[number].append(text)
            self.at[text] = time.time()
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
    """Yield the URL of an empty database of this kind."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'soak.db'}"
        return
    with own_postgres(folder) as postgres:
        yield postgres.url


def shown(server: SandboxServer) -> dict[int, list[str]]:
    """The messages in Slack, in Slack's order, per conversation."""
    found: dict[int, list[str]] = {number: [] for number in range(CONVERSATIONS)}
    for text, _ in shown_at(server):
        found[int(text[1:].partition("x")[0])].append(text)
    return found


def shown_at(server: SandboxServer) -> Iterator[tuple[str, float]]:
    """Yield each of them, and when it was posted."""
    for message in timeline(server):
        if message["thread_ts"] is not None:
            for text in re.findall(r"\bm(\d+)x(\d+)\b", words(message)):
                yield f"m{text[0]}x{text[1]}", float(message["ts"])


@dataclass
class Scene:
    """The running relays, their vendors and their database."""

    server: SandboxServer
    postgres: OwnPostgres | None
    env: dict[str, str]
    folder: Path
    dice: random.Random
    relays: list[RelayProcess] = field(default_factory=list)
    happened: Counter[str] = field(default_factory=Counter)

    def begin(self) -> None:
        """Start the relay that takes webhooks, and on PostgreSQL two more workers."""
        self.relays = [self._start("serve")]
        self.relays[0].wait_ready()
        self.relays += [self._start("worker") for _ in range(2 if self.postgres else 0)]

    def _start(self, command: str) -> RelayProcess:
        env = self.env if command == "serve" else {**self.env, "PORT": "0"}
        return RelayProcess(command, cwd=self.folder, env=env, start=spawned)

    def kill(self) -> RelayProcess:
        """Kill a random relay, and start another in its place; returns the one that takes webhooks."""
        which = self.dice.randrange(len(self.relays))
        self.relays[which].kill()
        self.relays[which] = self._start("worker" if which else "serve")
        if which == 0:
            self.relays[0].wait_ready()
        return self.relays[0]

    def stop_for_longer_than_its_lease(self) -> None:
        """Suspend a random relay for longer than its lease."""
        process = self.dice.choice(self.relays).process
        process.send_signal(signal.SIGSTOP)
        time.sleep(self.dice.uniform(0.5, 1.5 * LEASE))
        process.send_signal(signal.SIGCONT)

    def let_calls_hang(self) -> None:
        """Calls about one channel are answered too late, some of them after they were carried out."""
        kind = self.dice.choice(("timeout_before", "timeout_after"))
        self._fault(kind, seconds=self.dice.uniform(1.0, 5.0), times=self.dice.randint(1, 3))

    def refuse(self) -> None:
        """Slack refuses posts to one channel for a while."""
        self._fault(**self.dice.choice(REFUSALS))

    def restart_database(self) -> None:
        """Restart the database as after a power cut."""
        if self.postgres is not None:
            self.postgres.restart()

    def _fault(self, kind: str, **rule: Any) -> None:
        channel = f"C0SOAK{self.dice.randrange(HEALTHY, CONVERSATIONS)}"
        self.server.sandbox.faults.add("chat.postMessage", kind, channel=channel, **rule)


REFUSALS: tuple[dict[str, Any], ...] = (
    {"kind": "ratelimited", "retry_after": "2", "times": 3},
    {"kind": "error", "code": "internal_error", "times": 3},
    {"kind": "error", "code": "invalid_blocks"},
    {"kind": "html", "done": True, "times": 2},
    {"kind": "reset_after", "times": 2},
)
TROUBLE: Mapping[str, Callable[[Scene], None]] = {
    "stopped": Scene.stop_for_longer_than_its_lease,
    "hung": Scene.let_calls_hang,
    "refused": Scene.refuse,
    "database_restarted": Scene.restart_database,
}


def soak(kind: str, kills: int, seconds: float, seed: int) -> dict[str, object]:
    """Run it; returns the figures."""
    with tempfile.TemporaryDirectory(prefix="relay-soak-") as name, _database(kind, Path(name)) as (url, postgres):
        server = SandboxServer(Sandbox(pace=POSTS_PER_SECOND, burst=3)).start()
        for number in range(CONVERSATIONS):
            server.sandbox.slack.add_channel(f"C0SOAK{number}", f"soak-{number}")
        env = environment(server, url, RELAY_CONFIG_YAML=CONFIG)
        scene = Scene(server, postgres, env, Path(name), random.Random(seed))
        scene.begin()
        load = Load(scene.relays[0])
        writers = [threading.Thread(target=load.write, args=(n, 0.2)) for n in range(CONVERSATIONS)]
        for writer in writers:
            writer.start()
        recoveries = list(_kill_and_restart(load, scene, kills, seconds))
        load.stop.set()
        for writer in writers:
            writer.join()
        wait_for(lambda: is_complete(load, server), SETTLE, every=0.5)
        figures = {**compare(load.accepted, shown(server)), "healthy_s": _lags(load, server)}
        server.sandbox.core.closing.set()
        for relay in scene.relays:
            relay.kill()
        server.stop()
    times = {"p50": statistics.median(recoveries), "max": max(recoveries)} if recoveries else {}
    return {
        "database": kind,
        "seed": seed,
        "kills": len(recoveries),
        **scene.happened,
        **figures,
        "recovery_s": {name: round(value, 2) for name, value in times.items()},
    }


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[tuple[str, OwnPostgres | None]]:
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'soak.db'}", None
        return
    with own_postgres(folder) as postgres:
        yield postgres.url, postgres


def is_complete(load: Load, server: SandboxServer) -> bool:
    """True when everything is in Slack once."""
    return all(sorted(texts) == sorted(load.accepted[number]) for number, texts in shown(server).items())


def _lags(load: Load, server: SandboxServer) -> dict[str, float]:
    """From the 200 until Slack showed it, in channels that are affected only by the relay's own kills."""
    healthy = [max(0.0, at - load.at[text]) for text, at in shown_at(server)
               if int(text[1:].partition("x")[0]) < HEALTHY and text in load.at]  # fmt: skip
    cuts = statistics.quantiles(healthy, n=100)
    return {"p50": round(cuts[49], 2), "p99": round(cuts[98], 2), "max": round(max(healthy), 2)}


def _kill_and_restart(load: Load, scene: Scene, kills: int, seconds: float) -> Iterator[float]:
    """Yield, for each kill, the seconds from the kill until Slack shows something new."""
    deadline = time.monotonic() + seconds
    for _ in range(kills):
        if time.monotonic() > deadline:
            return
        time.sleep(scene.dice.uniform(0.05, 1.5))
        if scene.dice.random() < 0.5:
            what = scene.dice.choice([name for name in TROUBLE if scene.postgres or name != "database_restarted"])
            scene.happened[what] += 1
            TROUBLE[what](scene)
        begun, before = time.monotonic(), len(scene.server.sandbox.slack.messages)
        load.relay = scene.kill()
        assert wait_for(lambda seen=before: len(scene.server.sandbox.slack.messages) > seen, 60)
        yield time.monotonic() - begun


def compare(accepted: dict[int, list[str]], visible: dict[int, list[str]]) -> dict[str, int]:
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
