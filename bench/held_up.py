"""Measures whether calls that hang or drip delay healthy conversations.

    python -m bench.held_up --database postgres --trouble channels_hang

A relay process, a sandbox, and ten healthy channels, each of which gets a message every other second, and an agent's
reply to every other message. Meanwhile, one of `TROUBLE` happens for as long as the healthy customers write. Prints how
late healthy messages and replies are.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.soak import database
from relay.sandbox import Sandbox, SandboxServer
from tests.harness import body, environment, timeline, wait_for, words
from tests.processes import RelayProcess, spawned

HEALTHY = [7100 + number for number in range(10)]
SICK = [7200 + number for number in range(40)]  # two channels have two each
EVERY = 2.0  # seconds between two messages of a healthy conversation
POST, SEND, NAMES = "chat.postMessage", "/rest/ws/message/v2/send", "/rest/ws/user/v2/detail"
LONG = 60.0  # seconds: much longer than any call waits
MARK = re.compile(r"\bm(\d+)x(\d+)\b")


def channel_of(group: int) -> str:
    """Each healthy conversation has its own channel, and so does each pair of sick ones."""
    return f"C0H{group}" if group in HEALTHY else f"C0S{(group - SICK[0]) // 2}"


CHANNELS = "".join(f"  {group}: {channel_of(group)}\n" for group in (*HEALTHY, *SICK))
CONFIG = f"replies: {{undo_seconds: 0}}\nchannels:\n{CHANNELS}"


@dataclass
class Office:
    """A running relay, its vendors, and when everything was written and arrived."""

    server: SandboxServer
    relay: RelayProcess
    written: dict[str, float] = field(default_factory=dict)
    answered: dict[str, float] = field(default_factory=dict)

    def write(self, group: int, number: int) -> None:
        """A customer writes."""
        mark = f"m{group}x{number}"
        assert self.relay.post(body(mark, group, mark, **{"from": f"customer-{group}"})).status_code == 200
        self.written[mark] = time.time()

    def answer(self, group: int, number: int) -> None:
        """An agent replies in the thread."""
        mark = f"m{group}x{number}"
        roots = [one for one in timeline(self.server) if one["channel"] == channel_of(group) and not one["thread_ts"]]
        self.answered[mark] = time.time()
        self.server.sandbox.slack.human_writes(channel_of(group), mark, thread_ts=roots[0]["ts"])

    def shown(self) -> dict[str, float]:
        """When each message of a healthy conversation appeared in its thread."""
        found: dict[str, float] = {}
        for message in timeline(self.server):
            if message["thread_ts"] and message["user"] == "U0RELAY":
                for group, number in MARK.findall(words(message)):
                    found.setdefault(f"m{group}x{number}", float(message["ts"]))
        return found

    def reached(self) -> dict[str, float]:
        """When each reply reached its customer."""
        found: dict[str, float] = {}
        for group in HEALTHY:
            for line in self.server.sandbox.kommunicate.conversation(str(group)).lines:
                if line.source == 4 and MARK.fullmatch(line.text):
                    found.setdefault(line.text, line.time / 1000)
        return found

    def lags(self, since: Mapping[str, float], seen: Callable[[], Mapping[str, float]]) -> list[float]:
        """How many seconds each took; for those that have not arrived, the time so far."""
        wait_for(lambda: seen().keys() >= since.keys(), 2 * LONG)
        found, now = seen(), time.time()
        return [max(0.0, found.get(mark, now) - at) for mark, at in since.items()]


def nothing(_: Office) -> None:
    """No trouble, for comparison."""


def channels_hang(office: Office) -> None:
    """Twenty channels: no call about them is ever answered."""
    _for_sick_channels(office, "timeout_before", seconds=LONG)


def channels_drip(office: Office) -> None:
    """Twenty channels: every answer about them arrives one byte at a time, including its head."""
    _for_sick_channels(office, "drip_headers", interval=0.2)


def slack_hangs(office: Office) -> None:
    """Forty conversations whose posts all hang; Kommunicate works."""
    _for_sick_channels(office, "timeout_before", seconds=LONG)


def kommunicate_hangs(office: Office) -> None:
    """No request to Kommunicate is ever answered."""
    office.server.sandbox.faults.add("/*", "timeout_before", seconds=LONG, times=None)
    _sick_agents_answer(office)


def kommunicate_drips(office: Office) -> None:
    """Kommunicate's answers arrive one byte at a time."""
    office.server.sandbox.faults.add("/*", "drip_headers", interval=0.2, times=None)
    _sick_agents_answer(office)


