"""A worker with nothing to do asks one cheap question at a time, and grows no bigger over the hours."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from relay.delivery.owner import this_process
from relay.store.db import postgres
from relay.store.db.engine import Store
from relay.store.queue import lanes
from tests.delivery.rig import Rig
from tests.statements import listed
from tests.store.shelf import LEASE, LIMITS, claimed, give_back, take_in


@pytest.fixture
def statements(store: Store) -> Iterator[list[str]]:
    """Every statement that goes to the database from here on."""
    with listed(store.engine) as seen:
        yield seen


def nothing(_: Rig) -> None:
    """An empty store."""


def all_delivered(rig: Rig) -> None:
    rig.write("m1", "m2")
    rig.run(10)


def a_retry_far_ahead(rig: Rig) -> None:
    take_in(rig.store)
    give_back(rig.store, claimed(rig.store), wait=900.0, attempts=1)


def a_shut_channel(rig: Rig) -> None:
    rig.sandbox.slack.archive("C0SUPPORT")
    rig.write("m1")
    rig.run()


@pytest.mark.parametrize("before", [nothing, all_delivered, a_retry_far_ahead, a_shut_channel])
def test_an_idle_poll_is_one_statement_that_locks_nothing(
    rig: Callable[..., Rig], statements: list[str], before: Callable[[Rig], None]
) -> None:
    line = rig()
    before(line)
    statements.clear()
    assert not line.worker.run_once()
    (question,) = [one for one in statements if one not in ("BEGIN", postgres.BEGIN)]  # a writer's: BEGIN IMMEDIATE
    assert question.startswith("SELECT")
    assert "FOR UPDATE" not in question


def test_the_lane_of_a_dead_process_is_found_without_news(rig: Callable[..., Rig], store: Store) -> None:
    """On SQLite at once, for all processes share the host; on PostgreSQL when the lease ends."""
    line = rig()
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    host, _, started, rest = this_process().split("|")
    line.write("m1")
    with store.begin() as tx:
        assert lanes.claim(tx, "|".join((host, str(process.pid), started, rest)), lease=LEASE, limits=LIMITS) != []
    assert line.worker.run_once() == store.on_sqlite


@pytest.mark.long
def test_it_holds_no_more_memory_after_ten_hours_than_after_two(database_url: str) -> None:
    """A poll a minute, now and then a message and a round of housekeeping: a hundred bytes a poll would show.

    In a process of its own: what earlier tests left behind grows and shrinks too.
    """
    command = [sys.executable, "-m", "bench.hours", database_url]
    lines = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout.splitlines()
    hours = [json.loads(line) for line in lines]
    early, late = hours[1], hours[-1]
    assert late["delivered"] == 20
    assert late["python_bytes"] - early["python_bytes"] < 40_000
