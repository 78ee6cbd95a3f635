"""One webhook a hundred times, all at once, across restarts, and long after its words were forgotten: one post."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress

import pytest

from relay.errors import StoreUnavailable
from relay.kommunicate.parse import parse_webhook
from relay.messages import ChatMessage
from relay.sandbox import SandboxServer
from relay.store.db.engine import Store, open_store
from relay.store.intake.webhooks import Inbound, accept, accept_all
from relay.vocabulary import Outcome
from relay.web import create_app
from tests.delivery.rig import Rig
from tests.harness import PATIENCE, FakeClock, auth, raw, relay_with
from tests.store.shelf import MAPPED, message, rows, states

DAY = 86400.0
BODY = raw("k1", text="m1 hello")
AT_ONCE = 20  # threads with a store, and so a connection, of their own
EACH = 5

# CPython 3.11 counts the depth of all threads' syntax trees together, and Flask makes one of each route.
BUILDING = threading.Lock()

Send = Callable[[], str]
Way = Callable[[Store], Send]


def by_the_store(store: Store) -> Send:
    """Tell what became of one more copy, handed to the store."""
    message = parse_webhook(BODY)
    assert isinstance(message, ChatMessage)

    def send() -> str:
        with store.begin() as tx:
            return accept(tx, message, BODY, MAPPED).outcome

    return send


def by_the_endpoint(store: Store) -> Send:
    """The same of one that comes as a request."""
    headers = {"Content-Type": "application/json", **auth()}
    with BUILDING:
        client = create_app(relay_with(store)).test_client()

    def send() -> str:
        response = client.post("/kommunicate/webhook", data=BODY, headers=headers)
        if response.status_code == 503:
            raise StoreUnavailable
        assert response.status_code == 200
        return str(response.get_json()["status"])

    return send


@pytest.fixture(params=[by_the_store, by_the_endpoint], ids=["store", "endpoint"])
def way(request: pytest.FixtureRequest) -> Way:
    """Where the copies come in."""
    found: Way = request.param
    return found


def until_answered(send: Send) -> str:
    """On a busy machine twenty writers may keep a file from one of them for too long: it is sent again."""
    while True:
        with suppress(StoreUnavailable):
            return send()


@pytest.fixture
def a_hundred(database_url: str, clock: FakeClock, way: Way) -> Callable[[], Counter[str]]:
    """Send a hundred copies from many threads at the same moment, each as a process that has just started."""

    def send() -> Counter[str]:
        together = threading.Barrier(AT_ONCE)

        def some(_: int) -> list[str]:
            with closing(open_store(database_url, clock)) as store:
                one_more = way(store)
                together.wait(PATIENCE)
                return [until_answered(one_more) for _ in range(EACH)]

        with ThreadPoolExecutor(AT_ONCE) as pool:
            return Counter(one for outcomes in pool.map(some, range(AT_ONCE)) for one in outcomes)

    return send


def test_one_webhook_a_hundred_times_in_parallel_across_restarts_and_29_days_later_is_one_post(
    a_hundred: Callable[[], Counter[str]], store: Store, server: SandboxServer, clock: FakeClock
) -> None:
    assert a_hundred() == {"accepted": 1, "duplicate": 99}
    assert a_hundred() == {"duplicate": 100}
    line = Rig(store, server, clock)
    line.run(60)
    assert a_hundred() == {"duplicate": 100}
    clock.advance(29 * DAY)
    line.restart(retention="28d")
    assert rows(store, "received")[0].body is None
    assert a_hundred() == {"duplicate": 100}
    line.restart()
    line.run(3600)
    assert (line.told(), len(line.roots()), len(line.times())) == (["m1"], 1, 2)
    assert (states(store), rows(store, "received")[0].copies) == (["delivered"], 399)


def test_of_two_with_one_key_that_come_together_for_two_conversations_one_is_new(store: Store) -> None:
    with store.begin() as tx:
        both = [Inbound(message("k", group), raw("k", group), MAPPED) for group in ("1", "2")]
        assert [one.outcome for one in accept_all(tx, both)] == [Outcome.ACCEPTED, Outcome.DUPLICATE]
    assert [row.copies for row in rows(store, "received")] == [1]
    assert len(rows(store, "deliveries")) == 1
