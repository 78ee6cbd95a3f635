"""kill -9 while the chores call for somebody, or give a chat back: it is done once, and said in one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select, update

from relay.conversation import Holder
from relay.sandbox import SandboxServer
from relay.store.db.engine import Store, open_store
from relay.store.db.tables import conversations
from tests.harness import environment, timeline, wait_for, words
from tests.processes import HASTY, MortalRelay

PLACES = tuple(f"{name}.{side}_commit" for name in ("remind", "give_back") for side in ("before", "after"))
LONG_AGO = 2 * 3600.0  # seconds
GROUP, WAITS, GIVEN_BACK = "123456", "has been waiting since", "Released because nobody answered"
CONFIG = f"delivery: {HASTY}\nchannels: {{{GROUP}: C0SUPPORT}}\nremind: {{after: 1h, mention: here, stale: %s}}\n"


class Town:
    """One chat whose agent has let its customer wait."""

    stale = "1h"  # when the chat goes back

    def __init__(self, server: SandboxServer, store: Store, cwd: Path) -> None:
        self.server, self.store, self.cwd = server, store, cwd

    @contextmanager
    def relay(self, **more: str) -> Iterator[MortalRelay]:
        """A relay that does its chores as soon as it runs."""
        url = self.store.engine.url.render_as_string(hide_password=False)
        env = environment(self.server, url, RELAY_CONFIG_YAML=CONFIG % self.stale, RELAY_ENV="test", **more)
        relay = MortalRelay(self.cwd, env)
        try:
            yield relay
        finally:
            relay.kill()

    def wait_for_long(self) -> None:
        """The customer has written, an agent has taken the chat, and two hours have gone by."""
        with self.relay() as relay:
            relay.wait_ready()
            self.server.sandbox.connect(relay.url)
            self.server.sandbox.kommunicate.customer_writes(GROUP, "hello", name="Jane")
            assert wait_for(lambda: len(timeline(self.server)) == 2)
        held = {"holder": Holder.AGENT.value, "assignee": "alex@sandbox.test"}
        ago = {
            "waits_since": conversations.c.waits_since - LONG_AGO,
            "held_since": conversations.c.waits_since - LONG_AGO,
        }
        with self.store.begin() as tx:
            tx.conn.execute(update(conversations).values(**held, **ago, remind_at=None))

    def holder(self) -> str:
        """Who has the chat."""
        with self.store.read() as tx:
            return str(tx.conn.execute(select(conversations.c.holder)).scalar_one())

    def said(self) -> list[str]:
        """The relay's own lines about it in the thread; several may share a post."""
        return [line for one in timeline(self.server) for line in words(one).splitlines() if WAITS in line]


@pytest.fixture
def town(live_server: Callable[..., SandboxServer], database_url: str, tmp_path: Path) -> Iterator[Town]:
    with closing(open_store(database_url)) as store:
        yield Town(live_server(), store, tmp_path)


@pytest.mark.parametrize("place", PLACES)
def test_it_is_done_once_wherever_it_dies(town: Town, place: str) -> None:
    """A chat that goes back at the moment of a reminder, and one that stays with its agent."""
    goes_back = place.startswith("give_back")
    town.stale = "1h" if goes_back else "never"
    town.wait_for_long()
    with town.relay(RELAY_FAILPOINT=f"{place}:1") as relay:
        assert wait_for(relay.died), place
    with town.relay():
        assert wait_for(lambda: len(town.said()) == 1)
        assert town.server.sandbox.wait_idle()
    with town.relay() as relay:  # and once more: nothing is left to do
        relay.wait_ready()
        assert town.server.sandbox.wait_idle()
    assert (town.holder() != Holder.AGENT.value) is goes_back
    assert [GIVEN_BACK in text for text in town.said()] == [goes_back]
