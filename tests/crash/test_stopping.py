"""SIGTERM and SIGINT under load: a relay ends in order and on time, and whoever comes after it goes on."""

from __future__ import annotations

import random
import re
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from signal import SIGINT, SIGTERM
from threading import Event
from typing import Any

import pytest
import requests
from sqlalchemy import Select, func, select

from relay.sandbox import SandboxServer
from relay.store.db.engine import open_store
from relay.store.db.tables import lanes
from tests.cli.conftest import start
from tests.delivery.rig import POST
from tests.harness import body, environment, threads, wait_for, words
from tests.processes import RelayProcess

__all__ = ["start"]

GROUPS = tuple("0123456789")
PAUSE = 0.25  # seconds between two messages of a customer
CALL_DEADLINE = 8.0  # as usual: what is in flight has time to settle
SHORT_DEADLINE = 2.0  # so that nobody waits long for a Slack that is silent
SLOW = 2.0  # seconds beyond the promise, which is itself the deadline here, for a machine that is busy
CONFIG = (
    "default_channel: C0GENERAL\ndelivery: {{call_deadline: {deadline:g}s, lease: {lease:g}s, retry: [0.2s], "
    "confirm_after: [0.2s, 0.5s], posts_per_second: 100, burst: 100}}\n"
)
TEXT = re.compile(r"\bg(\d)m(\d+)\b")
Signals = dict[str, signal.Signals]


class Town:
    """Customers who never stop writing, an endpoint that is always open, and relays that come and go beside it."""

    def __init__(self, start: Callable[..., RelayProcess], slack: SandboxServer, url: str, folder: Path) -> None:
        self._start, self._slack, self._url, self._folder = start, slack, url, folder
        self.seed = random.randrange(1_000_000)
        self.dice = random.Random(self.seed)
        self.store = open_store(url)
        self.accepted = dict.fromkeys(GROUPS, 0)
        self._started = 0
        (self._web,) = self.begin("serve --no-worker")
        self._endpoint = self._web
        self._over, self._pool = Event(), ThreadPoolExecutor(len(GROUPS))
        self._writing = [self._pool.submit(self._write, group) for group in GROUPS]

    def begin(self, *commands: str, deadline: float = CALL_DEADLINE) -> list[RelayProcess]:
        """Start relays; one with an endpoint of its own gets the customers' messages from now on."""
        logs = [self._folder / f"{self._started + number}.log" for number in range(len(commands))]
        self._started += len(commands)
        config = CONFIG.format(deadline=deadline, lease=2 * deadline)
        begun = [
            self._start(*command.split(), env=environment(self._slack, self._url, RELAY_CONFIG_YAML=config))
            for command in commands
        ]
        assert wait_for(lambda: all("started" in log.read_text() for log in logs))
        for relay in (one for one, command in zip(begun, commands, strict=True) if command == "serve"):
            self._endpoint = relay
        return begun

    def stop(self, relays: list[RelayProcess], signals: Signals) -> float:
        """Send each its signal; returns the seconds until all had ended with exit code 0."""
        begun = time.monotonic()
        for relay, number in zip(relays, signals.values(), strict=True):
            relay.process.send_signal(number)
        self._endpoint = self._web
        assert [relay.process.wait(20) for relay in relays] == [0] * len(relays), self.seed
        return time.monotonic() - begun

    def slack_takes(self, seconds: float) -> None:
        """For each post, from now on."""
        self._slack.sandbox.faults.clear()
        self._slack.sandbox.faults.add(POST, "slow", seconds=seconds, times=None)

    def slack_is_silent(self, method: str) -> None:
        """From now on: two calls are lost, two are answered a byte at a time, the others arrive."""
        self._slack.sandbox.faults.clear()
        self._slack.sandbox.faults.add(method, "timeout_before", seconds=60, times=2)
        self._slack.sandbox.faults.add(method, "drip", times=2)
        self._slack.sandbox.faults.add(method, "timeout_after", seconds=60, times=None)

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

    def held_by(self, relay: RelayProcess) -> int:
        """How many lanes are in its hands, or were when it ended."""
        return self._number(select(func.count()).where(lanes.c.lease_owner.like(f"%|{relay.process.pid}|%")))

    def claims(self) -> int:
        """How many claims there were so far."""
        return self._number(select(func.sum(lanes.c.token)))

    def waiting(self) -> int:
        """In how many lanes something is not shown yet."""
        return self._number(select(func.count()).where(lanes.c.waiting_since.is_not(None)))

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

    def _number(self, query: Select[Any]) -> int:
        with self.store.read() as tx:
            return int(tx.conn.execute(query).scalar_one())

    def _write(self, group: str) -> None:
        """What a customer does: one message after the other, each again until somebody answers 200."""
        while not self._over.wait(PAUSE):
            text = f"g{group}m{self.accepted[group]}"
            while not self._taken(body(text, group, text)):
                assert self._web.process.poll() is None, "the endpoint is closed"
            self.accepted[group] += 1

    def _taken(self, message: dict[str, Any]) -> bool:
        with suppress(requests.RequestException):
            return self._endpoint.post(message).status_code == 200
        return False


