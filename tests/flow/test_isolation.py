"""A vendor's trouble stays where it is: a channel that backs off, or names that cannot be had, delay nobody else."""

from __future__ import annotations

import itertools
import re
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from relay.delivery.authors import PATIENCE
from relay.delivery.gates import NAMES_PAUSE
from relay.delivery.worker import Worker
from relay.kommunicate.client import USER_DETAIL
from relay.kommunicate.parse import parse_webhook
from relay.messages import ChatMessage
from relay.sandbox import SandboxServer
from relay.store.db.engine import Store, open_store
from relay.store.intake.webhooks import accept
from relay.wiring import Relay, build_context
from tests.delivery.rig import Rig
from tests.harness import FakeClock, free_port, raw, relay_with, timeline, wait_for, words

LIMITED = "C0SUPPORT"
CHANNELS = {"1": LIMITED, "2": LIMITED, "11": "C0VIP", "12": "C0GENERAL", "13": "C0OPS", "14": "C0NEW"}
OTHERS = ["11", "12", "13", "14"]
LIMITS: dict[str, tuple[dict[str, Any], int]] = {
    "1": ({"retry_after": "1"}, 1),
    "30": ({"retry_after": "30"}, 30),
    "3600": ({"retry_after": "3600"}, 3600),
    "absent": ({"retry_after": None}, 1),
    "abc": ({"retry_after": "abc"}, 1),
    "negative": ({"retry_after": "-5"}, 1),
    "a date": ({"retry_after": "Wed, 21 Oct 2026 07:28:00 GMT"}, 1),
    "rate_limited with 200": ({"retry_after": "30", "status": 200}, 30),
    "rate_limited with 200, absent": ({"retry_after": None, "status": 200}, 1),
}


@pytest.fixture
def line(store: Store, server: SandboxServer, clock: FakeClock) -> Rig:
    """Two conversations in one channel, and one in each of four others, in injected time."""
    server.sandbox.slack.add_channel("C0NEW", "new")
    return Rig(store, server, clock, channels=CHANNELS)


def others_write(line: Rig, seconds: int) -> dict[str, float]:
    """Two messages a second, each channel's turn comes every other; returns when each was accepted."""
    accepted: dict[str, float] = {}
    for second in range(seconds):
        for group in OTHERS[second % 2 :: 2]:
            mark = f"m{group}{second:03}"
            accepted[mark] = line.clock.now()
            line.write(mark, group=group)
        line.run(1)
    return accepted


def lags(server: SandboxServer, accepted: Mapping[str, float]) -> list[float]:
    """Seconds from when each message was accepted until it stood in Slack."""
    found: dict[str, float] = {}
    for message in timeline(server):
        marks = re.findall(r"\bm\d+\b", words(message)) if message["thread_ts"] else []
        found |= {mark: float(message["ts"]) - accepted[mark] for mark in marks if mark in accepted}
    assert found.keys() == accepted.keys()
    return list(found.values())


def limited_threads(line: Rig) -> list[list[str]]:
    """The messages of each thread of the limited channel."""
    found: dict[str, list[str]] = defaultdict(list)
    for message in timeline(line.server):
        if message["channel"] == LIMITED and message["thread_ts"]:
            found[message["thread_ts"]] += re.findall(r"\bm\d+\b", words(message))
    return sorted(found.values())


def back_off(line: Rig, rule: dict[str, Any]) -> None:
    """Slack limits the channel at the first post of two conversations."""
    line.fault("ratelimited", channel=LIMITED, **rule)
    line.write("m1", "m2", group="1")
    line.write("m3", group="2")
    line.run()
    with line.store.read() as tx:
        assert set(tx.conn.exec_driver_sql("SELECT attempts, spent FROM lanes").all()) == {(0, 0.0)}


def test_a_channel_that_backs_off_for_30_s_delays_no_other(line: Rig) -> None:
    """p99 of 120 messages in four other channels, during and after."""
    back_off(line, {"retry_after": "30"})
    accepted = others_write(line, 60)
    seen = lags(line.server, accepted)
    p99 = statistics.quantiles(seen, n=100)[98]
    print(f"{len(seen)} messages beside it: p99 {p99:.3f} s, max {max(seen):.3f} s")  # noqa: T201
    assert p99 <= 1
    first, second, *_ = line.times(channel=LIMITED)
    assert (second - first, limited_threads(line)) == (pytest.approx(30, abs=0.01), [["m1", "m2"], ["m3"]])


