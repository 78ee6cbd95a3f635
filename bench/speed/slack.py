"""The stand-in for Slack as the benchmark sees it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from bench.speed.processes import PYTHON, Family, running, wait_until
from tests.harness import free_port


@dataclass(frozen=True, slots=True)
class Post:
    """One post that Slack accepted: when (monotonic seconds), where, and its messages in order."""

    at: float
    channel: str
    thread_ts: str
    ts: str
    marks: Sequence[tuple[int, int]]


class SlackStub:
    """A running stand-in."""

    def __init__(self, port: int, process: Family) -> None:
        self.port, self.process = port, process
        self._session = requests.Session()
        self._session.trust_env = False

    @property
    def api_url(self) -> str:
        """In the form of `SLACK_API_URL`."""
        return f"http://127.0.0.1:{self.port}/api/"

    def figures(self) -> dict[str, int]:
        """`posts`, messages `shown` in threads, posts `refused`, `calls` in total."""
        return self._ask("seen")  # type: ignore[no-any-return]

    def posts(self, first: int = 0) -> list[Post]:
        """All posts from this number on."""
        rows = self._ask(f"posts?from={first}")
        return [
            Post(at, channel, thread_ts, ts, [(group, number) for group, number in marks])
            for at, channel, thread_ts, ts, marks in rows
        ]

    def reset(self) -> None:
        """Forget everything."""
        self._ask("reset")

    def is_up(self) -> bool:
        """True once it answers."""
        try:
            return "posts" in self.figures()
        except requests.RequestException:
            return False

    def _ask(self, what: str) -> Any:
        return self._session.get(f"http://127.0.0.1:{self.port}/control/{what}", timeout=30).json()


@contextmanager
def slack_stub(folder: Path, pace: float = 0.0) -> Iterator[SlackStub]:
    """Yield one; `pace` as in its command."""
    port = free_port()
    command = (*PYTHON, "bench.speed.slack_stub", "--port", str(port), "--pace", str(pace))
    process = Family(command, folder, {}, log=f"slack-{port}.log")
    with running([process]):
        slack = SlackStub(port, process)
        wait_until(slack.is_up, 20, "the stand-in for Slack did not start")
        yield slack


def first_shown(posts: Sequence[Post]) -> dict[tuple[int, int], float]:
    """When each message first appeared in its thread."""
    found: dict[tuple[int, int], float] = {}
    for post in posts:
        if post.thread_ts:
            for mark in post.marks:
                found.setdefault(mark, post.at)
    return found
