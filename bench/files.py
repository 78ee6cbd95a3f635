"""Measures whether files delay messages, and how much memory they take: large files in both directions at once.

    python -m bench.files --files 100 --megabytes 20 --seconds 20 --database both --kept-in database

Prints the seconds from the commit to Slack for messages, p50 and p99, without files and beside them, and the most
memory that the relay's process took meanwhile, in MB. Half of the files come from customers, half from agents.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import requests

from bench.places import KEPT_IN, place
from bench.soak import database
from relay.sandbox import Sandbox, SandboxServer
from relay.sandbox.slack.sharing import settle
from tests.harness import auth, body, environment, timeline, wait_for
from tests.processes import RelayProcess, spawned

CHATS, RATE = 20, 10.0
MOST = "4 GB"  # limit for stored files: all that are sent must fit
FIRST = 101  # the number of the first chat
CONFIG = (
    f"channels: {{{', '.join(f'{FIRST + chat}: C0F{chat}' for chat in range(CHATS))}}}\n"
    "replies: {undo_seconds: 0}\ndelivery: {posts_per_second: 1000, burst: 1000}\n"
)


class Town:
    """A relay with open chats."""

    def __init__(self, server: SandboxServer, relay: RelayProcess) -> None:
        self.server, self.relay, self.said = server, relay, 0
        self.most = 0.0  # MB

    def say(self, text: str, chat: int) -> None:
        """A customer writes, through the webhook."""
        url = f"{self.relay.url}/kommunicate/webhook"
        assert requests.post(url, json=body(text, FIRST + chat, text), headers=auth(), timeout=10).status_code == 200

    def words(self, seconds: float, until: threading.Event | None = None) -> dict[str, float]:
        """Send messages at an even rate for this long, and until `until` is true; returns how long each took to be
        shown.
        """
        accepted, begun, count = {}, time.monotonic(), 0
        while count < RATE * seconds or (until is not None and not until.is_set()):
            time.sleep(max(0.0, begun + count / RATE - time.monotonic()))
            text = f"word-{self.said:06d}"
            self.said, count = self.said + 1, count + 1
            self.say(text, count % CHATS)
            accepted[text] = time.time()
        assert wait_for(lambda: accepted.keys() <= self.shown().keys(), 60)
        shown = self.shown()
        took = [max(0.0, shown[text] - at) for text, at in accepted.items()]
        return {"p50": statistics.median(took), "p99": statistics.quantiles(took, n=100)[98]}

    def shown(self) -> dict[str, float]:
        """When each message was shown."""
        found = {}
        for message in self.server.sandbox.slack.messages:
            blocks = json.dumps(message.blocks)
            for at in range(len(blocks)):
                if message.thread_ts and blocks.startswith("word-", at):
                    found[blocks[at : at + 11]] = float(message.ts)
        return found

    def watch(self, until: threading.Event) -> None:
        """Record how much memory the process takes."""
        status = Path(f"/proc/{self.relay.process.pid}/status")
        while not until.wait(0.1):
            line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
            self.most = max(self.most, int(line.split()[1]) / 1024)

    def send_files(self, count: int, size: int) -> None:
        """Send as many from customers as from agents, one chat after the other."""
        sandbox, content = self.server.sandbox, b"%PDF-1.7\n" + bytes(size - 9)
        roots = {one["channel"]: one["ts"] for one in timeline(self.server) if one["thread_ts"] is None}
        for number in range(count // 2):
            chat = number % CHATS
            file = sandbox.kommunicate.files.public(f"in-{number}.pdf", content)
            sandbox.kommunicate.customer_writes(str(FIRST + chat), f"file {number}", file=file)
            paper = sandbox.slack.cabinet.put(f"out-{number}.pdf", content=content)
            channel = f"C0F{chat}"
            sandbox.slack.human_writes(channel, f"reply {number}", thread_ts=roots[channel], files=[paper])

    def have_come(self, count: int) -> bool:
        """True when all files are where they should be."""
        settle(self.server.sandbox.slack)
        shown = sum(bool(message.files) and bool(message.bot_id) for message in self.server.sandbox.slack.messages)
        known = self.server.sandbox.kommunicate.conversation
        lines = [known(str(FIRST + chat)).lines for chat in range(min(CHATS, count // 2))]
        reached = sum("/files/" in line.text for each in lines for line in each if line.source == 4)
        return shown + reached == count


def measure(kind: str, kept_in: str, count: int, size: int, seconds: float) -> dict[str, Any]:
    """One run."""
    with (
        tempfile.TemporaryDirectory(prefix="relay-files-") as name,
        database(kind, Path(name)) as url,
        place(kept_in, Path(name)) as where,
        SandboxServer(Sandbox(pace=0)) as server,
    ):
        for number in range(CHATS):
            server.sandbox.slack.add_channel(f"C0F{number}", f"f-{number}")
        env = environment(
            server,
            url,
            RELAY_CONFIG_YAML=CONFIG,
            SLACK_SIGNING_SECRET="sandbox-signing-secret",
            RELAY_FILES_MAX=MOST,
            **where,
        )
        relay = RelayProcess("serve", cwd=Path(name), env=env, start=spawned)
        try:
            relay.wait_ready()
            server.sandbox.connect(relay.url)
            town, done = Town(server, relay), threading.Event()
            threading.Thread(target=town.watch, args=(done,), daemon=True).start()
            for chat in range(CHATS):
                town.say(f"hello {chat}", chat)
            assert wait_for(lambda: len(timeline(server)) == 2 * CHATS, 60)
            alone, before = town.words(seconds), town.most
            begun, came = time.monotonic(), threading.Event()
            town.send_files(count, size)
            took = [0.0]

            def wait() -> None:
                came_all = wait_for(lambda: town.have_come(count), 900, every=0.5)
                took[0] = time.monotonic() - begun if came_all else float("nan")
                came.set()

            threading.Thread(target=wait, daemon=True).start()
            beside = town.words(0, came)
            done.set()
        finally:
            relay.kill()
    return {
        "database": kind,
        "kept in": kept_in,
        "words alone": alone,
        "words beside files": beside,
        "MB before": round(before),
        "MB at most": round(town.most),
        "files took": round(took[0], 1),
    }


def main() -> None:
    """Print one line of JSON per database."""
    parser = argparse.ArgumentParser(prog="python -m bench.files", description=__doc__)
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--megabytes", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--database", choices=("sqlite", "postgres", "both"), default="both")
    parser.add_argument("--kept-in", choices=KEPT_IN, default="database", help="agents' files")
    options = parser.parse_args()
    for kind in ("sqlite", "postgres") if options.database == "both" else (options.database,):
        print(json.dumps(measure(kind, options.kept_in, options.files, options.megabytes * 1024**2, options.seconds)))


if __name__ == "__main__":
    main()
