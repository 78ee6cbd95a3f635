"""`/metrics`: totals of the store, the same from every process."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from relay.delivery.worker import Worker
from relay.errors import StoreUnavailable
from relay.metrics import render_metrics
from relay.sandbox import SandboxServer
from relay.store.db.engine import Store, open_store
from relay.web import create_app
from tests.harness import FakeClock, auth, context_with, drain, raw, relay_with

Samples = dict[tuple[str, ...], float]


def samples(store: Store) -> Samples:
    """(name, label values...) -> value, as Prometheus reads them."""
    families = text_string_to_metric_families(render_metrics(store).decode())
    return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


def post(store: Store, *contents: bytes) -> None:
    client = create_app(relay_with(store)).test_client()
    for content in contents:
        client.post("/kommunicate/webhook", data=content, headers={"Content-Type": "application/json", **auth()})


def test_an_empty_store_has_every_sample_at_zero(store: Store) -> None:
    """An alert on a sample that only appears with its first event would not fire."""
    found = samples(store)
    assert found.pop(("relay_config_valid",)) == 1.0
    assert set(found.values()) == {0.0}
    assert len(found) == 4 + 8 + 3 + 1


def test_it_counts_what_became_of_each_webhook(store: Store) -> None:
    post(store, raw("a"), raw("a"), raw("a"), raw("b", timeStamp="x"), raw("c", metadata={"category": "HIDDEN"}))
    outcomes = ("accepted", "duplicate", "ignored", "rejected")
    assert [samples(store)["relay_received_total", one] for one in outcomes] == [1, 2, 1, 1]


def test_it_tells_what_waits_and_for_how_long(store: Store, clock: FakeClock) -> None:
    post(store, raw("a"), raw("b"))
    clock.advance(90)
    found = samples(store)
    assert found["relay_queue_depth", "waiting"] == 2
    assert found["relay_oldest_waiting_seconds",] == 90


def test_it_counts_what_was_delivered(store: Store, clock: FakeClock, server: SandboxServer) -> None:
    post(store, raw("a"), raw("b"))
    drain(Worker(context_with(store, server)), clock, seconds=30)
    found = samples(store)
    assert found["relay_delivered_total", "message", "delivered"] == 2
    assert found["relay_delivered_total", "root", "delivered"] == 1
    assert found["relay_oldest_waiting_seconds",] == 0


def test_a_second_process_tells_the_same(store: Store, database_url: str, clock: FakeClock) -> None:
    post(store, raw("a"))
    other = open_store(database_url, clock)
    assert samples(other) == samples(store)
    other.close()


def test_no_label_says_who_wrote_or_what(store: Store) -> None:
    post(store, raw("canary-key", "canary-group", "canary-text", groupName="canary-title"))
    post(store, raw("canary-wrong", timeStamp="canary-time"))
    assert b"canary" not in render_metrics(store)


def test_without_a_store_there_are_no_numbers() -> None:
    """Zeros would look like an answer."""
    with pytest.raises(StoreUnavailable):
        render_metrics(open_store("sqlite:////nowhere/at/all.db"))
