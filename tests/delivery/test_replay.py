"""Dead letters, sent again by command: once, in their old form, and never doubled."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from relay.store.operations.replay import Replayed, replay_all, replay_in_steps, replay_one
from relay.store.operations.reports import Which, list_deliveries
from relay.vocabulary import DeliveryState
from tests.delivery.rig import Rig


def bury(line: Rig, *texts: str) -> None:
    """Write messages that Slack refuses in every form."""
    for text in texts:
        line.fault("error", code="invalid_blocks")
        line.fault("error", code="msg_too_long")
        line.write(text)
        line.run(10)


@pytest.fixture
def line(rig: Callable[..., Rig]) -> Rig:
    """A thread with one message in it."""
    line = rig()
    line.write("m0")
    line.run(5)
    return line


def dead_ids(line: Rig) -> list[int]:
    with line.store.read() as tx:
        return [row["id"] for row in list_deliveries(tx, Which.DEAD, line.out.limits)]


def test_a_replayed_dead_letter_is_shown_in_its_thread(line: Rig) -> None:
    bury(line, "m1")
    with line.store.begin() as tx:
        assert replay_one(tx, dead_ids(line)[0]) is Replayed.QUEUED
    line.run(10)
    assert (line.told(), line.dead()) == (["m0", "m1"], [])


def test_all_are_replayed_in_order(line: Rig) -> None:
    bury(line, "m1", "m2", "m3")
    with line.store.begin() as tx:
        assert replay_all(tx) == 3
    line.run(10)
    assert line.told() == ["m0", "m1", "m2", "m3"]


def test_many_are_replayed_in_short_transactions(line: Rig) -> None:
    bury(line, "m1", "m2", "m3")
    assert replay_in_steps(line.store, step=2) == 3
    line.run(10)
    assert line.told() == ["m0", "m1", "m2", "m3"]


def test_what_is_given_up_during_a_replay_is_left_to_the_next(line: Rig) -> None:
    """Otherwise a replay of what Slack refuses at once would never end."""
    bury(line, "m1")
    begun = line.clock.now()
    line.clock.advance(1)
    bury(line, "m2")
    with line.store.begin() as tx:
        assert (replay_all(tx, until=begun), replay_all(tx)) == (1, 1)


def test_only_those_given_up_lately_are_replayed(line: Rig) -> None:
    bury(line, "m1")
    line.clock.advance(7200)
    bury(line, "m2")
    with line.store.begin() as tx:
        assert replay_all(tx, within=3600) == 1
    line.run(10)
    assert line.told() == ["m0", "m2"]


def test_what_is_refused_again_says_so_again(line: Rig) -> None:
    """A second notice, since the first one was answered by a replay."""
    bury(line, "m1")
    line.fault("error", code="msg_too_long", times=2)
    with line.store.begin() as tx:
        replay_all(tx)
    line.run(10)
    assert len(line.dead()) == 1
    assert ["could not be shown" in said for said in line.shown()].count(True) == 2


def test_what_is_not_dead_is_left_alone(line: Rig) -> None:
    with line.store.begin() as tx:
        assert (replay_one(tx, 1), replay_one(tx, 99)) == (DeliveryState.DELIVERED, Replayed.UNKNOWN)
