"""What waits is excused only by what holds it back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from relay.doctor.pauses import told
from relay.messages import Decision
from relay.owners import WORKSPACE
from relay.store.db.engine import Store
from relay.store.operations.health import pauses
from relay.store.queue import closing
from relay.store.queue.gates import gate_of_workspace
from relay.vocabulary import GateScope
from tests.harness import FakeClock
from tests.store.shelf import take_in
from tests.web.status.test_views import words

LATE = "A message has waited for 10 min though nothing is paused."
IN_ACME = Decision("acme/C0SHOP1", "channels", "`channels` lists it.")
Close = Callable[[Store], None]


def shut(scope: GateScope, name: str) -> Close:
    def close(store: Store) -> None:
        with store.begin() as tx:
            closing.close_for_operator(tx, scope, name, cause="revoked", code="x")

    return close


@pytest.mark.parametrize(
    ("scope", "name"),
    [
        (GateScope.WORKSPACE, "acme"),
        (GateScope.METHOD, "acme/chat.postMessage"),
        (GateScope.METHOD, "users.info"),
        (GateScope.METHOD, "conversations.list"),
        (GateScope.ACCOUNT, "default"),
        (GateScope.ACCOUNT, "shop"),
        (GateScope.AGENT, "ann@example.com"),
        (GateScope.CHANNEL, "acme/C0SUPPORT"),
    ],
)
def test_words_that_stand_still_are_told_whatever_else_is_paused(
    page: FlaskClient, store: Store, clock: FakeClock, scope: GateScope, name: str
) -> None:
    take_in(store)
    shut(scope, name)(store)
    clock.advance(600)
    assert LATE in words(page, "/")


@pytest.mark.parametrize(
    ("scope", "name"),
    [
        (GateScope.WORKSPACE, "acme"),
        (GateScope.METHOD, "acme/chat.postMessage"),
        (GateScope.CHANNEL, "acme/C0SHOP1"),
    ],
)
def test_what_is_paused_is_excused_in_its_own_workspace(
    page: FlaskClient, store: Store, clock: FakeClock, scope: GateScope, name: str
) -> None:
    take_in(store, decision=IN_ACME)
    shut(scope, name)(store)
    clock.advance(600)
    assert LATE not in words(page, "/")


NAMED = [
    (GateScope.WORKSPACE, "acme", "Everything for Slack (acme)"),
    (GateScope.METHOD, "acme/users.info", "Slack's users.info (acme)"),
    (GateScope.ACCOUNT, "shop", "Everything for Kommunicate (shop)"),
    (GateScope.WORKSPACE, gate_of_workspace(WORKSPACE), "Everything for Slack"),
    (GateScope.METHOD, "users.info", "Slack's users.info"),
    (GateScope.ACCOUNT, "default", "Everything for Kommunicate"),
]


@pytest.mark.parametrize(("scope", "name", "said"), NAMED)
def test_whose_it_is_is_said(page: FlaskClient, store: Store, scope: GateScope, name: str, said: str) -> None:
    shut(scope, name)(store)
    assert f"{said} cannot go on: revoked" in words(page, "/")
    with store.read() as tx:
        (one,) = pauses(tx)
    assert told(one).message == f"{said} is held back: revoked."
