"""A purge beside a relay at work: it loses, doubles and reorders nothing of the others', and nothing comes back."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
import requests
from sqlalchemy import make_url

from relay.sandbox import SandboxServer
from relay.store.db.engine import open_store
from tests.harness import PATIENCE, body, environment, timeline, wait_for, words
from tests.processes import HASTY, SHORTER, Forked, MortalRelay, RelayProcess
from tests.store.shelf import everything_stored

JANE, GROUPS = "801", ("802", "803", "804")
MARK = re.compile(r"\b(80\d)-m(\d+)x\b")
CONFIG = f"delivery: {HASTY}\ndefault_channel: C0GENERAL\n"
EACH = 60  # messages of each of the others


class Load:
    """Customers who write all the time, each in order, and send again what was not answered 200."""

    def __init__(self, relay: MortalRelay) -> None:
        self._relay, self.sent = relay, dict.fromkeys((JANE, *GROUPS), 0)
        self.refused = 0

    def write(self, group: str) -> None:
        number = self.sent[group]
        told = body(f"{group}/{number}", group, f"{group}-m{number}x jane-secret"[: None if group == JANE else -12])
        while not self._taken({**told, "from": f"customer-{group}", "groupName": f"title of {group}"}):
            self.refused += 1
        self.sent[group] += 1

    def _taken(self, told: dict[str, object]) -> bool:
        try:
            return self._relay.post(told).status_code == 200
        except requests.RequestException:
            return False

    def run(self, group: str, many: int) -> threading.Thread:
        thread = threading.Thread(target=lambda: [self.write(group) for _ in range(many)], daemon=True)
        thread.start()
        return thread


@pytest.fixture
def server(live_server: Callable[..., SandboxServer]) -> SandboxServer:
    return live_server(pace=0)


@pytest.fixture
def relay(server: SandboxServer, database_url: str, tmp_path: Path) -> Iterator[MortalRelay]:
    relay = MortalRelay(tmp_path, environment(server, database_url, RELAY_CONFIG_YAML=CONFIG, RELAY_ENV="test"))
    try:
        relay.wait_ready()
        yield relay
    finally:
        relay.kill()


def purge(server: SandboxServer, database_url: str, cwd: Path) -> int:
    env = {"DATABASE_URL": database_url, "SLACK_BOT_TOKEN": "xoxb-sandbox", "SLACK_API_URL": server.slack_api_url}
    shorter = {**SHORTER, "relay.delivery.deleting.PACE": 0.0, "relay.delivery.deleting.ARRIVES": 1.5}
    words = ("purge", "--customer", f"customer-{JANE}", "--slack", "--yes")
    start = partial(Forked, shorter=shorter)
    return RelayProcess(*words, cwd=cwd, env=env, log="purge.log", start=start).process.wait(PATIENCE)


def shown(server: SandboxServer) -> dict[str, list[int]]:
    """The numbers of each group's messages in threads, in posting order."""
    found: dict[str, list[int]] = {group: [] for group in (JANE, *GROUPS)}
    for post in timeline(server):
        for group, number in MARK.findall(words(post)) if post["thread_ts"] else ():
            found[group].append(int(number))
    return found


def test_the_others_notice_nothing(
    relay: MortalRelay, server: SandboxServer, database_url: str, tmp_path: Path
) -> None:
    """Jane has a backlog when she is erased, and posts of hers are under way."""
    load = Load(relay)
    server.sandbox.faults.add("chat.postMessage", "slow", channel="C0GENERAL", times=None, seconds=0.05)
    threads = [load.run(group, EACH) for group in GROUPS]
    load.run(JANE, 25).join(PATIENCE)
    assert wait_for(lambda: len(shown(server)[JANE]) >= 3)
    assert purge(server, database_url, tmp_path) == 0
    for thread in threads:
        thread.join(PATIENCE)
    expected = {JANE: [], **{group: list(range(EACH)) for group in GROUPS}}
    assert wait_for(lambda: shown(server) == expected, 60), shown(server)
    assert relay.stop() == 0
    with closing(open_store(database_url)) as store:
        stored = everything_stored(store)
    visible = [str(one) for one in timeline(server)]
    log = (tmp_path / "relay.log").read_text() + (tmp_path / "purge.log").read_text()
    secrets = ("jane-secret", f"title of {JANE}", f"customer-{JANE}")
    assert [one for one in secrets if one in stored + log or any(one in post for post in visible)] == []
    if database_url.startswith("sqlite"):
        path = Path(make_url(database_url).database or "")
        raw = b"".join(one.read_bytes() for one in path.parent.glob(f"{path.name}*"))
        assert [one for one in secrets if one.encode() in raw] == []
