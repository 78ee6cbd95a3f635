"""A relay in several processes: its metrics are those of all of them, and its log follows a message through them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from relay.sandbox import SandboxServer
from tests.harness import body, environment, raw, timeline, wait_for
from tests.processes import Forked, RelayProcess

CONFIG = "channels: {1: C0SUPPORT, 2: C0VIP}\ndelivery: {posts_per_second: 1000, burst: 1000}\n"
SOON = {"relay.delivery.worker.CHORES_EVERY": 0.5}
POST = "chat.postMessage"


class Several:
    """`serve --no-worker`, and two workers."""

    def __init__(self, folder: Path, server: SandboxServer, url: str) -> None:
        self.server, self.folder = server, folder
        more = {"RELAY_CONFIG_YAML": CONFIG, "RELAY_METRICS_TOKEN": "metrics", "RELAY_ENV": "test"}
        self.env = environment(server, url, **more)
        self.web = self.start("web", "serve", "--no-worker")
        self.workers = [self.start(name, "worker") for name in ("first", "second")]
        self.web.wait_ready()

    def start(self, name: str, *command: str) -> RelayProcess:
        start = partial(Forked, shorter=SOON)
        return RelayProcess(*command, cwd=self.folder, env=self.env, log=f"{name}.log", start=start)

    def metrics(self) -> dict[tuple[str, ...], float]:
        """(name, label values...) -> value, as Prometheus reads them."""
        headers = {"Authorization": "Bearer metrics"}
        text = requests.get(f"{self.web.url}/metrics", headers=headers, timeout=10).text
        families = text_string_to_metric_families(text)
        return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}

    def log(self, grepped: str) -> list[dict[str, Any]]:
        """The lines of all logs that hold this word, in the order of time."""
        lines = [line for path in self.folder.glob("*.log") for line in path.read_text().splitlines()]
        found = [json.loads(line) for line in lines if line.startswith("{")]
        return sorted((one for one in found if grepped in str(one.get("received")).split()), key=_when)


def _when(line: dict[str, Any]) -> str:
    return str(line["timestamp"])


@pytest.fixture
def several(tmp_path: Path, live_server: Callable[..., SandboxServer], database_url: str) -> Iterator[Several]:
    with ExitStack() as stack:
        relay = Several(tmp_path, live_server(pace=0), database_url)
        for process in (relay.web, *relay.workers):
            stack.callback(process.kill)
        yield relay


def test_the_totals_are_what_was_sent(several: Several) -> None:
    """Also when one of the workers is killed in between."""
    for number in range(30):
        assert several.web.post(body(f"k{number}", 1 + number % 2)).status_code == 200
        if number == 15:
            several.workers[0].kill()
    for again in ("k1", "k2"):
        several.web.post(body(again))
    several.web.post(body("hidden", 1, metadata={"category": "HIDDEN"}))
    several.web.post(raw("wrong", 1, timeStamp="x"))
    delivered = ("relay_deliveries_total", "message", "delivered")
    assert wait_for(lambda: several.metrics()[delivered] == 30)

    def posts() -> int:
        return sum(call["method"] == POST for call in several.server.sandbox.calls)

    # The killed worker may have taken along what it had measured since its last chores.
    answered = ("relay_slack_requests_seconds_count", POST, "ok")
    assert wait_for(lambda: several.metrics().get(answered, 0) > 0)
    found = several.metrics()
    assert {outcome: found["relay_messages_received_total", outcome] for outcome in
            ("accepted", "duplicate", "ignored", "rejected")} == {
                "accepted": 30, "duplicate": 2, "ignored": 1, "rejected": 1}  # fmt: skip
    assert found["relay_deliveries_total", "root", "delivered"] == 2
    assert found["relay_delivery_seconds_count", "message"] == 30
    assert found["relay_delivery_seconds_bucket", "message", "+Inf"] == 30
    assert 0 < found["relay_delivery_seconds_sum", "message"] < 30 * 60
    assert found["relay_queue_depth", "waiting"] == 0
    assert found[answered] <= posts()


def test_calls_of_all_workers_are_counted(several: Several) -> None:
    for number in range(20):
        several.web.post(body(f"k{number}", 1 + number % 2))
    assert wait_for(lambda: several.metrics()["relay_deliveries_total", "message", "delivered"] == 20)
    made = sum(call["method"] == POST for call in several.server.sandbox.calls)
    answered = ("relay_slack_requests_seconds_count", POST, "ok")
    assert wait_for(lambda: several.metrics().get(answered) == made)


def test_one_word_follows_a_message_from_the_webhook_to_slack(several: Several) -> None:
    """It is limited once on its way, and went out with another one."""
    several.web.post(body("k1", 1))
    assert wait_for(lambda: several.metrics()["relay_deliveries_total", "message", "delivered"] == 1)
    several.server.sandbox.faults.add(POST, "ratelimited", retry_after="1")
    several.web.post(body("k2", 1))
    assert wait_for(lambda: several.metrics()["relay_deliveries_total", "message", "delivered"] == 2)
    assert wait_for(lambda: len(several.log("r2")) >= 3)
    lines = several.log("r2")
    assert [line["event"] for line in lines] == ["webhook.stored", "send.failed", "send.delivered"]
    assert {line["level"] for line in lines} == {"info"}
    assert lines[1]["send"] == lines[2]["send"]
    assert lines[2]["ts"] in {one["ts"] for one in timeline(several.server)}
