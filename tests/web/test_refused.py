"""Bodies that are refused are a help for whoever looks for the mistake, not a way to fill the disk."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, text

from relay.delivery.forgetting import forget_old
from relay.store.db.engine import Store
from relay.store.db.tables import received
from relay.store.operations.retention import MOST_REJECTED
from relay.web import create_app
from relay.wiring import Relay
from tests.harness import auth, settings

ROWS = "INSERT INTO received (door, account, kind, outcome, body, received_at) "
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :many) "
EACH = "SELECT 'kommunicate', 'default', 'message', 'rejected', :body, 1712345678 FROM n"


@pytest.fixture
def full(store: Store) -> Store:
    """As many as are kept."""
    with store.begin() as tx:
        tx.conn.execute(text(ROWS + NUMBERS + EACH), {"many": MOST_REJECTED, "body": b"{}"})
    return store


def kept(store: Store) -> tuple[int, int]:
    """How many bodies are kept, and the id of the oldest."""
    with store.read() as tx:
        found = select(func.count(), func.min(received.c.id)).where(received.c.body.is_not(None))
        number, oldest = tx.conn.execute(found).one()
    return int(number), int(oldest)


def test_one_too_many_takes_the_place_of_the_oldest(full: Store) -> None:
    client = create_app(Relay(settings(), full)).test_client()
    before = kept(full)
    answer = client.post("/kommunicate/webhook", json={"key": "k1"}, headers=auth())
    assert answer.status_code == 422
    assert kept(full) == (before[0], before[1] + 1)


def test_the_minutes_chores_see_to_it_too(full: Store) -> None:
    with full.begin() as tx:
        tx.conn.execute(text("UPDATE received SET received_at = 4000000000"))
        for _ in range(2):
            tx.conn.execute(
                received.insert().values(
                    source="kommunicate",
                    account="default",
                    kind="message",
                    outcome="rejected",
                    body=b"x",
                    received_at=4e9,
                )
            )
    assert forget_old(full, 3600.0) == 2
    assert kept(full)[0] == MOST_REJECTED