@pytest.mark.parametrize(("rule", "seconds"), LIMITS.values(), ids=LIMITS)
def test_whatever_a_limit_says_it_is_kept_by_its_channel_alone(line: Rig, rule: dict[str, Any], seconds: int) -> None:
    """Not early, by neither conversation; no attempt is used up; what comes meanwhile goes behind."""
    back_off(line, rule)
    accepted = others_write(line, 10)
    line.write("m4", group="1")
    line.run(seconds + 10)
    first, second, *_ = line.times(channel=LIMITED)
    assert second - first == pytest.approx(seconds, abs=0.01)
    assert (limited_threads(line), line.waiting(), line.dead()) == ([["m1", "m2", "m4"], ["m3"]], [], [])
    assert max(lags(line.server, accepted)) < 0.1


def test_names_that_cannot_be_had_for_a_minute_delay_no_words(line: Rig) -> None:
    """It asks again after half a minute, not for every message."""
    line.fault("reset_before", USER_DETAIL, times=None)
    accepted = others_write(line, 60)
    seen, asked = lags(line.server, accepted), line.times(USER_DETAIL)
    print(f"{len(seen)} messages without names: max {max(seen):.3f} s, {len(asked)} look-ups")  # noqa: T201
    assert max(seen) <= 1
    gaps = [after - before for before, after in itertools.pairwise(asked)]
    assert gaps == [pytest.approx(NAMES_PAUSE, abs=2)] * len(gaps)
    assert 1 <= len(gaps) <= 2


class Office:
    """A relay at work on the real clock, whose Kommunicate may be away; remembers when it accepted what."""

    def __init__(self, relay: Relay, server: SandboxServer) -> None:
        self.relay, self.server = relay, server
        self.worker = Worker(build_context(relay))
        self.worker.start()

    def take_in(self, numbers: range) -> list[float]:
        """Each message of another customer, all at once; returns the lags when all are shown."""
        accepted: dict[str, float] = {}
        for number in numbers:
            content = raw(f"k{number}", str(number), f"m{number}", **{"from": f"customer-{number}"})
            message = parse_webhook(content)
            assert isinstance(message, ChatMessage)
            accepted[f"m{number}"] = time.time()
            with self.relay.store.begin() as tx:
                accept(tx, message, content, self.relay.choose(message))
            self.worker.wake()
        assert wait_for(lambda: self.told() >= accepted.keys(), timeout=60)
        return lags(self.server, accepted)

    def told(self) -> set[str]:
        """The marks of all messages in threads."""
        replies = [message for message in timeline(self.server) if message["thread_ts"]]
        return {mark for reply in replies for mark in re.findall(r"\bm\d+\b", words(reply))}

    def asked(self) -> int:
        """How often Kommunicate heard a question about names."""
        return sum(call["method"] == USER_DETAIL for call in self.server.sandbox.calls)


@pytest.fixture(params=["hangs", "refuses connections"])
def office(
    request: pytest.FixtureRequest, database_url: str, live_server: Callable[..., SandboxServer]
) -> Iterator[Office]:
    """A relay whose Kommunicate does not answer, or is not there."""
    server = live_server(pace=0)
    server.sandbox.faults.add(USER_DETAIL, "timeout_before", seconds=120, times=None)
    store = open_store(database_url)
    relay = relay_with(store, server, delivery={"posts_per_second": 100, "burst": 100})
    if request.param == "refuses connections":
        relay = Relay(replace(relay.settings, kommunicate_api_url=f"http://127.0.0.1:{free_port()}"), store)
    office = Office(relay, server)
    yield office
    office.worker.stop(10)
    store.close()


def test_words_wait_a_moment_for_names_and_then_not_at_all(office: Office) -> None:
    """Many conversations at once: none waits for another's look-up on top of its own."""
    first = office.take_in(range(8))
    asked = office.asked()
    later = office.take_in(range(8, 16))
    print(f"first: max {max(first):.2f} s, {asked} look-ups; later: max {max(later):.2f} s")  # noqa: T201
    assert max(first) <= PATIENCE + 5
    assert max(later) <= 5
    # Not once for each: but a take that read that they may be made may be slower than the look-ups that fail.
    assert office.asked() <= 2 * asked
