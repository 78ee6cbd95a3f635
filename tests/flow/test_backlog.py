"""However much waits: it goes out in order, as fast as Slack's pace allows and no faster."""

from __future__ import annotations

import itertools
from collections import defaultdict

import pytest
from sqlalchemy import insert, literal, select

from bench.backlog import MARK, REFUSALS
from relay.sandbox import SandboxServer
from relay.store.db.engine import Store
from relay.store.db.tables import conversations, deliveries, received
from relay.vocabulary import Lane, Source
from tests.delivery.rig import POST, Rig
from tests.harness import NOON, FakeClock, raw, timeline, words

HOUR = 3600.0
KEPT_BELOW = 1.05  # the even rate is this much below the limit
KEPT_FAR_BELOW = 1.26  # the same for a channel that refused a post lately


@pytest.fixture
def line(store: Store, server: SandboxServer, clock: FakeClock) -> Rig:
    """Every conversation goes to one channel."""
    return Rig(store, server, clock, channels={}, default_channel="C0SUPPORT")


def fill(line: Rig, talks: int, each: int) -> None:
    """So many customers write at the same time, a message every five seconds.

    Each one's first is accepted, which makes the conversation; the rest are rows like it, made all at once.
    """
    for talk in range(talks):
        line.write(f"m{talk}x0", group=str(talk), **{"from": f"customer-{talk}"})
    row = {
        "source": Source.KOMMUNICATE.value,
        "account": "default",
        "kind": "message",
        "outcome": "accepted",
        "received_at": NOON,
    }
    first = select(received.c.conversation_id, literal(Lane.WORDS.value), received.c.id, received.c.received_at)
    rest = first.where(received.c.id.not_in(select(deliveries.c.received_id))).order_by(received.c.id)
    with line.store.begin_patiently() as conn:  # so many rows may take longer than a transaction of ours
        ids = {one.group_id: one.id for one in conn.execute(select(conversations.c.group_id, conversations.c.id))}
        pairs = itertools.product(range(1, each), range(talks))
        rows = [
            row | {"received_at": NOON, "conversation_id": ids[str(talk)], **content(talk, number)}
            for number, talk in pairs
        ]
        conn.execute(insert(received), rows)
        conn.execute(insert(deliveries).from_select(["conversation_id", "lane", "received_id", "created_at"], rest))


def content(talk: int, number: int) -> dict[str, str | bytes]:
    """Key and body of one customer's message."""
    text = f"m{talk}x{number} and where is my parcel? It should have been here on Tuesday."
    who = {"from": f"customer-{talk}", "timeStamp": int((NOON + 5 * number) * 1000)}
    return {"key": f"k{talk}-{number}", "body": raw(f"k{talk}-{number}", str(talk), text, **who)}


def shown(line: Rig) -> list[list[str]]:
    """The messages of each thread, in Slack's order."""
    found: dict[str, list[str]] = defaultdict(list)
    for message in timeline(line.server):
        if message["thread_ts"] is not None:
            found[message["thread_ts"]] += [mark.group() for mark in MARK.finditer(words(message))]
    return sorted(found.values())


def posts(line: Rig, status: int = 200) -> list[float]:
    """When Slack answered a post so."""
    return [call["time"] for call in line.sandbox.calls if (call["method"], call["status"]) == (POST, status)]


@pytest.mark.parametrize(
    ("talks", "each", "burst", "refusals", "pause"),
    [
        pytest.param(100, 100, 1, REFUSALS, KEPT_FAR_BELOW, marks=pytest.mark.long),
        (20, 50, 3, 0, KEPT_BELOW),
    ],
    ids=["10,000 messages, no burst", "1,000 messages, a burst of three"],
)
def test_a_backlog_drains_in_about_as_many_seconds_as_there_are_posts(
    line: Rig, talks: int, each: int, burst: int, refusals: int, pause: float
) -> None:
    """Once and in order, in far fewer posts than messages, and Slack hardly ever has to say that it is too fast."""
    line.sandbox.slack.pacing.burst = burst
    fill(line, talks, each)
    begun = line.clock.now()
    line.run(HOUR)
    done, refused = posts(line), posts(line, 429)
    seconds = done[-1] - begun
    print(f"{talks * each} messages, {len(done)} posts, {seconds:.0f} s, {len(refused)} refused")  # noqa: T201
    assert shown(line) == sorted([f"m{talk}x{number}" for number in range(each)] for talk in range(talks))
    assert (line.waiting(), line.dead()) == ([], [])
    assert len(done) <= talks * (2 + each / 25)
    assert seconds <= pause * len(done) + 5
    assert sum(after - before < 1 for before, after in itertools.pairwise(done)) <= burst - 1
    assert len(refused) <= refusals
