"""Checks an upgrade with a backlog, a rollback, and two versions side by side: nothing lost, duplicated or reordered.

    python -m bench.two_versions --old 0123abc --database postgres

`--old` is a commit of an earlier version; its code is checked out of the repository. Customers write all the time, into
a Slack that is too slow for them, so that there is a backlog at every change. On SQLite one version follows the other;
on PostgreSQL both deliver at the same time. At each change, the running relays are killed.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.soak import CONVERSATIONS, SETTLE, Load, compare, database, is_complete, shown
from relay.sandbox import Sandbox, SandboxServer
from tests.harness import ROOT, environment, free_port, wait_for
from tests.processes import RelayProcess, spawned

POSTS_PER_SECOND = 2  # and channels: four conversations write more than goes out in as many posts
CHANNELS = 5
PAUSE = 0.4  # seconds between two messages of a conversation
CONFIG = (
    f"delivery: {{posts_per_second: {POSTS_PER_SECOND}, call_deadline: 2s, lease: 4s, confirm_after: [0.3s, 1s]}}\n"
    "channels:\n" + "".join(f"  {7000 + number}: C0SOAK{number % CHANNELS}\n" for number in range(CONVERSATIONS))
)
# What runs in each phase, the one that takes webhooks first; between two phases all of them are killed.
PHASES: dict[str, Sequence[Sequence[str]]] = {
    "sqlite": (("old serve",), ("new serve",), ("old serve",), ("new serve",)),
    "postgres": (
        ("old serve", "old worker"),
        ("old serve", "new worker"),
        ("new serve", "old worker", "new worker"),
        ("old serve", "old worker"),
        ("new serve", "new worker"),
    ),
}


@dataclass
class House:
    """Where both versions are, and what runs."""

    code: dict[str, Path]
    folder: Path
    server: SandboxServer
    url: str
    relays: list[RelayProcess] = field(default_factory=list)

    def migrate(self, version: str) -> str:
        """Run `relay migrate` of a version; returns its output."""
        command = [sys.executable, "-m", "relay", "migrate"]
        env = {"PYTHONPATH": str(self.code[version]), "DATABASE_URL": self.url}
        done = subprocess.run(command, cwd=self.folder, env=env, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def change(self, phase: Sequence[str]) -> RelayProcess:
        """Kill everything that runs and start these; returns the one that takes webhooks."""
        self.kill()
        for words in phase:
            version, command = words.split()
            more = {"RELAY_CONFIG_YAML": CONFIG, "PYTHONPATH": str(self.code[version]), "PORT": str(free_port())}
            env = {**environment(self.server, self.url), **more}
            self.relays.append(RelayProcess(command, cwd=self.folder, env=env, start=spawned))
        self.relays[0].wait_ready()
        return self.relays[0]

    def kill(self) -> None:
        """kill -9, all of them."""
        while self.relays:
            self.relays.pop().kill()


def take_out(commit: str, folder: Path) -> Path:
    """Check out the code of that commit."""
    packed = subprocess.run(["git", "archive", commit, "relay"], cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def live_through(kind: str, old: str, seconds: float) -> dict[str, object]:
    """Run it, with this many seconds for each phase; returns the figures."""
    with tempfile.TemporaryDirectory(prefix="relay-versions-") as name, database(kind, Path(name)) as url:
        folder = Path(name)
        server = SandboxServer(Sandbox(pace=POSTS_PER_SECOND, burst=3)).start()
        for number in range(CHANNELS):
            server.sandbox.slack.add_channel(f"C0SOAK{number}", f"soak-{number}")
        house = House({"old": take_out(old, folder / "old"), "new": ROOT}, folder, server, url)
        said = [house.migrate("old")]
        load, writers, backlog = Load(house.change(PHASES[kind][0])), [], []
        for number in range(CONVERSATIONS):
            writers.append(threading.Thread(target=load.write, args=(number, PAUSE)))
            writers[-1].start()
        for phase in PHASES[kind][1:]:
            time.sleep(seconds)
            backlog.append(load.count() - sum(map(len, shown(server).values())))
            said.append(house.migrate("new" if any("new" in words for words in phase) else "old"))
            load.relay = house.change(phase)
        time.sleep(seconds)
        load.stop.set()
        for writer in writers:
            writer.join()
        wait_for(lambda: is_complete(load, server), SETTLE, every=0.5)
        figures = compare(load.accepted, shown(server))
        server.sandbox.core.closing.set()
        house.kill()
        server.stop()
    return {"database": kind, "old": old, "migrate": said, "backlog_at_each_change": backlog, **figures}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--old", required=True)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    given = parser.parse_args()
    found = live_through(given.database, given.old, given.seconds)
    print(json.dumps(found))
    if found["lost"] or found["doubled"] or found["reordered"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
