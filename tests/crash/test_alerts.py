"""kill -9 while people are told of something: they are told, and once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from relay.sandbox import SandboxServer
from relay.store.db.engine import open_store
from tests.harness import body, environment, timeline, wait_for, words
from tests.processes import HASTY, MortalRelay
from tests.store.shelf import rows

PLACES = ("alert.ready", "alert.posted")
CONFIG = f"delivery: {HASTY}\nchannels: {{123456: C0SUPPORT}}\nalerts: {{channel: C0OPS}}\n"
SOON = {"relay.delivery.alerts.UNCONFIRMED": 1.0}


@pytest.mark.parametrize("place", PLACES)
def test_who_dies_while_people_are_told_tells_them_once(
    place: str, live_server: Callable[..., SandboxServer], database_url: str, tmp_path: Path
) -> None:
    server = live_server(pace=0)
    server.sandbox.slack.archive("C0SUPPORT")
    env = environment(server, database_url, RELAY_CONFIG_YAML=CONFIG, RELAY_ENV="test")
    dying = MortalRelay(tmp_path, {**env, "RELAY_FAILPOINT": f"{place}:1"}, SOON)
    dying.wait_ready()
    dying.post(body("k1"))
    assert wait_for(dying.died)
    relay = MortalRelay(tmp_path, env, SOON)
    try:
        assert wait_for(lambda: is_told(database_url))
    finally:
        relay.kill()
    told = [words(one) for one in timeline(server) if one["channel"] == "C0OPS"]
    assert len(told) == 1
    assert "cannot post to C0SUPPORT" in told[0]


def is_told(url: str) -> bool:
    with closing(open_store(url)) as store:
        return [(row.name, row.post_id) for row in rows(store, "alerts")] == [("C0SUPPORT", None)]
