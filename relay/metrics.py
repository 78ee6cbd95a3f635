"""What `/metrics` says: totals read from the store, so that they are right with any number of processes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from relay.store.db.engine import Store
from relay.store.operations.reports import Kind
from relay.store.operations.totals import Totals, open_by_owner, totals
from relay.vocabulary import DeliveryState, Outcome

OUTCOMES = (Outcome.ACCEPTED, Outcome.DUPLICATE, Outcome.IGNORED, Outcome.REJECTED)
DELIVERED = (
    *product((Kind.MESSAGE, Kind.REPLY, Kind.LINE), (DeliveryState.DELIVERED, DeliveryState.DEAD)),
    (Kind.ROOT, DeliveryState.DELIVERED),
    (Kind.CLICK, DeliveryState.DELIVERED),
)


class StoreCollector(Collector):
    """Asks the store at every scrape."""

    def __init__(self, store: Store, *, config_valid: bool) -> None:
        self._store = store
        self._config_valid = config_valid

    def describe(self) -> list[Metric]:
        """Nothing is asked of the store before the first scrape."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The families, from one reading of the store."""
        with self._store.read() as tx:
            now, owners = totals(tx), open_by_owner(tx)
        yield from _families(now)
        about = "Deliveries not settled yet, by the workspace (none for the plain one) and the account they are of."
        columns = ["workspace", "account"]
        waiting = GaugeMetricFamily("relay_unsettled", about, labels=columns)
        for owner, count in owners.items():
            waiting.add_metric(owner, count)
        yield waiting
        about = "1 while the configuration file can be used as it is, 0 while the relay goes on with an earlier one."
        yield GaugeMetricFamily("relay_config_valid", about, int(self._config_valid))


def render_metrics(store: Store, *, config_valid: bool = True) -> bytes:
    """The text exposition format; raises StoreUnavailable."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(StoreCollector(store, config_valid=config_valid))
    return generate_latest(registry)


def _families(now: Totals) -> Iterator[Metric]:
    received = CounterMetricFamily("relay_received", "Webhook bodies by what became of them.", labels=["outcome"])
    for outcome in OUTCOMES:
        received.add_metric([outcome], now.received.get(outcome, 0))
    yield received
    delivered = CounterMetricFamily(
        "relay_delivered", "Deliveries by kind and how they ended.", labels=["kind", "outcome"]
    )
    for kind, state in DELIVERED:
        delivered.add_metric([kind, state], now.delivered.get((kind, state), 0))
    yield delivered
    depth = GaugeMetricFamily("relay_queue_depth", "Deliveries not settled yet, by state.", labels=["state"])
    for state, count in now.queue.items():
        depth.add_metric([state], count)
    yield depth
    yield GaugeMetricFamily(
        "relay_oldest_waiting_seconds", "Age of the oldest delivery that waits; 0 if none.", now.oldest_waiting or 0
    )
