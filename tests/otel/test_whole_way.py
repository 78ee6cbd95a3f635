"""Traces of real processes that share a database: one takes in, another delivers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from relay.clock import monotonic
from relay.sandbox import SandboxServer
from relay.vocabulary import Lane
from tests.harness import TOKEN, body, environment, timeline, wait_for, words
from tests.otel.collector import Collector, Seen, collector
from tests.privacy.corpus import examples
from tests.processes import RelayProcess

GROUP, CHANNEL = "123456", "C0SUPPORT"
CONFIG = (
    f"channels: {{{GROUP}: {CHANNEL}}}\nreplies: {{undo_seconds: 0}}\n"
    "delivery: {posts_per_second: 1000, burst: 1000}\n"
)
POST, SEND = "chat.postMessage", "/rest/ws/message/v2/send"
SECRET = "sandbox-signing-secret"
OFTEN, AT_THE_END = 50, 3_600_000  # milliseconds between batches: the second is later than any test ends
ENDS_WITHIN = 5.0  # seconds: it waits one for a collector that does not answer


class Line:
    """`serve --no-worker`, a worker, and a collector that both send to."""

    def __init__(self, folder: Path, server: SandboxServer, url: str, collector: Collector, every: int) -> None:
        self.server, self.folder, self.collector = server, folder, collector
        more = {
            "RELAY_CONFIG_YAML": CONFIG,
            "SLACK_SIGNING_SECRET": SECRET,
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.address,
            "OTEL_EXPORTER_OTLP_HEADERS": "api-key=canary-key",
            "OTEL_BSP_SCHEDULE_DELAY": str(every),
        }
        start = partial(RelayProcess, cwd=folder, env=environment(server, url, **more))
        self.web = start("serve", "--no-worker", log="web.log")
        self.worker = start("worker", log="worker.log")
        self.web.wait_ready()
        server.sandbox.connect(self.web.url)

    def customer_writes(self, text: str) -> None:
        self.server.sandbox.kommunicate.customer_writes(GROUP, text, name="Jane Canary")

    def shows(self, text: str) -> bool:
        return wait_for(lambda: any(text in words(one) for one in timeline(self.server) if one["thread_ts"]))

    def agent_answers(self, text: str) -> bool:
        """True when it has its mark."""
        (root,) = (one for one in timeline(self.server) if one["thread_ts"] is None)
        written = self.server.sandbox.slack.human_writes(CHANNEL, text, thread_ts=root["ts"])
        return wait_for(lambda: "white_check_mark" in written.reactions)

    def stop(self) -> None:
        assert (self.web.stop(), self.worker.stop()) == (0, 0)

    @property
    def logs(self) -> str:
        return "".join(path.read_text() for path in self.folder.glob("*.log"))


@pytest.fixture
def make_line(
    tmp_path: Path, live_server: Callable[..., SandboxServer], database_url: str
) -> Iterator[Callable[..., Line]]:
    with ExitStack() as stack:

        def make(every: int = AT_THE_END, **options: Any) -> Line:
            took = stack.enter_context(collector(**options))
            line = Line(tmp_path, live_server(pace=0), database_url, took, every)
            stack.callback(line.worker.kill)
            stack.callback(line.web.kill)
            return line

        yield make


def below(line: Line, parent: Seen, name: str) -> list[Seen]:
    return [one for one in line.collector.below(parent) if one.name == name]


def sends(line: Line, root: Seen, name: str) -> list[Seen]:
    """In all attempts below what came in."""
    return [send for attempt in below(line, root, "attempt") for send in below(line, attempt, name)]


def came_in(line: Line, received: str) -> Seen:
    (root,) = (one for one in line.collector.spans if not one.parent and one.facts["relay.received"] == received)
    return root


def test_a_message_and_a_reply_are_a_trace_each_through_both_processes(make_line: Callable[..., Line]) -> None:
    line = make_line()
    line.server.sandbox.faults.add(POST, "ratelimited", retry_after="1")
    line.customer_writes("hello")
    assert line.shows("hello")
    assert line.agent_answers("hello yourself")
    line.stop()
    of_message(line, came_in(line, "r1"))
    of_reply(line, came_in(line, "r2"))


def of_message(line: Line, root: Seen) -> None:
    assert (root.name, root.of["relay.command"], root.facts["relay.outcome"]) == ("webhook", "serve", "accepted")
    (accept,) = below(line, root, "accept")
    assert root.begun <= accept.begun <= accept.ended <= root.ended
    limited, opened = sends(line, root, "send root")
    (posted,) = sends(line, root, "send post")
    assert {one.of["relay.command"] for one in (limited, opened, posted)} == {"worker"}
    assert {one.trace for one in (limited, opened, posted)} == {root.trace}
    assert (limited.facts["relay.outcome"], limited.facts["relay.then"]) == ("rate_limited", "gate")
    assert limited.facts["relay.retry_after"] == 1.0
    (refused,), (answered,) = below(line, limited, POST), below(line, posted, POST)
    assert (refused.facts["http.response.status_code"], refused.facts["error.type"]) == (429, "ratelimited")
    assert refused.has_failed
    assert (answered.facts["http.response.status_code"], answered.has_failed) == (200, False)
    assert posted.facts["relay.outcome"] == "delivered"
    assert posted.facts["relay.ts"] in {one["ts"] for one in timeline(line.server)}
    assert below(line, posted, "settle")
    assert sorted(one.name for one in line.collector.below(root)) == ["accept", "attempt", "attempt", "attempt"]


def of_reply(line: Line, root: Seen) -> None:
    assert (root.name, root.of["relay.command"]) == ("slack event", "serve")
    (sent,) = sends(line, root, "send reply")
    (call,) = below(line, sent, SEND)
    assert (sent.trace, sent.facts["relay.outcome"]) == (root.trace, "delivered")
    assert (call.of["relay.command"], call.facts["http.response.status_code"]) == ("worker", 200)
    assert call.facts["http.request.method"] == "POST"
    assert [one.facts["relay.outcome"] for one in sends(line, root, "send mark")] == ["delivered"]


def test_no_words_names_or_secrets_are_in_them(make_line: Callable[..., Line]) -> None:
    line, said = make_line(), examples()[:12]
    for one in said:
        line.customer_writes(one.text)
    assert line.agent_answers("rhubarb") if line.shows("charge it") else False
    line.stop()
    spoken = {word for one in said for word in re.findall(r"[^\W_]{4,}", one.text)} - {*Lane}
    secrets = {"rhubarb", "Jane", "Canary", "canary-key", TOKEN, "xoxb", SECRET, "sandbox-key", "postgres", "sqlite"}
    exported = b"".join(sent for _, _, sent in line.collector.requests)
    assert len(line.collector.named("send post")) >= 1
    assert [word for word in spoken | secrets if word.encode() in exported] == []
    assert "canary-key" not in line.logs


def test_a_collector_that_never_answers_holds_up_nothing(make_line: Callable[..., Line]) -> None:
    line = make_line(OFTEN, answers=False)
    for number in range(3):
        assert line.web.post(body(f"k{number}", GROUP, f"message {number}")).status_code == 200
        assert line.shows(f"message {number}")
    begun = monotonic()
    line.stop()
    assert monotonic() - begun < 2 * ENDS_WITHIN


def test_a_collector_that_is_away_is_told_once_and_so_is_its_return(make_line: Callable[..., Line]) -> None:
    line = make_line(OFTEN)
    line.collector.status = 401
    for number in range(3):
        line.customer_writes(f"message {number}")
        assert line.shows(f"message {number}")
    assert wait_for(lambda: line.logs.count("tracing.lost") == 2)  # by each of the two processes
    line.collector.status = 200
    line.customer_writes("at last")
    assert line.collector.has("webhook", "send post")
    assert wait_for(lambda: line.logs.count("tracing.found_again") == 2)
    line.stop()
    assert (line.logs.count("tracing.lost"), line.logs.count("HTTP 401")) == (2, 2)
    assert "Traceback" not in line.logs
