"""A relay as a process of its own, with two workspaces: one whose token is refused takes nothing from the other."""

from __future__ import annotations

import re
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path

import requests

from relay.sandbox import SandboxServer
from tests.harness import PATIENCE, TOKEN, auth, body, environment, timeline, wait_for, words
from tests.processes import RelayProcess
from tests.several.twins import other_sandbox

MESSAGES, APART = 40, 0.1  # as many, and seconds between them
SOON = 5.0  # seconds; a second is promised
CONFIG = """
default_channel: C0GENERAL
kommunicate:
  accounts:
    shop: {webhook_token: SHOP_WEBHOOK_TOKEN, api_key: SHOP_API_KEY, api_url: SHOP_API_URL, default_channel: acme/C0VIP}
slack:
  workspaces:
    acme: {bot_token: ACME_BOT_TOKEN, signing_secret: ACME_SIGNING_SECRET, api_url: ACME_API_URL}
delivery: {posts_per_second: 100, burst: 100}
"""


def test_a_workspace_that_is_refused_does_not_slow_the_other_down(
    database_url: str, live_server: Callable[..., SandboxServer], tmp_path: Path
) -> None:
    here = live_server(pace=0)
    with SandboxServer(other_sandbox(time.time, pace=0)) as there:
        secrets = {"SHOP_WEBHOOK_TOKEN": "shop-token", "SHOP_API_KEY": "shop-key", "ACME_BOT_TOKEN": "xoxb-acme"}
        urls = {"SHOP_API_URL": there.kommunicate_api_url, "ACME_API_URL": there.slack_api_url}
        more = {**secrets, **urls, "ACME_SIGNING_SECRET": "acme-signing-secret", "RELAY_CONFIG_YAML": CONFIG}
        relay = RelayProcess("serve", cwd=tmp_path, env=environment(here, database_url, **more))
        try:
            relay.wait_ready()
            there.sandbox.slack.bot_token = "xoxb-another"
            sent = write_to_both(relay)
            assert wait_for(lambda: seen(here).keys() == sent.keys())
        finally:
            relay.stop()
        waits = sorted(seen(here)[mark] - at for mark, at in sent.items())
        print(f"p50 {statistics.median(waits):.3f} s, p99 {waits[-1]:.3f} s of {len(waits)}")  # noqa: T201 - a figure for whoever asks
        assert waits[-1] < SOON
        assert timeline(there) == []
        assert here.sandbox.shown == {"xoxb-sandbox", "sandbox-key"}
        assert there.sandbox.shown <= {"xoxb-acme", "shop-key"}


def write_to_both(relay: RelayProcess) -> dict[str, float]:
    """Messages of both accounts, in turns; returns when each of the plain one's was sent."""
    sent = {}
    for number in range(MESSAGES):
        post(relay, "/kommunicate/shop/webhook", "shop-token", f"s{number}", number)
        sent[f"m{number}"] = time.time()
        post(relay, "/kommunicate/webhook", TOKEN, f"m{number}", number)
        threading.Event().wait(max(0.0, sent[f"m{number}"] + APART - time.time()))
    return sent


def post(relay: RelayProcess, path: str, token: str, mark: str, number: int) -> None:
    sent = body(mark, 1000 + number % 4, mark)
    answered = requests.post(f"{relay.url}{path}", json=sent, headers=auth(token), timeout=PATIENCE)
    assert answered.status_code == 200


def seen(server: SandboxServer) -> dict[str, float]:
    """When each message stood in its thread."""
    return {
        mark: float(one["ts"])
        for one in timeline(server)
        if one["thread_ts"]
        for mark in re.findall(r"\bm\d+\b", words(one))
    }
