"""Measures how much memory hostile files cost: 200 MB against a limit of 25, and pictures of 900 million pixels.

    python -m bench.hostile_files --times 5 --database both --kept-in database

They arrive from customers and from agents at once, each with a message. Prints the memory of the relay's process in MB,
before and at most; how many of the messages arrived; and what the threads say about the files.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import threading
from collections import Counter
from pathlib import Path
from typing import Any

from bench.files import CONFIG, FIRST, Town
from bench.places import KEPT_IN, place
from bench.soak import database
from relay.sandbox import Sandbox, SandboxServer
from tests.bombs import BOMBS, larger
from tests.harness import environment, timeline, wait_for, words
from tests.processes import RelayProcess, spawned

REASON = re.compile(r"(?:brought here: |\()((?:the file|the picture|it) [^.)]+)")


def send(town: Town, times: int) -> int:
    """Send each kind from a customer and from an agent, in a chat of its own; returns the number of files."""
    sandbox, contents = town.server.sandbox, {name: make() for name, make in BOMBS.items()} | {"large.pdf": larger()}
    roots = {one["channel"]: one["ts"] for one in timeline(town.server) if one["thread_ts"] is None}
    for number in range(times):
        for chat, (name, content) in enumerate(contents.items()):
            file = sandbox.kommunicate.files.public(name, content, size=5)
            sandbox.kommunicate.customer_writes(str(FIRST + chat), f"comes-{number}-{chat}.", file=file)
            paper = sandbox.slack.cabinet.put(name, content=content, size=5)
            channel = f"C0F{chat}"
            sandbox.slack.human_writes(channel, f"goes-{number}-{chat}.", thread_ts=roots[channel], files=[paper])
    return 2 * times * len(contents)


def arrived(town: Town) -> int:
    """How many of the messages with files arrived."""
    shown = "\n".join(words(one) for one in timeline(town.server) if one["thread_ts"] and one.get("bot_id"))
    known = town.server.sandbox.kommunicate.conversation
    reached = [
        line.text for chat in range(len(BOMBS) + 1) for line in known(str(FIRST + chat)).lines if line.source == 4
    ]
    return len(set(re.findall(r"comes-\d+-\d+\.", shown))) + len(set(re.findall(r"goes-\d+-\d+\.", "\n".join(reached))))


def reasons(town: Town) -> Counter[str]:
    """What the threads say about files that did not arrive, and how often."""
    lines = (line for one in timeline(town.server) if one["thread_ts"] for line in words(one).splitlines())
    return Counter(found[1] for line in lines if line.startswith("•") and (found := REASON.search(line)))


def measure(kind: str, kept_in: str, times: int) -> dict[str, Any]:
    """One run."""
    with (
        tempfile.TemporaryDirectory(prefix="relay-hostile-") as name,
        database(kind, Path(name)) as url,
        place(kept_in, Path(name)) as where,
        SandboxServer(Sandbox(pace=0)) as server,
    ):
        for number in range(len(BOMBS) + 1):
            server.sandbox.slack.add_channel(f"C0F{number}", f"f-{number}")
        env = environment(server, url, RELAY_CONFIG_YAML=CONFIG, SLACK_SIGNING_SECRET="sandbox-signing-secret", **where)
        relay = RelayProcess("serve", cwd=Path(name), env=env, start=spawned)
        try:
            relay.wait_ready()
            server.sandbox.connect(relay.url)
            town, done = Town(server, relay), threading.Event()
            threading.Thread(target=town.watch, args=(done,), daemon=True).start()
            for chat in range(len(BOMBS) + 1):
                town.say(f"hello {chat}", chat)
            assert wait_for(lambda: len(timeline(server)) == 2 * (len(BOMBS) + 1), 60)
            before, count = town.most, send(town, times)
            assert wait_for(lambda: sum(reasons(town).values()) == count, 900, every=0.5), (reasons(town), count)
            done.set()
            return {
                "database": kind,
                "kept in": kept_in,
                "files": count,
                "words there": arrived(town),
                "lines": reasons(town),
                "MB before": round(before),
                "MB at most": round(town.most),
            }
        finally:
            relay.kill()


def main() -> None:
    """Print one line of JSON per database."""
    parser = argparse.ArgumentParser(prog="python -m bench.hostile_files", description=__doc__)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--database", choices=("sqlite", "postgres", "both"), default="both")
    parser.add_argument("--kept-in", choices=KEPT_IN, default="database")
    options = parser.parse_args()
    for kind in ("sqlite", "postgres") if options.database == "both" else (options.database,):
        print(json.dumps(measure(kind, options.kept_in, options.times)))


if __name__ == "__main__":
    main()
