"""kill -9 of real processes: what was answered 200 is visible once, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests

from relay.sandbox import SandboxServer
from tests.harness import body, environment, threads, timeline, wait_for, words
from tests.processes import RelayProcess

CHANNELS = 30
EACH = 10
GROUPS = [str(5000 + number) for number in range(CHANNELS)]
CONFIG = "delivery: {call_deadline: 2s, lease: 5s}\nchannels:\n" + "".join(
    f"  {group}: C0LOAD{group}\n" for group in GROUPS
)


@pytest.fixture
def slack(live_server: Callable[..., SandboxServer]) -> SandboxServer:
    """A sandbox with a channel per conversation, at Slack's pace."""
    server = live_server(pace=1.0, burst=1)
    for group in GROUPS:
        server.sandbox.slack.add_channel(f"C0LOAD{group}", f"load-{group}")
    return server


@pytest.fixture
def run(slack: SandboxServer, database_url: str, tmp_path: Path) -> Iterator[Callable[..., RelayProcess]]:
    """Start relay processes that are certainly gone afterwards."""
    started: list[RelayProcess] = []
    env = environment(slack, database_url, RELAY_CONFIG_YAML=CONFIG)

    def start(*command: str) -> RelayProcess:
        started.append(RelayProcess(*command, cwd=tmp_path, env=env, log=f"{len(started)}.log"))
        return started[-1]

    yield start
    for process in started:
        process.kill()


class Customers:
    """Thirty customers who write ten messages each, in order, and send again what was not answered 200."""

    def __init__(self, relay: RelayProcess) -> None:
        self.relay = relay
        self.accepted = 0
        self.doubled = 0

    def write(self, group: str) -> None:
        for number in range(EACH):
            message = body(f"{group}-{number}", group, f"message {number} of {group}")
            assert wait_for(partial(self._sent, message), every=0.1)

    def _sent(self, payload: dict[str, Any]) -> bool:
        try:
            response = self.relay.post(payload)
        except requests.RequestException:
            return False
        if response.status_code == 200:
            self.accepted += 1
            self.doubled += response.json()["status"] == "duplicate"
        return response.status_code == 200


def shown(slack: SandboxServer, groups: Sequence[str]) -> dict[str, list[list[str]]]:
    """For each group, and each thread of its channel, the messages in it."""
    found: dict[str, list[list[str]]] = {group: [] for group in groups}
    for thread in threads(slack).values():
        lines = [line for reply in thread[1:] for line in words(reply).splitlines() if " of " in line]
        found[thread[0]["channel"].removeprefix("C0LOAD")].append(lines)
    return found


def test_a_kill_in_the_middle_of_300_messages_loses_doubles_and_reorders_nothing(
    run: Callable[..., RelayProcess], slack: SandboxServer
) -> None:
    relay = run("serve")
    relay.wait_ready()
    customers = Customers(relay)
    with ThreadPoolExecutor(8) as pool:
        writing = [pool.submit(customers.write, group) for group in GROUPS]
        assert wait_for(lambda: customers.accepted >= CHANNELS * EACH // 2)
        relay.kill()
        run("serve").wait_ready()
        for one in writing:
            one.result(timeout=60)
    expected = {group: [[f"message {number} of {group}" for number in range(EACH)]] for group in GROUPS}
    wait_for(lambda: shown(slack, GROUPS) == expected, timeout=60)
    assert shown(slack, GROUPS) == expected


def test_two_workers_share_the_work_and_one_may_die(run: Callable[..., RelayProcess], slack: SandboxServer) -> None:
    """On SQLite the dead worker's lanes are free at once; on PostgreSQL they are taken over after the lease."""
    web, first, _ = run("serve", "--no-worker"), run("worker"), run("worker")
    web.wait_ready()
    for number in range(3):
        for group in GROUPS[:10]:
            assert web.post(body(f"{group}-{number}", group, f"message {number} of {group}")).status_code == 200
        if number == 1:
            first.kill()
    expected = {group: [[f"message {number} of {group}" for number in range(3)]] for group in GROUPS[:10]}
    wait_for(lambda: shown(slack, GROUPS[:10]) == expected, timeout=60)
    assert shown(slack, GROUPS[:10]) == expected
    assert len([message for message in timeline(slack) if message["thread_ts"] is None]) == 10
