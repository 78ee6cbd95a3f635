"""What hangs, drips or is away holds up itself and nobody else: deadlines at five times what is promised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from bench.held_up import TROUBLE, held_up
from tests.databases import Lend
from tests.harness import own_ports
from tests.sampling import sampled

AT_ONCE = 2
ROUNDS = 4
WORDS = 5 * 1.0  # seconds
REPLIES = 5 * 2.0  # seconds
ENGINES = ("sqlite", "postgres")

Found = dict[str, list[float]]


@pytest.fixture(scope="module")
def runs(
    request: pytest.FixtureRequest, lend_database: Lend, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[tuple[str, str], Future[Found]]]:
    """Every run that is asked for, a few side by side: mostly they wait."""
    wanted = {
        (item.callspec.params["engine"], item.callspec.params["trouble"])
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.path == Path(__file__)
    }

    def one(trouble: str, lent: AbstractContextManager[str]) -> Found:
        with own_ports(), lent as url:
            return held_up(url, tmp_path_factory.mktemp("held"), trouble, rounds=ROUNDS)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {
            (engine, trouble): pool.submit(one, trouble, lend_database(engine)) for engine, trouble in sorted(wanted)
        }


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("trouble", sampled(TROUBLE, "nothing", "channels_hang", "slack_hangs", "kommunicate_hangs"))
def test_the_healthy_are_not_held_up(runs: Mapping[tuple[str, str], Future[Found]], engine: str, trouble: str) -> None:
    found = runs[engine, trouble].result(timeout=300)
    assert max(found["words"]) < WORDS
    assert max(found.get("replies", [0.0])) < REPLIES
