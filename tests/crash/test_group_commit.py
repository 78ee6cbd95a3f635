"""kill -9 while many share one commit: what was answered 200 is visible once; what was not is, once it is repeated."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from relay.sandbox import SandboxServer
from tests.harness import body, environment, timeline, wait_for, words
from tests.processes import HASTY, MortalRelay

GROUPS = [str(6000 + number) for number in range(6)]
CONFIG = f"delivery: {HASTY}\nchannels: {{{', '.join(f'{group}: C0G{group}' for group in GROUPS)}}}\n"
MANY = 96
MARK = re.compile(r"\bw\d+e\b")


@pytest.fixture
def server(live_server: Callable[..., SandboxServer]) -> SandboxServer:
    server = live_server()
    for group in GROUPS:
        server.sandbox.slack.add_channel(f"C0G{group}", f"g-{group}")
    return server


@pytest.mark.parametrize("side", ["before", "after"])
def test_what_was_answered_is_there_once(server: SandboxServer, database_url: str, tmp_path: Path, side: str) -> None:
    env = environment(server, database_url, RELAY_CONFIG_YAML=CONFIG, RELAY_ENV="test")
    url = f"http://127.0.0.1:{env['PORT']}/kommunicate/webhook"

    def post(number: int) -> int:
        text = f"w{number}e"
        try:
            return relay.post(body(text, GROUPS[number % len(GROUPS)], text)).status_code
        except requests.RequestException:
            return 0

    relay = MortalRelay(tmp_path, {**env, "RELAY_FAILPOINT": f"accept.{side}_commit:6"})
    try:
        relay.wait_ready()
        with ThreadPoolExecutor(16) as crowd:
            answers = list(crowd.map(post, range(MANY)))
        assert wait_for(relay.died), url
    finally:
        relay.kill()
    assert 0 < answers.count(200) < MANY
    relay = MortalRelay(tmp_path, env)
    try:
        relay.wait_ready()
        assert wait_for(lambda: shown(server).keys() >= {number for number in range(MANY) if answers[number] == 200})
        assert [post(number) for number in range(MANY)] == [200] * MANY
        assert wait_for(lambda: len(shown(server)) == MANY)
        assert set(shown(server).values()) == {1}
    finally:
        relay.kill()


def shown(server: SandboxServer) -> Counter[int]:
    """How often each message stands in a thread."""
    replies = (words(one) for one in timeline(server) if one.get("thread_ts") not in (None, one["ts"]))
    return Counter(int(mark[1:-1]) for text in replies for mark in MARK.findall(text))
