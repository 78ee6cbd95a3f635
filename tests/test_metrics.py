"""`/metrics`: totals of the store, the same from every process."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from relay import __version__
from relay.delivery.worker import Worker
from relay.errors import RateLimited, StoreUnavailable
from relay.histogram import BOUNDS
from relay.metrics import render_metrics
from relay.owners import WORKSPACE
from relay.sandbox import SandboxServer
from relay.store.db.engine import Store, open_store
from relay.store.operations.minutes import MINUTE, SETTLED, roll_up
from relay.store.operations.replay import replay_all
from relay.store.queue import closing
from relay.vocabulary import GateScope
from relay.web import create_app
from relay.wiring import build_context
from tests.harness import FakeClock, auth, context_with, drain, raw, relay_with
from tests.store.shelf import bury, open_thread

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
    assert found.pop(("relay_build_info", "sqlite" if store.on_sqlite else "postgresql", __version__)) == 1.0
    assert set(found.values()) == {0.0}
    buckets = len(BOUNDS) + 1
    assert len(found) == 2 * (4 + 10) + 4 + 3 * (buckets + 2) + 3 + 1 + 3


def test_it_counts_what_became_of_each_webhook(store: Store) -> None:
    post(store, raw("a"), raw("a"), raw("a"), raw("b", timeStamp="x"), raw("c", metadata={"category": "HIDDEN"}))
    outcomes = ("accepted", "duplicate", "ignored", "rejected")
    for name in ("relay_messages_received_total", "relay_received_total"):
        assert [samples(store)[name, one] for one in outcomes] == [1, 2, 1, 1]


def test_it_tells_what_waits_and_for_how_long(store: Store, clock: FakeClock) -> None:
    post(store, raw("a"), raw("b"))
    clock.advance(90)
    found = samples(store)
    assert found["relay_queue_depth", "waiting"] == 2
    assert found["relay_oldest_waiting_seconds",] == 90


def test_it_counts_what_was_delivered_and_how_long_it_took(
    store: Store, clock: FakeClock, server: SandboxServer
) -> None:
    post(store, raw("a"), raw("b"))
    clock.advance(7)
    drain(Worker(context_with(store, server)), clock, seconds=30)
    found = samples(store)
    for name in ("relay_deliveries_total", "relay_delivered_total"):
        assert (found[name, "message", "delivered"], found[name, "root", "delivered"]) == (2, 1)
    buckets = [found["relay_delivery_seconds_bucket", "message", le] for le in ("5.0", "10.0", "+Inf")]
    assert buckets == [0, 2, 2]
    assert 14 <= found["relay_delivery_seconds_sum", "message"] < 20
    assert found["relay_oldest_waiting_seconds",] == 0


def test_what_was_given_up_is_counted_for_ever_and_waits_until_it_is_replayed(store: Store, clock: FakeClock) -> None:
    open_thread(store)
    bury(store)
    clock.advance(SETTLED + MINUTE)
    with store.begin() as tx:
        roll_up(tx)
    assert fates(store) == (1, 1)
    with store.begin() as tx:
        replay_all(tx)
    assert fates(store) == (1, 0)


def fates(store: Store) -> tuple[float, float]:
    found = samples(store)
    return found["relay_deliveries_total", "message", "dead"], found["relay_dead_letters", "message"]


def test_it_tells_which_channels_are_paused_and_why(store: Store) -> None:
    with store.begin() as tx:
        closing.close_for_operator(tx, GateScope.CHANNEL, "C0SUPPORT", cause="archived", code="is_archived")
        closing.close_for_vendor(tx, WORKSPACE, "Slack is away", "service_unavailable")
        closing.close_for_operator(tx, GateScope.AGENT, "canary@example.com", cause="refused", code="403")
    found = samples(store)
    assert found["relay_channel_paused", "C0SUPPORT", "is_archived"] == 1
    assert found["relay_vendor_paused", "slack", "service_unavailable", "slack"] == 1
    assert b"canary" not in render_metrics(store)


def test_it_tells_how_long_calls_to_slack_took_of_all_processes(store: Store, server: SandboxServer) -> None:
    relays = [relay_with(store, server) for _ in range(2)]
    for relay in relays:
        client = build_context(relay).slack
        client.post("C0SUPPORT", {"text": "x"}, thread_ts=None, send_id="1")
        server.sandbox.faults.add("chat.postMessage", "ratelimited", retry_after="1")
        with pytest.raises(RateLimited):
            client.post("C0SUPPORT", {"text": "x"}, thread_ts=None, send_id="2")
        relay.keep_call_times()
        relay.keep_call_times()
    found = samples(store)
    for status in ("ok", "rate_limited"):
        assert found["relay_slack_requests_seconds_count", "chat.postMessage", status] == 2


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
