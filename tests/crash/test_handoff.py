"""kill -9 while what was left to a bot is filled in: each message once, in order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select

from relay.sandbox import SandboxServer
from relay.store.db.engine import Store, open_store
from relay.store.db.tables import deliveries
from relay.vocabulary import DeliveryState
from tests.harness import body, environment, timeline, wait_for, words
from tests.processes import HASTY, MortalRelay

PLACES = (
    "take.before_commit",
    "take.after_commit",
    "call.ready",
    "call.answered",
    "settle.before_commit",
)
CONFIG = f"delivery: {HASTY}\nchannels: {{123456: C0SUPPORT}}\nshow: handoff\n"
MESSAGES = 60  # more than fit into one post
ANSWERS = {"KM_ANSWER_SOURCE": "faq"}
EXPECTED = [f"m{number}" for number in range(MESSAGES + 1)]


class Quiet:
    """A chat that a bot has had to itself."""

    def __init__(self, server: SandboxServer, store: Store, cwd: Path) -> None:
        self.server, self.store, self.cwd = server, store, cwd

    @contextmanager
    def relay(self, **more: str) -> Iterator[MortalRelay]:
        url = self.store.engine.url.render_as_string(hide_password=False)
        relay = MortalRelay(self.cwd, environment(self.server, url, RELAY_CONFIG_YAML=CONFIG, RELAY_ENV="test", **more))
        try:
            yield relay
        finally:
            relay.kill()

    def talk(self) -> None:
        with self.relay() as relay:
            relay.wait_ready()
            for number in range(0, MESSAGES, 2):
                relay.post(body(f"k{number}", text=f"m{number} question"))
                answer = {"from": "bot", "metadata": ANSWERS}
                relay.post(body(f"k{number + 1}", text=f"m{number + 1} answer", **answer))
            assert wait_for(lambda: self.left_out() == MESSAGES)
        assert timeline(self.server) == []

    def left_out(self) -> int:
        with self.store.read() as tx:
            ignored = deliveries.c.state == DeliveryState.IGNORED.value
            return int(tx.conn.execute(select(func.count()).select_from(deliveries).where(ignored)).scalar_one())

    def said(self) -> list[str]:
        """What stands in the thread, message by message."""
        posts = [one for one in timeline(self.server) if one["thread_ts"] is not None]
        return [found for post in posts for found in re.findall(r"\bm\d+\b", words(post))]


@pytest.fixture
def quiet(live_server: Callable[..., SandboxServer], database_url: str, tmp_path: Path) -> Iterator[Quiet]:
    with closing(open_store(database_url)) as store:
        yield Quiet(live_server(pace=0), store, tmp_path)


@pytest.mark.parametrize("time", [1, 2, 3])
@pytest.mark.parametrize("place", PLACES)
def test_each_message_is_there_once_and_in_order_wherever_it_dies(quiet: Quiet, place: str, time: int) -> None:
    quiet.talk()
    hand_over = {"from": "bot", "metadata": {**ANSWERS, "KM_ASSIGN_TO": ""}}
    with quiet.relay(RELAY_FAILPOINT=f"{place}:{time}") as relay:
        relay.wait_ready()
        relay.post(body("last", text=f"m{MESSAGES} I call somebody", **hand_over))
        assert wait_for(relay.died), place
    with quiet.relay():
        assert wait_for(lambda: len(quiet.said()) >= len(EXPECTED))
        assert quiet.server.sandbox.wait_idle()
    assert quiet.said() == EXPECTED
    assert len([one for one in timeline(quiet.server) if one["thread_ts"] is None]) == 1
