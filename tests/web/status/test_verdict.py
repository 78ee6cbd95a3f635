"""What waits is excused only by what holds it back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from relay.doctor.pauses import told
from relay.findings import Finding
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
    assert f"{said} cannot continue: revoked" in words(page, "/")
    with store.read() as tx:
        (one,) = pauses(tx)
    assert told(one).message == f"{said} is held back: revoked."


def test_what_is_to_know_is_not_counted_with_what_needs_you(page: FlaskClient, store: Store) -> None:
    for number in range(2):
        shut(GateScope.CHANNEL, f"C0NUMBER{number}")(store)
    with store.begin() as tx:
        closing.close_for_failure(tx, GateScope.METHOD, "users.info", 30.0, cause="rate limited")
    shown = words(page, "/")
    assert "2 things need you: posts to C0NUMBER0 and posts to C0NUMBER1." in shown
    assert "To know Slack's users.info, paused: rate limited" in shown
    shut(GateScope.CHANNEL, "C0NUMBER2")(store)
    shut(GateScope.ACCOUNT, "default")(store)
    head = words(page, "/").partition("Look")[0]
    assert "4 things need you: " in head
    assert " and 2 more." in head


WHERE = "config.yaml:2:9"
SEEN = [
    ((GateScope.CHANNEL, "C0SUPPORT"), Finding("channel_not_member", "error", "The bot is not in #a (C0SUPPORT).")),
    ((GateScope.CHANNEL, "#suport"), Finding("channel_not_found", "error", "There is no channel #suport.")),
    ((GateScope.CHANNEL, "C0X"), Finding("paused", "error", "What goes to the channel C0X is held back: revoked.")),
    ((GateScope.WORKSPACE, "slack"), Finding("slack_token", "error", "Slack refuses the token.")),
    ((GateScope.ACCOUNT, "default"), Finding("kommunicate_key", "error", "Kommunicate refuses the key.")),
]
OTHERS = [
    ((GateScope.CHANNEL, "C0SUP"), Finding("channel_archived", "error", "The channel C0SUPPORT is archived.")),
    ((GateScope.WORKSPACE, "acme"), Finding("slack_token", "error", "Slack refuses the token.", "", "TOKEN")),
    ((GateScope.CHANNEL, "C0X"), Finding("scope_missing", "error", "A scope is missing.", "", WHERE)),
]


@pytest.mark.parametrize(
    ("gate", "seen", "things"),
    [*((*one, "One thing needs you") for one in SEEN), *((*one, "2 things") for one in OTHERS)],
)
def test_nothing_is_counted_twice(
    page: FlaskClient, store: Store, gate: tuple[GateScope, str], seen: Finding, things: str
) -> None:
    """What was seen of the set-up, and the gate that is shut because of it."""
    page.application.extensions["relay"].findings = (seen,)
    shut(*gate)(store)
    assert things in words(page, "/")