TROUBLE: dict[str, Callable[[Office], None]] = {
    one.__name__: one
    for one in (nothing, channels_hang, channels_drip, slack_hangs, kommunicate_hangs, kommunicate_drips)
}
OF_KOMMUNICATE = (kommunicate_hangs, kommunicate_drips)


def _for_sick_channels(office: Office, kind: str, **rule: object) -> None:
    for channel in sorted({channel_of(group) for group in SICK}):
        office.server.sandbox.faults.add("*", kind, channel=channel, times=None, **rule)
    for group in SICK:
        office.write(group, 1)


def _sick_agents_answer(office: Office) -> None:
    for group in SICK:
        roots = [one for one in timeline(office.server) if words(one) and one["channel"] == channel_of(group)]
        thread = next(one["ts"] for one in roots if not one["thread_ts"])
        office.server.sandbox.slack.human_writes(channel_of(group), "hello", thread_ts=thread)


def held_up(url: str, folder: Path, trouble: str, *, rounds: int, **more: str) -> dict[str, list[float]]:
    """How late the healthy conversations' messages and replies are, in seconds, over this many `rounds` of `EVERY`
    seconds.
    """
    with SandboxServer(Sandbox(pace=0)) as server:
        for group in (*HEALTHY, *SICK):
            server.sandbox.slack.add_channel(channel_of(group), f"of-{group}")
            server.sandbox.kommunicate.open_conversation(str(group), f"customer-{group}")
        env = environment(server, url, RELAY_CONFIG_YAML=CONFIG, SLACK_SIGNING_SECRET="sandbox-signing-secret", **more)
        relay = RelayProcess("serve", cwd=folder, env=env, start=spawned)
        server.sandbox.connect(relay.url)
        office = Office(server, relay)
        try:
            relay.wait_ready()
            for group in (*HEALTHY, *SICK):
                office.write(group, 0)
            assert wait_for(lambda: office.shown().keys() >= office.written.keys()), "the beginning"
            office.written.clear()
            TROUBLE[trouble](office)
            sick = set(office.written)
            return _measure(office, rounds, sick, replies=TROUBLE[trouble] not in OF_KOMMUNICATE)
        finally:
            server.sandbox.core.closing.set()
            relay.kill()


def _measure(office: Office, rounds: int, sick: set[str], *, replies: bool) -> dict[str, list[float]]:
    for number in range(1, rounds + 1):
        begun = time.monotonic()
        for group in HEALTHY:
            office.write(group, number)
            if replies and number % 2:
                office.answer(group, number)
        threading.Event().wait(max(0.0, begun + EVERY - time.monotonic()))
    words_since = {mark: at for mark, at in office.written.items() if mark not in sick}
    found = {"words": office.lags(words_since, office.shown)}
    return found | ({"replies": office.lags(office.answered, office.reached)} if replies else {})


def figures(lags: Sequence[float]) -> dict[str, float]:
    """Median, p99 and maximum, in seconds."""
    return {
        "p50": round(statistics.median(lags), 2),
        "p99": round(statistics.quantiles(lags, n=100)[98], 2),
        "max": round(max(lags), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgres", "both"), default="both")
    parser.add_argument("--trouble", choices=(*TROUBLE, "all"), default="all")
    parser.add_argument("--rounds", type=int, default=20)
    given = parser.parse_args()
    for kind in ("sqlite", "postgres") if given.database == "both" else (given.database,):
        for trouble in TROUBLE if given.trouble == "all" else (given.trouble,):
            with tempfile.TemporaryDirectory(prefix="relay-held-") as name, database(kind, Path(name)) as url:
                found = held_up(url, Path(name), trouble, rounds=given.rounds)
            told = {what: figures(lags) for what, lags in found.items()}
            print(json.dumps({"database": kind, "trouble": trouble, **told}), flush=True)


if __name__ == "__main__":
    main()
