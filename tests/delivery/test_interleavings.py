"""What comes between two steps of a worker: each step is a transaction of its own, and others write in between."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from relay.store.operations.replay import replay_all
from relay.store.operations.reports import Which, list_deliveries, show_delivery
from tests.delivery.rig import Rig

MOMENTS = ("taken", "posted")


@pytest.fixture
def line(rig: Callable[..., Rig]) -> Rig:
    """A thread with one message in it, in a rested channel that another conversation has too."""
    line = rig(channels={"123456": "C0SUPPORT", "7": "C0SUPPORT"})
    line.write("m0")
    line.run(60)
    return line


def deliver(line: Rig, moment: str, meanwhile: Callable[[], None]) -> None:
    """What a worker does with a lane that has something to show, and something else at one moment of it."""

    def reached(now: str) -> None:
        if now == moment:
            meanwhile()

    held, send = line.set_out()
    reached("taken")
    posted = line.out.slack.post(send.channel, send.payload, thread_ts=send.thread_ts, send_id=send.id)
    reached("posted")
    line.succeed(held, send, posted)


def dead_ids(line: Rig) -> list[int]:
    with line.store.read() as tx:
        return [row["id"] for row in list_deliveries(tx, Which.DEAD, line.out.limits)]


def test_one_bad_message_of_a_batch_is_degraded_once_and_leaves_a_notice_in_its_place(line: Rig) -> None:
    """The others are shown in order, and the culprit was sent no more often than it had to be."""
    line.fault("error", code="invalid_blocks")  # the batch
    line.fault("error", code="invalid_blocks", after=1, times=2)  # not m1, but m2 in both its forms
    line.write("m1", "m2", "m3")
    line.run(30)
    assert (line.told(), line.dead()) == (["m0", "m1", "m3"], ["Slack answered chat.postMessage with invalid_blocks"])
    said = "\n".join(line.shown())
    assert said.count("could not be shown") == 1
    assert said.index("m1") < said.index("could not be shown") < said.index("m3")
    with line.store.read() as tx:
        culprit = show_delivery(tx, dead_ids(line)[0], line.out.limits)
    assert culprit is not None
    assert [one["state"] for one in culprit["sends"]] == ["refused", "refused", "refused", "delivered"]


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_message_that_comes_between_take_and_settle_is_next(line: Rig, moment: str) -> None:
    """At once, without a moment passing."""
    line.write("m1")
    deliver(line, moment, lambda: line.write("m2"))
    line.run()
    assert (line.told(), line.waiting()) == (["m0", "m1", "m2"], [])


def test_an_unsure_send_keeps_its_channel_when_the_mapping_changes(line: Rig) -> None:
    """It stands there and is found there; only what comes after it moves."""
    line.fault("reset_after")
    line.write("m1")
    line.run()
    line.sandbox.slack.archive("C0SUPPORT")
    line.write("m9", group="7")  # by it the relay learns that the channel is closed
    line.run(1)
    line.write("m2")
    mapping = {"123456": "C0VIP", "7": "C0SUPPORT"}
    line.restart(channels=mapping)
    line.run(15)
    assert (line.told(), line.times(channel="C0VIP")) == (["m0", "m1"], [])
    line.restart(channels=mapping)
    line.run(15)
    assert line.told() == ["m0", "m1", "m2"]
    assert len(line.times(channel="C0VIP")) == 2  # the card and m2: m1 was never tried there


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("notice", ["told", "on its way"])
def test_a_replay_while_its_lane_is_moving_doubles_nothing(line: Rig, notice: str, moment: str) -> None:
    """What was rendered without it stays as it is; it comes next."""
    line.fault("error", code="invalid_blocks", times=2)
    line.write("m1")
    while not line.dead():
        assert line.worker.run_once()
    if notice == "told":
        line.run(10)
    line.write("m2")
    replayed: list[int] = []

    def replay() -> None:
        with line.store.begin() as tx:
            replayed.extend([replay_all(tx), replay_all(tx)])

    deliver(line, moment, replay)
    line.run(10)
    assert line.told() == ["m0", "m2", "m1"]
    assert replayed == [1, 0]
    assert (line.dead(), line.waiting()) == ([], [])
    assert sum("could not be shown" in said for said in line.shown()) <= 1
