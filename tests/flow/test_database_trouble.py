"""F10, F24: whatever happens to a PostgreSQL, nothing is lost or doubled, and nobody waits for ever.

Deadlines are five times what `bench/database_trouble.py` has to show, which lets it go wrong for longer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from bench.database_trouble import in_trouble
from tests.harness import own_ports
from tests.sampling import sampled

AT_ONCE = 2
SECONDS = {
    ("stopped_worker", "nothing"): 35.0,
    ("frozen_server", "nothing"): 10.0,
    ("silent_connections", "proxy"): 10.0,
    ("silent_network", "proxy"): 8.0,
    ("restarts", "nothing"): 9.0,
    ("restarts", "pgbouncer"): 9.0,
    ("demoted", "nothing"): 4.0,
    ("stopping_meanwhile", "nothing"): 2.0,
}
LONG = {
    ("stopped_worker", "nothing"),  # in short: tests/crash/test_takeover.py
    ("restarts", "nothing"),  # with a PgBouncer between, there is more that can go wrong
}
ACCEPTED = 5 * 5.0  # seconds until a webhook is answered, 200 or 503
HELD_UP = 5 * 6.0  # seconds until a message is shown whose conversation no stopped process has taken
GOES_ON = 5 * 5.0  # seconds from the end of the trouble until something is stored
POSTS_GO_ON = 5 * 10.0
STOPS = 5 * 4.0


@pytest.fixture(scope="module")
def runs(
    request: pytest.FixtureRequest, postgres_url: str
) -> Iterator[Mapping[tuple[str, str], Future[dict[str, Any]]]]:
    """Every run that is asked for, a few side by side: mostly they wait."""
    wanted = {
        item.callspec.params["case"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.path == request.path and hasattr(item, "callspec")
    }

    def one(case: tuple[str, str]) -> dict[str, Any]:
        # Not in the folder of pytest: PostgreSQL runs as somebody else, and another run shuts that folder to others.
        with own_ports(), TemporaryDirectory(prefix="relay-trouble-") as folder:
            return in_trouble(Path(folder), *case, seconds=SECONDS[case])

    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {case: pool.submit(one, case) for case in SECONDS if case in wanted}


@pytest.mark.parametrize("case", sampled(SECONDS, *(SECONDS.keys() - LONG)), ids="-".join)
def test_nothing_is_lost_and_nobody_waits_for_ever(
    runs: Mapping[tuple[str, str], Future[dict[str, Any]]], case: tuple[str, str]
) -> None:
    found = runs[case].result(timeout=400)
    assert (found["lost"], found["doubled"], found["reordered"]) == (0, 0, 0)
    assert found["answers"].keys() <= {200, 503}
    assert found["accept_max"] < ACCEPTED
    assert found["after"]["write"] < GOES_ON
    assert found["after"]["post"] < POSTS_GO_ON
    if case[0] == "stopped_worker":
        assert found["lag"]["max"] < HELD_UP
    assert found.get("stopped_after", 0.0) < STOPS