@pytest.fixture
def town(
    start: Callable[..., RelayProcess], live_server: Callable[..., SandboxServer], database_url: str, tmp_path: Path
) -> Iterator[Town]:
    """On an idle Slack without limits."""
    town = Town(start, live_server(pace=0), database_url, tmp_path)
    yield town
    town.close()


def at_any_moment(town: Town, signals: Signals) -> None:
    """Slack takes its time like any day: all in flight settles."""
    town.slack_takes(0.2)
    relays = town.begin(*signals)
    assert wait_for(lambda: all(town.held_by(relay) for relay in relays)), town.seed
    time.sleep(town.dice.uniform(0, 0.6))  # the moment is what is tried out
    assert town.stop(relays, signals) < 4 + SLOW, town.seed
    assert [town.held_by(relay) for relay in relays] == [0, 0], town.seed


def with_all_hands_full(town: Town, signals: Signals) -> None:
    """Every customer has a post in flight, for long enough that the signal comes before any answer: no new claim."""
    town.slack_takes(3.0)
    (relay,) = relays = town.begin(*signals)
    assert wait_for(lambda: town.held_by(relay) == len(GROUPS)), town.seed
    claims = town.claims()
    assert town.stop(relays, signals) < 4 + SLOW, town.seed
    assert (town.claims(), town.held_by(relay)) == (claims, 0), town.seed


def while_slack_is_silent(town: Town, signals: Signals) -> None:
    """What is cut off a second beyond the call's deadline is looked for by whoever comes next."""
    town.slack_is_silent(town.dice.choice([POST, "*"]))
    relays = town.begin(*signals, deadline=SHORT_DEADLINE)
    assert wait_for(lambda: all(town.held_by(relay) for relay in relays)), town.seed
    time.sleep(town.dice.uniform(0, 1.5))
    assert town.stop(relays, signals) < SHORT_DEADLINE + 1 + SLOW, town.seed


def test_a_relay_that_is_told_to_stop_under_load_loses_and_doubles_nothing(town: Town) -> None:
    at_any_moment(town, {"serve": SIGTERM, "worker": SIGINT})
    with_all_hands_full(town, {"serve": SIGTERM})
    with_all_hands_full(town, {"worker": SIGINT})
    while_slack_is_silent(town, {"serve": SIGINT, "worker": SIGTERM})
    town.rest()
    town.slack_takes(0.01)
    town.begin("worker", deadline=SHORT_DEADLINE)
    assert wait_for(lambda: town.waiting() == 0, timeout=30), town.seed
    assert town.told() == {group: [*range(number)] for group, number in town.accepted.items()}, town.seed
    assert town.copies() == 0, town.seed
