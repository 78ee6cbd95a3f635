"""What a message costs if few, and if many, are stored (P6).

Only this part and `claims` use the store's functions, because those are what they measure.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from itertools import count

import requests
import structlog

from bench.speed.databases import Postgres
from bench.speed.processes import running, wait_until
from bench.speed.records import Value
from bench.speed.scene import Scene
from bench.speed.stored import EACH, fill, group_of
from bench.speed.subjects import RELAY, TITLES
from relay.delivery.attempt import Taking, carry_out, take
from relay.delivery.context import DeliveryContext
from relay.messages import ChatMessage, ConversationKey, Decision
from relay.store.db.engine import Store, Tx, open_store
from relay.store.db.schema import migrate
from relay.store.intake.webhooks import accept
from relay.store.operations.minutes import roll_up
from relay.store.operations.totals import count_settled
from relay.vocabulary import Lane
from relay.wiring import Relay, build_context
from tests.harness import raw, settings

FEW = 1_000
BATCH = 200  # messages per round: CPU time is counted in hundredths of a second
STEPS = ("accept", "take", "settle")
_keys = count()


def cost(step: str) -> str:
    """The name of a measure."""
    return f"{step}, processor time"


METRICS = "answer of /metrics"


@dataclass(frozen=True, slots=True)
class Stocked:
    """A database with this many messages, and what delivers from it."""

    kind: str
    messages: int
    url: str
    store: Store
    context: DeliveryContext
    postgres: Postgres | None

    @property
    def name(self) -> str:
        """Its name in the figures."""
        return stocked(self.kind, self.messages)

    def cpu_seconds(self) -> float:
        """CPU time of this process, and of the database's."""
        return time.process_time() + (self.postgres.cpu_seconds() if self.postgres else 0.0)


def stocked(kind: str, messages: int) -> str:
    """The name of a database with this many messages."""
    return f"{TITLES[kind]}, {messages:,} stored"


def growth(scene: Scene) -> Iterator[Value]:
    """All rounds, alternating between databases with few and with many messages."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with ExitStack() as stack:
        stores = [_stock(stack, scene, kind, size) for kind in scene.kinds for size in (FEW, scene.stored)]
        for one in stores:
            list(_steps(one))  # statements are built once
        for number in range(1, scene.rounds + 1):
            for one in stores:
                print(f"growth {number}/{scene.rounds}: {one.name}", flush=True)
                yield from _steps(one)
        for one in stores:
            yield from _metrics(one, scene)


def _stock(stack: ExitStack, scene: Scene, kind: str, messages: int) -> Stocked:
    url, postgres = f"sqlite:///{scene.folder / f'stored-{messages}.db'}", scene.postgres
    if kind == "postgres":
        assert postgres is not None
        url = postgres.new_database()
        stack.callback(postgres.drop, url)
    begun = time.monotonic()
    with closing(open_store(url, patience=None)) as store:
        migrate(store)
        fill(store, messages, time.time())
        for chore in (count_settled, roll_up):  # as a relay's first chores do
            more = True
            while more:
                with store.begin() as tx:
                    more = chore(tx)
    print(f"growth: {stocked(kind, messages)} in {time.monotonic() - begun:.0f} s", flush=True)
    store = stack.enter_context(closing(open_store(url)))
    wanted = replace(
        settings(database_url=url, delivery={"posts_per_second": 100_000, "burst": 100_000}),
        slack_api_url=scene.slack.api_url,
    )
    context = build_context(Relay(wanted, store))
    return Stocked(kind, messages, url, store, context, postgres if kind == "postgres" else None)


def _steps(one: Stocked) -> Iterator[Value]:
    """Accept a message for each of this many conversations, take them all, and settle them."""
    conversations = one.messages // EACH
    wanted = range(1, conversations + 1, conversations // BATCH)[:BATCH]  # always the same, from the whole table
    before = one.cpu_seconds()
    for conversation in wanted:
        with one.store.begin() as tx:
            _accept(tx, conversation)
    accepted, attempts = one.cpu_seconds(), []
    while attempt := next(iter(take(one.context, "bench", Taking(), kinds=(Lane.WORDS,))), None):
        attempts.append(attempt)
    taken = one.cpu_seconds()
    for attempt in attempts:
        carry_out(one.context, attempt)
    settled = one.cpu_seconds()
    used = {"accept": (accepted - before, BATCH), "take": (taken - accepted, len(attempts))}
    used["settle"] = (settled - taken, len(attempts))
    for step in STEPS:
        seconds, times = used[step]
        yield Value(cost(step), one.name, 1000 * seconds / times, "ms")


def _accept(tx: Tx, conversation: int) -> None:
    key, group = f"bench-{next(_keys)}", group_of(conversation)
    message = ChatMessage(ConversationKey("default", group), key, "customer-1", tx.now, "Where is my parcel?")
    accept(tx, message, raw(key, group, "Where is my parcel?"), Decision(None, "channels", ""))


def _metrics(one: Stocked, scene: Scene) -> Iterator[Value]:
    """How long /metrics takes, on a relay of its own."""
    run = RELAY[one.kind].launch(scene.folder, scene.slack, one.postgres, one.url)
    with running(run.families):
        wait_until(lambda: run.answers("/readyz"), 60, "the relay did not start")
        for _ in range(scene.rounds):
            begun = time.monotonic()
            headers = {"Authorization": "Bearer metrics-token"}
            response = requests.get(f"http://127.0.0.1:{run.port}/metrics", headers=headers, timeout=60)
            assert response.status_code == 200
            yield Value(METRICS, one.name, 1000 * (time.monotonic() - begun), "ms")
