"""SIGTERM and SIGINT under load: a relay ends in order and on time, and whoever comes after it goes on."""

from __future__ import annotations

import random
import re
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import requests
from sqlalchemy import func, select

from relay.sandbox import SandboxServer
from relay.store.engine import open_store
from relay.store.tables import lanes
from tests.cli.conftest import start
from tests.delivery.rig import POST
from tests.harness import RelayProcess, body, environment, threads, wait_for, words

__all__ = ["start"]

GROUPS = ("1", "2", "3", "4", "5", "6")
THREADS = 4  # of a worker
PAUSE = 0.15  # seconds between two messages of a customer
CALL_DEADLINE = 2.0
CONFIG = (
    f"default_channel: C0GENERAL\ndelivery: {{call_deadline: {CALL_DEADLINE:g}s, lease: 4s, retry: [0.2s], "
    "confirm_after: [0.2s, 0.5s], posts_per_second: 100, burst: 100}\n"
)
TEXT = re.compile(r"\bg(\d)m(\d+)\b")


class Town:
    """Customers who never stop writing, a web door that never closes, and one relay after the other beside it."""

    def __init__(self, start: Callable[..., RelayProcess], slack: SandboxServer, url: str, folder: Path) -> None:
        self._start, self._slack, self._url, self._folder = start, slack, url, folder
        self.seed = random.randrange(1_000_000)
        self.dice = random.Random(self.seed)
        self.store = open_store(url)
        self.accepted: dict[str, int] = defaultdict(int)
        self._started = 0
        self._door = self._web = self.begin("serve", "--no-worker")
        self._over, self._pool = Event(), ThreadPoolExecutor(len(GROUPS))
        self._writing = [self._pool.submit(self.write, group) for group in GROUPS]

    def begin(self, *command: str) -> RelayProcess:
        """Start a relay; one with a door of its own gets the customers' messages from now on."""
        env = environment(self._slack, self._url, RELAY_CONFIG_YAML=CONFIG)
        relay, log = self._start(*command, env=env), self._folder / f"{self._started}.log"
        self._started += 1
        assert wait_for(lambda: "started" in log.read_text())
        if "serve" in command:
            relay.wait_ready()
            self._door = relay
        return relay

    def write(self, group: str) -> None:
        """What a customer does: one message after the other, each again until somebody answers 200."""
        while not self._over.wait(PAUSE):
            text = f"g{group}m{self.accepted[group]}"
            while not self._taken(body(text, group, text)):
                pass
            self.accepted[group] += 1

    def _taken(self, message: dict[str, Any]) -> bool:
        with suppress(requests.RequestException):
            return self._door.post(message).status_code == 200
        return False

    def stop(self, relay: RelayProcess, number: signal.Signals) -> float:
        """The signal; returns after how many seconds it had ended, with exit code 0."""
        begun = time.monotonic()
        relay.process.send_signal(number)
        self._door = self._web
        assert relay.process.wait(20) == 0, self
        return time.monotonic() - begun

    def slack(self, kind: str, seconds: float, method: str = POST) -> None:
        """How Slack answers from now on."""
        self._slack.sandbox.faults.clear()
        self._slack.sandbox.faults.add(method, kind, seconds=seconds, times=None)

    def held_by(self, relay: RelayProcess) -> int:
        """How many lanes are in its hands, or were when it ended."""
        mine = select(func.count()).where(lanes.c.lease_owner.like(f"%|{relay.process.pid}|%"))
        with self.store.read() as tx:
            return int(tx.conn.execute(mine).scalar_one())

    def claims(self) -> int:
        """How many claims there were so far."""
        with self.store.read() as tx:
            return int(tx.conn.execute(select(func.sum(lanes.c.token))).scalar_one())

    def waiting(self) -> bool:
        """True while something is not shown yet."""
        with self.store.read() as tx:
            return tx.conn.execute(select(lanes.c.due).where(lanes.c.waiting_since.is_not(None))).first() is not None

    def rest(self) -> None:
        """The customers stop writing."""
        self._over.set()
        for one in self._writing:
            one.result(timeout=30)

    def close(self) -> None:
        """Leave nothing behind."""
        self._over.set()
        self._pool.shutdown()
        self.store.close()

    def told(self) -> dict[str, list[int]]:
        """For each customer, what stands in the threads, in posting order."""
        told: dict[str, list[int]] = {group: [] for group in GROUPS}
        for _, *replies in threads(self._slack).values():
            for group, number in (found for reply in replies for found in TEXT.findall(words(reply))):
                told[group].append(int(number))
        return told

    def copies(self) -> int:
        """Roots beyond one for each customer, and posts that had to be deleted."""
        deleted = sum(message.deleted for message in self._slack.sandbox.slack.messages)
        return len(threads(self._slack)) - len(GROUPS) + deleted

    def __repr__(self) -> str:
        return f"seed {self.seed}, relay {self._started - 1}"


@pytest.fixture
def town(
    start: Callable[..., RelayProcess], live_server: Callable[..., SandboxServer], database_url: str, tmp_path: Path
) -> Iterator[Town]:
    town = Town(start, live_server(pace=0), database_url, tmp_path)
    yield town
    town.close()


def at_any_moment(town: Town, command: str, number: signal.Signals) -> None:
    """Slack takes its time like any day: all in flight settles."""
    town.slack("slow", 0.2)
    relay = town.begin(command)
    assert wait_for(lambda: town.held_by(relay) > 0), town
    time.sleep(town.dice.uniform(0, 0.6))  # the moment is what is tried out
    assert town.stop(relay, number) < 4, town
    assert town.held_by(relay) == 0, town


def with_all_hands_full(town: Town, command: str, number: signal.Signals) -> None:
    """Every thread has a post in flight, for long enough that the signal comes before any answer: no new claim."""
    town.slack("slow", 1.5)
    relay = town.begin(command)
    assert wait_for(lambda: town.held_by(relay) == THREADS), town
    claims = town.claims()
    assert town.stop(relay, number) < 4, town
    assert (town.claims(), town.held_by(relay)) == (claims, 0), town


def while_slack_is_silent(town: Town, command: str, number: signal.Signals) -> None:
    """The promise is a second beyond the call's deadline; two more are for a machine that is slow."""
    town.slack(town.dice.choice(["timeout_before", "timeout_after"]), 60, town.dice.choice([POST, "*"]))
    relay = town.begin(command)
    assert wait_for(lambda: town.held_by(relay) > 0), town
    time.sleep(town.dice.uniform(0, 1.5))
    assert town.stop(relay, number) < CALL_DEADLINE + 1 + 2, town


def test_a_relay_that_is_told_to_stop_under_load_loses_and_doubles_nothing(town: Town) -> None:
    at_any_moment(town, "serve", signal.SIGTERM)
    at_any_moment(town, "worker", signal.SIGINT)
    with_all_hands_full(town, "serve", signal.SIGINT)
    with_all_hands_full(town, "worker", signal.SIGTERM)
    while_slack_is_silent(town, "serve", signal.SIGTERM)
    while_slack_is_silent(town, "worker", signal.SIGINT)
    town.rest()
    town.slack("slow", 0.01)
    town.begin("worker")
    assert wait_for(lambda: not town.waiting(), timeout=30), town
    assert town.told() == {group: [*range(town.accepted[group])] for group in GROUPS}, town
    assert town.copies() == 0, town
