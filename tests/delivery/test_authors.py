"""Names and roles are shown where they can be had in time; words wait for nobody."""

from __future__ import annotations

import time

import pytest

from relay.delivery.authors import FRESH, PAUSE, Authors
from relay.kommunicate.client import KommunicateClient
from relay.messages import Person, Role
from relay.sandbox import Sandbox, SandboxServer
from relay.sandbox.kommunicate.values import Person as SandboxPerson
from relay.store.db.engine import Store
from tests.harness import FakeClock

DETAIL = "/rest/ws/user/v2/detail"
ANN = Person("u1", "Ann", Role.CUSTOMER)


@pytest.fixture
def authors(store: Store, server: SandboxServer, sandbox: Sandbox) -> Authors:
    sandbox.kommunicate.people["u1"] = SandboxPerson("u1", "Ann", "3")
    return Authors(store, KommunicateClient("sandbox-key", server.kommunicate_api_url), bots=["bot"], agents=["al"])


def asked(sandbox: Sandbox) -> int:
    return sum(call["method"].endswith("/detail") for call in sandbox.calls)


def test_it_asks_once_for_a_while(authors: Authors, sandbox: Sandbox, clock: FakeClock) -> None:
    """Also for whom Kommunicate does not know: the id has to do."""
    for _ in range(2):
        assert authors.of("default", ["u1", "u2"]) == {"u1": ANN, "u2": Person("u2", "u2")}
    assert asked(sandbox) == 1
    clock.advance(FRESH + 1)
    authors.of("default", ["u1"])
    assert asked(sandbox) == 2


def test_a_hanging_look_up_costs_two_seconds_and_no_more(authors: Authors, sandbox: Sandbox) -> None:
    sandbox.faults.add(DETAIL, "timeout_before", seconds=60)
    begun = time.monotonic()
    assert authors.of("default", ["u1"]) == {"u1": Person("u1", "u1")}
    assert 1.9 < time.monotonic() - begun < 5 * 2


def test_a_failed_look_up_is_followed_by_a_pause(authors: Authors, sandbox: Sandbox, clock: FakeClock) -> None:
    """The others' words need not wait two seconds each."""
    sandbox.faults.add(DETAIL, "status")
    for _ in range(3):
        assert authors.of("default", ["u1"])["u1"].name == "u1"
    assert asked(sandbox) == 1
    clock.advance(PAUSE)
    assert authors.of("default", ["u1"]) == {"u1": ANN}


@pytest.mark.parametrize(
    ("rule", "pause"), [({"kind": "ratelimited", "retry_after": "120"}, 120), ({"kind": "status", "status": 401}, 300)]
)
def test_a_pause_is_as_long_as_its_cause_asks(
    authors: Authors, sandbox: Sandbox, clock: FakeClock, rule: dict, pause: int
) -> None:
    sandbox.faults.add(DETAIL, **rule)
    authors.of("default", ["u1"])
    clock.advance(pause - 1)
    assert authors.of("default", ["u1"])["u1"].name == "u1"
    clock.advance(1)
    assert authors.of("default", ["u1"]) == {"u1": ANN}


def test_an_old_name_is_better_than_none(authors: Authors, sandbox: Sandbox, clock: FakeClock) -> None:
    authors.of("default", ["u1"])
    clock.advance(FRESH + 1)
    sandbox.faults.add(DETAIL, "status")
    assert authors.of("default", ["u1"]) == {"u1": ANN}


def test_without_a_key_the_lists_tell_bots_and_agents(store: Store) -> None:
    authors = Authors(store, None, bots=["bot"], agents=["al"])
    roles = {user_id: person.role for user_id, person in authors.of("default", ["bot", "al", "u1"]).items()}
    assert roles == {"bot": Role.BOT, "al": Role.AGENT, "u1": Role.UNKNOWN}


def test_the_lists_outrank_what_was_looked_up(authors: Authors, sandbox: Sandbox) -> None:
    sandbox.kommunicate.people["al"] = SandboxPerson("al", "Al", "3")
    assert authors.of("default", ["al"]) == {"al": Person("al", "Al", Role.AGENT)}
