"""kill -9 of `relay purge` at every place it passes; whoever runs it again finds the rest, and nothing else is touched.

Beside it works a relay, or none.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from relay.sandbox import SandboxServer
from tests.crash.test_file_failpoints import ENGINES
from tests.harness import PATIENCE, timeline
from tests.processes import Forked, RelayProcess
from tests.purge.test_erasing import WORDS, chat, everything, of_slack
from tests.replies.conftest import make_desk
from tests.replies.desk import GROUP, Desk
from tests.store.shelf import everything_stored, rows

__all__ = ["make_desk"]

JANE, OTHER = f"customer-{GROUP}", "777"
PLACES = (
    *(f"{name}.{side}_commit" for name in ("erase", "erase_post", "delete_file") for side in ("before", "after")),
    "erase.deleted",
)
# How often each is passed at least.
PASSES = {"erase": (1, 2, 3, 4), "erase_post": (1, 3), "delete_file": (1,), "slack": (1, 3)}
CASES = [
    (place, number, ENGINES[(at + number) % 2])
    for at, place in enumerate((*PLACES, "slack.sent"))
    for number in PASSES[place.split(".")[0]]
]
ALL = [pytest.param(place, number, engine, marks=pytest.mark.long)
       for (place, number, at), engine in itertools.product(CASES, ENGINES) if engine != at]  # fmt: skip
SHORTER = {"relay.delivery.deleting.PACE": 0.0, "relay.delivery.deleting.ARRIVES": 0.2}


@pytest.fixture
def database_url(request: pytest.FixtureRequest, engine: str) -> str:
    """On the engine that the case names."""
    url: str = request.getfixturevalue(f"{engine}_database_url")
    return url


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    desk = make_desk(channels={GROUP: "C0SUPPORT", OTHER: "C0SUPPORT"})
    chat(desk)
    chat(desk, OTHER, "Bob Hill", "bobs-secret")
    return desk


def run(server: SandboxServer, database_url: str, cwd: Path, failpoint: str = "") -> int:
    """One purge by the real command; returns how it ended."""
    env = {"DATABASE_URL": database_url, "SLACK_BOT_TOKEN": "xoxb-sandbox", "SLACK_API_URL": server.slack_api_url}
    env |= {"RELAY_ENV": "test", **({"RELAY_FAILPOINT": failpoint} if failpoint else {})}
    words = ("purge", "--customer", JANE, "--slack", "--yes")
    process = RelayProcess(*words, cwd=cwd, env=env, start=partial(Forked, shorter=SHORTER))
    return process.process.wait(PATIENCE)


@pytest.mark.parametrize(("place", "number", "engine"), [*CASES, *ALL])
def test_whoever_is_killed_runs_it_again(
    desk: Desk, server: SandboxServer, database_url: str, tmp_path: Path, place: str, number: int
) -> None:
    before, shown = everything(desk.store, but=GROUP), [one for one in timeline(server) if "bobs-secret" in str(one)]
    assert run(server, database_url, tmp_path, f"{place}:{number}") == -9
    assert run(server, database_url, tmp_path) == 0
    assert run(server, database_url, tmp_path) == 1  # there is nobody of this name
    desk.run(60)
    assert [word for word in (*WORDS, JANE) if word in everything_stored(desk.store)] == []
    assert "jane" not in of_slack(desk).lower()
    assert everything(desk.store, but=GROUP) == before
    assert [one for one in timeline(server) if "bobs-secret" in str(one)] == shown
    assert "jane" not in (tmp_path / "relay.log").read_text().lower().replace(f"no customer {JANE}", "")
    assert {(row.due, row.lease_owner) for row in rows(desk.store, "lanes")} == {(None, None)}
