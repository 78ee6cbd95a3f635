"""kill -9 while Slack tells something by Socket Mode: acknowledged is stored, the rest comes again, and counts once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from relay.sandbox import Sandbox, SandboxServer
from relay.sandbox.core import APP_LOGIN
from relay.sandbox.slack.board import Message
from relay.store.db.engine import open_store
from tests.databases import Lend
from tests.harness import environment, free_port, timeline, wait_for
from tests.processes import HASTY, MortalRelay
from tests.store.shelf import rows

CHANNEL, GROUP, REPLIES = "C0SUPPORT", "123456", 6
# No reply is on its way to the customer while relays die: here it is about the way in.
CONFIG = f"delivery: {HASTY}\nreplies: {{undo_seconds: 2}}\nchannels: {{123456: {CHANNEL}}}\n"
PLACES = ("accept.before_commit", "accept.after_commit", "http.answered")


class Run:
    """One conversation, an agent who writes, and relays that die."""

    def __init__(self, url: str, folder: Path, server: SandboxServer) -> None:
        self.url, self.folder, self.server, self.port = url, folder, server, free_port()
        self.written: list[Message] = []

    @contextmanager
    def relay(self, **more: str) -> Iterator[MortalRelay]:
        """One that is connected to Slack by itself."""
        env = environment(self.server, self.url, RELAY_CONFIG_YAML=CONFIG, RELAY_ENV="test", **more)
        relay = MortalRelay(self.folder, env | {"PORT": str(self.port), "SLACK_APP_TOKEN": APP_LOGIN})
        try:
            yield relay
        finally:
            relay.kill()

    def begin(self) -> None:
        """A customer writes, and sees it in Slack."""
        self.server.sandbox.connect(f"http://127.0.0.1:{self.port}", socket_mode=True)
        with self.relay() as relay:
            relay.wait_ready()
            self.server.sandbox.kommunicate.customer_writes(GROUP, "hello", name="Jane")
            assert wait_for(lambda: len(timeline(self.server)) == 2)

    def write_until_it_dies(self, place: str) -> None:
        """The agent goes on writing meanwhile; the first passes are other things that came in."""
        with self.relay(RELAY_FAILPOINT=f"{place}:3") as relay:
            assert wait_for(lambda: bool(self.server.sandbox.slack.sender.sockets.open) or relay.died())
            for number in range(REPLIES):
                text = f"reply {number}"
                (root,) = (one for one in timeline(self.server) if one["thread_ts"] is None)
                self.written.append(self.server.sandbox.slack.human_writes(CHANNEL, text, thread_ts=root["ts"]))
                time.sleep(0.1)  # as people do; whoever is faster than the relay dies is no matter
            assert wait_for(relay.died)

    def acknowledged(self) -> set[str]:
        """The ts of each message whose event the relay has acknowledged."""
        sent = self.server.sandbox.slack.sender.outbox.sent
        return {one.ts for one in self.written if any(each.accepted and one.ts.encode() in each.body for each in sent)}

    def stored(self) -> set[str]:
        """The ts of each message that is in the database."""
        with closing(open_store(self.url)) as store:
            keys = [str(row.key) for row in rows(store, "received") if row.source == "slack"]
        return {one.ts for one in self.written if any(one.ts in key for key in keys)}

    def reached(self) -> list[str]:
        """What the customer was sent."""
        lines = self.server.sandbox.kommunicate.conversation(GROUP).lines
        return [line.text for line in lines if line.source == 4]


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
@pytest.mark.parametrize("place", PLACES)
def test_what_was_acknowledged_is_stored_and_the_rest_comes_again(
    lend_database: Lend, tmp_path: Path, place: str, engine: str
) -> None:
    with lend_database(engine) as url, SandboxServer(Sandbox(pace=0)) as server:
        server.sandbox.slack.sender.outbox.retry = (0.5,) * 60  # until a relay is there again
        run = Run(url, tmp_path, server)
        run.begin()
        run.write_until_it_dies(place)
        assert run.acknowledged() <= run.stored()
        with run.relay():
            assert server.sandbox.wait_idle(40)
            assert wait_for(lambda: len(run.reached()) >= REPLIES)
        assert run.acknowledged() == run.stored() == {one.ts for one in run.written}
        assert sorted(run.reached()) == sorted(one.text for one in run.written)


def test_sigterm_ends_a_connected_relay_in_order(lend_database: Lend, tmp_path: Path) -> None:
    with lend_database("sqlite") as url, SandboxServer(Sandbox(pace=0)) as server:
        run = Run(url, tmp_path, server)
        run.begin()
        with run.relay() as relay:
            assert wait_for(lambda: bool(server.sandbox.slack.sender.sockets.open))
            assert relay.stop() == 0
        assert wait_for(lambda: not server.sandbox.slack.sender.sockets.open)
