"""Names and roles are shown where they can be had in time; words wait a moment at most."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping

import pytest

from relay.delivery import authors as module
from relay.delivery.authors import FRESH, Authors
from relay.delivery.gates import NAMES_PAUSE
from relay.kommunicate.client import KommunicateClient
from relay.messages import Person, Role
from relay.sandbox import Sandbox, SandboxServer
from relay.sandbox.kommunicate.values import Person as SandboxPerson
from relay.store.db.engine import Store
from tests.harness import PATIENCE, FakeClock, wait_for

DETAIL = "/rest/ws/user/v2/detail"
ANN = Person("u1", "Ann", Role.CUSTOMER)

Names = Callable[..., Mapping[str, Person]]


@pytest.fixture
def authors(
    store: Store, server: SandboxServer, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Authors]:
    """Patient: on a busy machine an answer that comes at once takes its time."""
    monkeypatch.setattr(module, "PATIENCE", PATIENCE)
    monkeypatch.setattr(module, "SLOW", PATIENCE)
    sandbox.kommunicate.people["u1"] = SandboxPerson("u1", "Ann", "3")
    client = KommunicateClient("sandbox-key", server.kommunicate_api_url)
    authors = Authors(store, client, bots=["bot"], agents=["al"])
    yield authors
    assert wait_for(lambda: not authors.under_way)


@pytest.fixture
def names(authors: Authors, store: Store) -> Names:
    """What is shown, looked up first if it is missing."""
    return lambda *user_ids: shown(authors, store, *user_ids)


def shown(authors: Authors, store: Store, *user_ids: str) -> Mapping[str, Person]:
    with store.read() as tx:
        known = authors.known(tx, "default", user_ids)
    if not known.missing:
        return known.people
    authors.look_up("default", known.missing)
    with store.read() as tx:
        return authors.known(tx, "default", user_ids).people


def asked(sandbox: Sandbox) -> int:
    return sum(call["method"].endswith("/detail") for call in sandbox.calls)


def test_it_asks_once_for_a_while(names: Names, sandbox: Sandbox, clock: FakeClock) -> None:
    """Also for whom Kommunicate does not know: the id has to do."""
    for _ in range(2):
        assert names("u1", "u2") == {"u1": ANN, "u2": Person("u2", "u2")}
    assert asked(sandbox) == 1
    clock.advance(FRESH + 1)
    names("u1")
    assert wait_for(lambda: asked(sandbox) == 2)


def test_an_old_name_is_shown_while_it_is_looked_up_anew(names: Names, sandbox: Sandbox, clock: FakeClock) -> None:
    """Nobody waits for it."""
    names("u1")
    clock.advance(FRESH + 1)
    sandbox.kommunicate.people["u1"] = SandboxPerson("u1", "Anna", "3")
    assert names("u1") == {"u1": ANN}
    assert wait_for(lambda: names("u1")["u1"].name == "Anna")


def test_a_hanging_look_up_costs_a_moment_once(names: Names, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes while one hangs does not wait at all."""
    monkeypatch.setattr(module, "PATIENCE", 0.6)
    monkeypatch.setattr(module, "SLOW", 0.25)
    sandbox.faults.add(DETAIL, "timeout_before", seconds=60, times=None)
    took = []
    for user_id in ("u1", "u2", "u3"):
        begun = time.monotonic()
        assert names(user_id) == {user_id: Person(user_id, user_id)}
        took.append(time.monotonic() - begun)
    assert took[0] > 0.5
    assert sum(took) < 5 * 0.6


def test_one_look_up_serves_all_who_need_it(authors: Authors, sandbox: Sandbox) -> None:
    sandbox.faults.add(DETAIL, "slow", seconds=0.3)
    waiting = [threading.Thread(target=authors.look_up, args=("default", ["u1"])) for _ in range(5)]
    for each in waiting:
        each.start()
    for each in waiting:
        each.join(PATIENCE)
    assert asked(sandbox) == 1


def test_a_failed_look_up_is_followed_by_a_pause(names: Names, sandbox: Sandbox, clock: FakeClock) -> None:
    """The others' words need not wait for each."""
    sandbox.faults.add(DETAIL, "status")
    for _ in range(3):
        assert names("u1")["u1"].name == "u1"
    assert asked(sandbox) == 1
    clock.advance(NAMES_PAUSE)
    assert names("u1") == {"u1": ANN}


@pytest.mark.parametrize(
    ("rule", "pause"), [({"kind": "ratelimited", "retry_after": "120"}, 120), ({"kind": "status", "status": 401}, 300)]
)
def test_a_pause_is_as_long_as_its_cause_asks(
    names: Names, sandbox: Sandbox, clock: FakeClock, rule: dict, pause: int
) -> None:
    sandbox.faults.add(DETAIL, **rule)
    names("u1")
    clock.advance(pause - 1)
    assert names("u1")["u1"].name == "u1"
    clock.advance(1)
    assert names("u1") == {"u1": ANN}


def test_an_old_name_is_better_than_none(names: Names, sandbox: Sandbox, clock: FakeClock) -> None:
    names("u1")
    clock.advance(FRESH + 1)
    sandbox.faults.add(DETAIL, "status")
    assert names("u1") == {"u1": ANN}
    assert wait_for(lambda: asked(sandbox) == 2)
    assert names("u1") == {"u1": ANN}


def test_without_a_key_the_lists_tell_bots_and_agents(store: Store) -> None:
    authors = Authors(store, None, bots=["bot"], agents=["al"])
    roles = {user_id: person.role for user_id, person in shown(authors, store, "bot", "al", "u1").items()}
    assert roles == {"bot": Role.BOT, "al": Role.AGENT, "u1": Role.UNKNOWN}


def test_the_lists_outrank_what_was_looked_up(names: Names, sandbox: Sandbox) -> None:
    sandbox.kommunicate.people["al"] = SandboxPerson("al", "Al", "3")
    assert names("al") == {"al": Person("al", "Al", Role.AGENT)}
