"""The contents of `/metrics`: totals read from the store, so that they are correct with any number of processes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate, product
from operator import itemgetter

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from relay import __version__
from relay.histogram import BOUNDS, Histogram
from relay.store.db.engine import Store
from relay.store.operations.call_times import read_call_times
from relay.store.operations.health import Pause, pauses
from relay.store.operations.history import ended_so_far
from relay.store.operations.minutes import Numbers
from relay.store.operations.refused import refused
from relay.store.operations.reports import Kind
from relay.store.operations.totals import Totals, open_by_owner, totals
from relay.vocabulary import DeliveryState, GateScope, Outcome, Refusal, Source

OUTCOMES = (Outcome.ACCEPTED, Outcome.DUPLICATE, Outcome.IGNORED, Outcome.REJECTED)
DELIVERED = (
    *product((Kind.MESSAGE, Kind.FILE, Kind.REPLY, Kind.LINE), (DeliveryState.DELIVERED, DeliveryState.DEAD)),
    (Kind.ROOT, DeliveryState.DELIVERED),
    (Kind.CLICK, DeliveryState.DELIVERED),
)
TIMED = (Kind.MESSAGE, Kind.FILE, Kind.REPLY)
UNNAMED = "unavailable"  # the reason of a pause for which the vendor gave no code
# These have a few fixed names, which are no customer's or agent's.
VENDORS = {
    GateScope.WORKSPACE: Source.SLACK.value,
    GateScope.METHOD: Source.SLACK.value,
    GateScope.ACCOUNT: Source.KOMMUNICATE.value,
}
CHANNEL, METHOD = GateScope.CHANNEL.value, GateScope.METHOD.value  # label names


class StoreCollector(Collector):
    """Queries the store at every scrape."""

    def __init__(self, store: Store, *, config_valid: bool) -> None:
        self._store = store
        self._config_valid = config_valid

    def describe(self) -> list[Metric]:
        """Makes no query before the first scrape."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The families, from a single read of the store."""
        with self._store.read() as tx:
            now, ended, closed = totals(tx), ended_so_far(tx), pauses(tx)
            calls, turned_away = read_call_times(tx), refused(tx)
            owners = open_by_owner(tx)
        yield from _counters(now, ended)
        yield _histogram(
            "relay_delivery_seconds",
            "Seconds from accepted to visible: a message or a file in Slack, a reply in Kommunicate.",
            ("kind",),
            [((kind.value,), ended[kind].seconds if kind in ended else Histogram()) for kind in TIMED],
        )
        yield from _queue(now)
        about = "Deliveries not settled yet, by the workspace (none for the plain one) and the account they are of."
        yield _gauge("relay_unsettled", about, ("workspace", "account"), owners.items())
        yield from _paused(closed)
        about = "Requests that look like a vendor's and were refused since the last one that was accepted."
        found = [((why.value,), sum(one.count for one in turned_away if one.why is why)) for why in Refusal]
        yield _gauge("relay_refused_requests", about, ("reason",), found)
        about = "Seconds that calls to Slack took, of all processes; each adds its own once a minute."
        yield _histogram("relay_slack_requests_seconds", about, (METHOD, "status"), calls.items())
        about = "1 while the configuration file can be used as it is, 0 while the relay goes on with an earlier one."
        yield GaugeMetricFamily("relay_config_valid", about, int(self._config_valid))
        about = "Always 1; the labels say which version of the relay answers, and its kind of database."
        database = "sqlite" if self._store.on_sqlite else "postgresql"
        yield _gauge("relay_build_info", about, ("version", "database"), [((__version__, database), 1)])


def render_metrics(store: Store, *, config_valid: bool = True) -> bytes:
    """The text exposition format; raises StoreUnavailable."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(StoreCollector(store, config_valid=config_valid))
    return generate_latest(registry)


def _counters(now: Totals, ended: Mapping[Kind, Numbers]) -> Iterator[Metric]:
    received = [((outcome.value,), now.received.get(outcome, 0)) for outcome in OUTCOMES]
    about = "What came in from Kommunicate and from Slack, by what became of it."
    yield _counter("relay_messages_received", about, ("outcome",), received)
    as_now = {(kind.value, state.value): now.delivered.get((kind, state), 0) for kind, state in DELIVERED}
    # Includes given-up deliveries that were replayed since: a counter never decreases.
    failed = {(kind.value, DeliveryState.DEAD.value): numbers.failed for kind, numbers in ended.items()}
    ever = as_now | {which: failed.get(which, 0) for which in as_now if which[1] == DeliveryState.DEAD}
    about = "Deliveries by kind and how they ended; what was given up is counted within three minutes."
    yield _counter("relay_deliveries", about, ("kind", "outcome"), ever.items())
    dead = [((kind,), number) for (kind, state), number in as_now.items() if state == DeliveryState.DEAD]
    yield _gauge("relay_dead_letters", "Deliveries that were given up and not replayed, by kind.", ("kind",), dead)
    # The names in 0.1; the next release drops them.
    yield _counter("relay_received", "The same as relay_messages_received_total.", ("outcome",), received)
    about = "Nearly relay_deliveries_total: what is replayed is taken out of it."
    yield _counter("relay_delivered", about, ("kind", "outcome"), as_now.items())


def _queue(now: Totals) -> Iterator[Metric]:
    depth = [((state.value,), count) for state, count in now.queue.items()]
    yield _gauge("relay_queue_depth", "Deliveries not settled yet, by state.", ("state",), depth)
    about = "Age of the oldest delivery that waits; 0 if none."
    yield GaugeMetricFamily("relay_oldest_waiting_seconds", about, now.oldest_waiting or 0)


def _paused(closed: list[Pause]) -> Iterator[Metric]:
    """Open gates have no sample: channels come and go."""
    channels = [((one.name, one.code or UNNAMED), 1) for one in closed if one.scope is GateScope.CHANNEL]
    about = "1 for each channel that takes no posts now, with Slack's word for why."
    yield _gauge("relay_channel_paused", about, (CHANNEL, "reason"), channels)
    vendors = [((VENDORS[one.scope], one.name, one.code or UNNAMED), 1) for one in closed if one.scope in VENDORS]
    about = "1 for what is not called at all now: everything (`slack`, `default`), or one method."
    yield _gauge("relay_vendor_paused", about, ("vendor", "name", "reason"), vendors)


Samples = Iterable[tuple[tuple[str, ...], float]]
Histograms = Iterable[tuple[tuple[str, ...], Histogram]]


def _counter(name: str, about: str, labels: tuple[str, ...], samples: Samples) -> Metric:
    family = CounterMetricFamily(name, about, labels=labels)
    for values, number in samples:
        family.add_metric(values, number)
    return family


def _gauge(name: str, about: str, labels: tuple[str, ...], samples: Samples) -> Metric:
    family = GaugeMetricFamily(name, about, labels=labels)
    for values, number in samples:
        family.add_metric(values, number)
    return family


def _histogram(name: str, about: str, labels: tuple[str, ...], samples: Histograms) -> Metric:
    family = HistogramMetricFamily(name, about, labels=labels)
    for values, histogram in sorted(samples, key=itemgetter(0)):
        # Every bound, even without samples: Prometheus takes a bound that appears late for a new one.
        bounds = sorted({*BOUNDS, *histogram.numbers, math.inf})
        so_far = accumulate(histogram.numbers[bound] for bound in bounds)
        names = ("+Inf" if math.isinf(bound) else str(bound) for bound in bounds)
        family.add_metric(values, list(zip(names, so_far, strict=True)), sum_value=histogram.total)
    return family
