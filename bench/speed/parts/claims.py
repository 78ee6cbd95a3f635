"""How long it takes to look for a lane, and to claim the only free one, behind many closed gates (P6)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress

from sqlalchemy import text

from bench.speed.records import Value
from bench.speed.scene import Scene
from bench.speed.stored import EACH, fill, tidy_up
from bench.speed.subjects import TITLES
from relay.store.db.engine import Store, Tx, open_store
from relay.store.db.schema import migrate
from relay.store.queue.due import check_claimable
from relay.store.queue.gates import Limits, Pace
from relay.store.queue.lanes import claim
from relay.wiring import slack_limits

DUE, GATES = (2_000, 10_000), (1, 100, 500)
CONVERSATIONS = max(DUE) + 100
TRIES = 5  # runs per round, of which the fastest counts, because others use the machine too
LEASE = 30.0  # seconds
LIMITS: Limits = slack_limits(Pace.of(1.0, 3))
# Every due lane is behind a gate, except one that came last.
_SETUP = (
    "DELETE FROM gates",
    "UPDATE conversations SET channel_id = 'C0G' || (id % {gates}) WHERE id <= {due}",
    "UPDATE conversations SET channel_id = 'C0FREE' WHERE id = {due} + 1",
    "UPDATE lanes SET due = NULL, waiting_since = NULL WHERE due IS NOT NULL",
    "UPDATE lanes SET due = {now} - 100 + conversation_id * 0.001, waiting_since = {now} - 100 "
    "WHERE kind = 'words' AND conversation_id <= {due} + 1",
    "INSERT INTO gates (scope, name, closed_until, delay, cause) "
    "SELECT DISTINCT 'channel', channel_id, {now} + 3600.0, 3600.0, 'bench' FROM conversations WHERE id <= {due}",
)


def named(what: str, due: int, gates: int) -> str:
    """The name of a measure."""
    return f"{what}, {due:,} lanes due behind {gates} gates"


def claims(scene: Scene) -> Iterator[Value]:
    """All rounds on all databases."""
    with ExitStack() as stack:
        for kind in scene.kinds:
            url, postgres = f"sqlite:///{scene.folder / 'claims.db'}", scene.postgres
            if kind == "postgres":
                assert postgres is not None
                url = postgres.new_database()
                stack.callback(postgres.drop, url)
            store = stack.enter_context(closing(open_store(url, patience=None)))
            migrate(store)
            fill(store, CONVERSATIONS * EACH, time.time())
            for due in DUE:
                for gates in GATES:
                    print(f"claims: {kind}, {due:,} lanes, {gates} gates", flush=True)
                    _set_up(store, due, gates)
                    yield from _timed(store, kind, due, gates, scene.rounds)


def _set_up(store: Store, due: int, gates: int) -> None:
    with store.begin_patiently() as conn:
        for statement in _SETUP:
            conn.execute(text(statement.format(due=due, gates=gates, now=time.time())))
    tidy_up(store)


def _timed(store: Store, kind: str, due: int, gates: int, rounds: int) -> Iterator[Value]:
    def look(tx: Tx) -> bool:
        return check_claimable(tx, lease=LEASE, limits=LIMITS).ready

    def take(tx: Tx) -> bool:
        found = claim(tx, "bench", lease=LEASE, limits=LIMITS)
        return [one.conversation.channel_id for one in found] == ["C0FREE"]

    for what, ask in (("look", look), ("claim", take)):
        _seconds(store, ask)  # statements are built once
        for _ in range(rounds):
            took = min(_seconds(store, ask) for _ in range(TRIES))
            yield Value(named(what, due, gates), f"relay, {TITLES[kind]}", 1000 * took, "ms")


def _seconds(store: Store, ask: Callable[[Tx], bool]) -> float:
    """How long it takes inside a transaction that is rolled back."""
    took = 0.0
    with suppress(_Undo), store.begin() as tx:
        begun = time.perf_counter()
        found = ask(tx)
        took = time.perf_counter() - begun
        assert found, "the lane that is free was not found"
        raise _Undo
    return took


class _Undo(Exception):
    """Rolls a transaction back."""
