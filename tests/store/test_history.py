"""What happened over time: the same whether a minute has been counted yet or not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from relay.histogram import Histogram, exact_percentile, percentile
from relay.store.db.engine import Store, open_store
from relay.store.operations.history import Interval, ended_so_far, history, times_since
from relay.store.operations.minutes import KEPT_FOR, MINUTE, SETTLED, roll_up
from relay.store.operations.replay import replay_all
from relay.store.operations.reports import Kind
from relay.store.operations.totals import count_settled
from relay.store.queue.waiting import waiting
from tests.harness import NOON, FakeClock
from tests.statements import noted
from tests.store.shelf import bury, claimed, open_thread, rows, settle, started, take_in

BEGIN = int(NOON // MINUTE) * MINUTE


def count(store: Store, step: int = 2) -> None:
    """As the chore does, in small steps."""
    for chore in (count_settled, roll_up):
        more = True
        while more:
            with store.begin() as tx:
                more = chore(tx, step)


def told(store: Store, step: float = MINUTE, since: float = BEGIN) -> list[Interval]:
    with store.read() as tx:
        return history(tx, since=since, step=step)


def numbers(store: Store, step: float = MINUTE) -> list[tuple[int, int, int]]:
    return [(one.received, one.delivered, one.failed) for one in told(store, step)]


def in_words(store: Store) -> list[str]:
    """The first two minutes; a thousandth of a second is not kept."""
    return [f"{one.received} {one.delivered} {one.failed} {one.seconds.as_json()}" for one in told(store)[:2]]


def deliver(store: Store, clock: FakeClock, after: float = 0.0) -> None:
    held = claimed(store)
    with store.read() as tx:
        parts = [(one.id, 0) for one in waiting(tx, held) if one.lost is None]
    send = started(store, held, parts)
    clock.advance(after)
    settle(store, held, send, f"1712345678.{int(clock.now()) % 1_000_000:06d}")


def some_minutes(store: Store, clock: FakeClock) -> None:
    """One that takes 3 s; two of the next minute, one of which is given up; one that waits."""
    clock.time = float(BEGIN)
    open_thread(store)
    deliver(store, clock, 3.0)
    clock.advance(MINUTE)
    take_in(store, "second")
    bury(store)
    take_in(store, "third")
    deliver(store, clock, 0.2)
    take_in(store, "fourth")


SOME = [(1, 1, 0), (3, 1, 1)]


def test_it_tells_each_minute_and_the_one_that_is_not_over(store: Store, clock: FakeClock) -> None:
    some_minutes(store, clock)
    assert numbers(store) == SOME
    assert [one.start for one in told(store)] == [BEGIN, BEGIN + MINUTE]
    assert [one.seconds.numbers for one in told(store)] == [{5.0: 1}, {0.25: 1}]


@pytest.mark.parametrize("step", [1, 2, 1000])
def test_it_is_the_same_once_it_is_counted(store: Store, clock: FakeClock, step: int) -> None:
    some_minutes(store, clock)
    before = in_words(store)
    clock.advance(SETTLED + MINUTE)
    count(store, step)
    assert {row.minute for row in rows(store, "minutes")} == {BEGIN, BEGIN + MINUTE}
    assert in_words(store) == before
    count(store, step)
    assert in_words(store) == before


def test_intervals_are_as_long_as_asked_for(store: Store, clock: FakeClock) -> None:
    some_minutes(store, clock)
    clock.advance(SETTLED + MINUTE)
    count(store)
    assert numbers(store, 2 * MINUTE) == [(4, 2, 1), (0, 0, 0)]
    with pytest.raises(ValueError, match="whole number of minutes"):
        told(store, 90.0)


def test_a_minute_is_not_counted_while_somebody_may_still_settle_in_it(store: Store, clock: FakeClock) -> None:
    some_minutes(store, clock)
    clock.advance(SETTLED - 1)
    count(store)
    assert [row.minute for row in rows(store, "minutes") if row.delivered] == [BEGIN]


def test_how_long_all_of_them_took_is_known_for_ever(store: Store, clock: FakeClock) -> None:
    """Minutes are forgotten, what they add up to is not."""
    some_minutes(store, clock)
    before = seconds(store)
    assert (before.count, before.total) == (2, pytest.approx(3.2))
    clock.advance(SETTLED + MINUTE)
    count(store)
    assert seconds(store).as_json() == before.as_json()
    clock.advance(KEPT_FOR)
    deliver(store, clock)
    clock.advance(SETTLED + MINUTE)
    count(store)
    assert {row.minute for row in rows(store, "minutes")} == {BEGIN + MINUTE + KEPT_FOR + SETTLED + MINUTE}
    assert seconds(store).count == 3


def seconds(store: Store) -> Histogram:
    with store.read() as tx:
        return ended_so_far(tx)[Kind.MESSAGE].seconds


def test_what_was_given_up_stays_counted_when_it_is_replayed(store: Store, clock: FakeClock) -> None:
    """A counter that went back would look like a restart, and all before it like new failures."""
    some_minutes(store, clock)
    clock.advance(SETTLED + MINUTE)
    count(store)
    with store.begin() as tx:
        assert replay_all(tx)
    with store.read() as tx:
        assert ended_so_far(tx)[Kind.MESSAGE].failed == 1


def test_a_clock_that_had_jumped_ahead_counts_nothing_twice_and_stops_nothing(store: Store, clock: FakeClock) -> None:
    some_minutes(store, clock)
    clock.advance(7200)
    deliver(store, clock)
    clock.advance(SETTLED + MINUTE)
    count(store)
    clock.advance(-7200)
    take_in(store, "back in the present")
    deliver(store, clock)
    count(store)
    clock.advance(SETTLED + MINUTE)
    count(store)
    assert numbers(store)[:4] == [*SOME, (0, 0, 0), (1, 1, 0)]
    assert seconds(store).count == 4


def count_and_die(store: Store) -> None:
    with store.begin() as tx:
        assert not roll_up(tx)
        raise KeyboardInterrupt


def test_a_worker_that_dies_while_it_counts_leaves_no_trace(store: Store, clock: FakeClock) -> None:
    some_minutes(store, clock)
    clock.advance(SETTLED + MINUTE)
    with pytest.raises(KeyboardInterrupt):
        count_and_die(store)
    count(store)
    assert numbers(store)[:2] == SOME


@pytest.fixture
def overlapping(postgres_database_url: str, clock: FakeClock) -> Iterator[Store]:
    """Where transactions overlap."""
    with closing(open_store(postgres_database_url, clock)) as store:
        yield store


def test_of_two_that_count_for_the_first_time_one_does(
    overlapping: Store, postgres_database_url: str, clock: FakeClock
) -> None:
    """There is no row yet by which one could wait for the other."""
    some_minutes(overlapping, clock)
    clock.advance(SETTLED + MINUTE)
    others: list[str] = []

    def come_in_between(statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO counts") and not others:
            others.append(statement)
            with closing(open_store(postgres_database_url, clock)) as other:
                count(other)

    with noted(overlapping.engine, come_in_between):
        count(overlapping)
    assert others
    assert numbers(overlapping)[:2] == SOME


@pytest.mark.parametrize(
    ("took", "share", "seconds"),
    [
        ([0.07] * 100, 0.5, 0.075),
        ([0.02] * 90 + [4.0] * 10, 0.5, 0.01 + 0.015 * 50 / 90),
        ([0.02] * 90 + [4.0] * 10, 0.95, 3.75),
        ([0.005], 0.99, 0.0099),
        ([1e6], 0.5, 21600.0),
        ([], 0.5, None),
    ],
)
def test_percentiles_lie_between_the_bounds(took: list[float], share: float, seconds: float | None) -> None:
    histogram = Histogram()
    for one in took:
        histogram.observe(one)
    assert percentile(histogram, share) == (None if seconds is None else pytest.approx(seconds))


def test_times_are_those_of_what_was_delivered_since_then(store: Store, clock: FakeClock) -> None:
    """In any order; not of what was given up, nor of what is of no person."""
    some_minutes(store, clock)
    with store.read() as tx:
        assert times_since(tx, BEGIN, 2) == pytest.approx([0.2, 3.0])
        assert times_since(tx, BEGIN + MINUTE, 2) == pytest.approx([0.2])
        assert times_since(tx, BEGIN, 1) is None
        assert times_since(tx, BEGIN, 2, kinds=[Kind.REPLY]) == []


@pytest.mark.parametrize(
    ("took", "share", "seconds"),
    [
        ([0.3, 0.3, 0.3], 0.95, 0.3),
        ([0.1, 0.2, 0.3, 9.0], 0.5, 0.2),
        ([0.1, 0.2, 0.3, 9.0], 0.99, 9.0),
        ([float(n) for n in range(1, 101)], 0.95, 95.0),
        ([7.0], 0.5, 7.0),
        ([], 0.5, None),
    ],
)
def test_an_exact_percentile_is_a_time_that_something_took(
    took: list[float], share: float, seconds: float | None
) -> None:
    assert exact_percentile(took, share) == seconds
