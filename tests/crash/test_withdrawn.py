"""kill -9 while a message is taken back, or while it is on its way: afterwards its words stand nowhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import product
from pathlib import Path

import pytest
import requests

from relay.sandbox import Sandbox, SandboxServer
from relay.store.db.engine import Store, open_store
from tests.databases import Lend
from tests.harness import auth, environment, own_ports, raw, timeline, wait_for
from tests.processes import HASTY, MortalRelay
from tests.store.shelf import everything_stored

ENGINES = ("sqlite", "postgres")
# Where it dies while it is told of the withdrawal, and while it draws post and card again.
TAKING_BACK = (
    "accept.before_commit",
    "accept.after_commit",
    "http.answered",
    "take.before_commit",
    "take.after_commit",
    "call.ready",
    "slack.sent",
    "call.answered",
    "settle.before_commit",
    "settle.after_commit",
)
# Where it dies while the message is posted; the withdrawal comes to the next one.
POSTING = TAKING_BACK[3:]
DEATHS = [*product(("taken back",), TAKING_BACK), *product(("posted",), POSTING)]
# `make test` dies once at each place, on the databases in turns; `make test-long` on both.
RUNS = [
    *((when, place, ENGINES[number % 2]) for number, (when, place) in enumerate(DEATHS)),
    *(pytest.param(*death, engine, marks=pytest.mark.long) for death, engine in product(DEATHS, ENGINES)),
]
GROUP, CHANNEL = "801", "C0CRASH801"
CONFIG = f"delivery: {HASTY}\nchannels: {{801: {CHANNEL}}}\n"
SECRET = "my PIN is s3cr3t"
TAKEN_BACK = {"metadata": {"AL_DELETE_GROUP_MESSAGE_FOR_ALL": "true"}}


class Run:
    """One database, one Slack, and relays that follow each other."""

    def __init__(self, cwd: Path, store: Store, server: SandboxServer) -> None:
        self.cwd, self.store, self.server = cwd, store, server
        self.owed: list[bytes] = []
        server.sandbox.slack.add_channel(CHANNEL, "crash")

    @contextmanager
    def relay(self, **more: str) -> Iterator[MortalRelay]:
        url = self.store.engine.url.render_as_string(hide_password=False)
        env = environment(self.server, url, RELAY_CONFIG_YAML=CONFIG, RELAY_ENV="test", **more)
        self.url = f"http://127.0.0.1:{env['PORT']}"
        relay = MortalRelay(self.cwd, env)
        try:
            assert wait_for(lambda: relay.died() or self._is_ready())
            yield relay
        finally:
            relay.kill()

    def send(self, relay: MortalRelay, body: bytes) -> None:
        """Owed until it is answered 200, as long as this relay lives."""
        self.owed.append(body)
        assert wait_for(lambda: relay.died() or self._taken())

    def said(self) -> str:
        return json.dumps(timeline(self.server))

    def is_forgotten(self) -> bool:
        return "s3cr3t" not in self.said() and "s3cr3t" not in everything_stored(self.store)

    def _is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def _taken(self) -> bool:
        headers = {"Content-Type": "application/json", **auth()}
        try:
            response = requests.post(f"{self.url}/kommunicate/webhook", data=self.owed[0], headers=headers, timeout=10)
        except requests.RequestException:
            return False
        assert response.status_code == 200
        del self.owed[0]
        return True


@pytest.mark.parametrize(("when", "place", "engine"), RUNS)
def test_its_words_stand_nowhere_wherever_it_dies(
    when: str, place: str, engine: str, lend_database: Lend, tmp_path: Path
) -> None:
    message, withdrawal = raw("k1", GROUP, SECRET), raw("k1", GROUP, SECRET, **TAKEN_BACK)
    with (
        own_ports(),
        lend_database(engine) as url,
        SandboxServer(Sandbox(pace=0)) as server,
        closing(open_store(url)) as store,
    ):
        run = Run(tmp_path, store, server)
        with run.relay() as relay:
            run.send(relay, raw("k0", GROUP, "hello"))
            assert wait_for(lambda: "hello" in run.said())
            if when == "taken back":
                run.send(relay, message)
                assert wait_for(lambda: "s3cr3t" in run.said())
        with run.relay(RELAY_FAILPOINT=f"{place}:1") as relay:
            run.send(relay, withdrawal if when == "taken back" else message)
            assert wait_for(relay.died)
        with run.relay() as relay:
            if run.owed:
                run.send(relay, run.owed.pop())
            if when == "posted":
                run.send(relay, withdrawal)
            run.send(relay, raw("k2", GROUP, "and now?"))
            assert wait_for(lambda: "and now?" in run.said() and run.is_forgotten()), run.said()
