"""What the page says is so, and says it so that nobody stumbles over it."""

from __future__ import annotations

import re
from collections.abc import Callable

from flask.testing import FlaskClient
from sqlalchemy import text

from relay.messages import Decision
from relay.store.db.engine import Store
from relay.store.queue import closing, sends
from relay.vocabulary import GateScope
from tests.harness import FakeClock, raw
from tests.store.shelf import claimed, holding, open_thread, settle, start, started, take_in
from tests.web.status.conftest import sign_in
from tests.web.status.test_views import name, words


def test_of_few_deliveries_it_tells_the_times_they_took(page: FlaskClient, store: Store, clock: FakeClock) -> None:
    open_thread(store)
    for number in range(3):
        take_in(store, f"k{number}")
        held = claimed(store)
        send = started(store, held)
        clock.advance(0.3)
        settle(store, held, send, f"1712345678.00030{number}")
    assert "Delivery time p50 300 ms p95 300 ms p99 300 ms" in words(page, "/")


def test_a_search_shows_what_it_has_found(page: FlaskClient, store: Store) -> None:
    take_in(store, "k1", body=raw("k1", text=f"{'first ' * 30}my Refund, please 👍🏽"))
    take_in(store, "k2", body=raw("k2", text="and something else"))
    shown = words(page, "/conversations?q=refund&in=text")
    assert "first my Refund, please 👍🏽" in shown
    assert "something else" not in shown
    assert "my Refund" in words(page, "/conversations?q=👍🏽&in=text")


def test_whose_role_nobody_knows_is_said_nothing_of(page: FlaskClient, store: Store) -> None:
    take_in(store)
    assert "unknown" not in words(page, "/conversations/1")
    name(store, "customer-1", "Jane Doe")
    assert "Jane Doe customer" in words(page, "/conversations/1")


def test_of_what_is_delivered_a_cause_is_of_before(page: FlaskClient, store: Store) -> None:
    open_thread(store)
    held = claimed(store)
    send = started(store, held)
    holding(store, held, lambda tx: sends.freeze_again(tx, send, "Slack did not answer"))
    settle(store, held, start(store, held, send))
    assert "delivered C0SUPPORT at 1712345678.000200 · before that: Slack did not answer" in words(
        page, "/conversations/1"
    )


def test_a_channel_named_and_given_by_its_id_is_one_row(page_with: Callable[..., FlaskClient], store: Store) -> None:
    """Its name is known to be that id once something was shown there."""
    client = page_with(config={"channels": {"123456": "#support"}, "default_channel": "C0SUPPORT"})
    sign_in(client)
    take_in(store, decision=Decision("#support", "channels", "listed"))
    with store.begin() as tx:
        tx.conn.execute(text("UPDATE conversations SET channel_id = 'C0SUPPORT'"))
    take_in(store, "k2", "7", decision=Decision("#support", "channels", "listed"))
    take_in(store, "k3", "8", decision=Decision("C0SUPPORT", "default_channel", "no other"))
    with store.begin() as tx:
        closing.close_for_operator(tx, GateScope.CHANNEL, "C0SUPPORT", cause="call `/invite`", code="x")
    shown = client.get("/channels").text
    assert re.findall(r'<li data-key="([^"]+)"', shown) == ["C0SUPPORT"]
    assert "#support C0SUPPORT channels, default_channel paused 3 waiting" in words(client, "/channels")
    assert "call <code>/invite</code>" in shown
