"""A worker dies, stalls or hears nothing: whoever takes its lane over finds out first what became of its call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from relay.delivery.handlers.messages import in_place
from relay.errors import OperatorNeeded, RateLimited, ThreadGone, Unsure
from relay.slack.client import Posted
from relay.store.db.rows import Claim, Send
from relay.store.queue import gates, sends
from relay.store.queue.lanes import Fenced
from relay.vocabulary import GateScope, SendState
from tests.delivery.rig import Rig
from tests.harness import timeline

LATE = pytest.mark.parametrize("late", [False, True], ids=["before the takeover", "after the takeover"])


@pytest.fixture
def line(rig: Callable[..., Rig]) -> Rig:
    """A thread with one message in it, in a rested channel."""
    line = rig()
    line.write("m0")
    line.run(60)
    return line


def post(line: Rig, send: Send) -> Posted:
    """The call itself, and nothing of what should come after it."""
    return line.out.slack.post(send.channel, send.payload, thread_ts=send.thread_ts, send_id=send.id)


def settle_in_vain(line: Rig, held: Claim, send: Send, posted: Posted) -> None:
    """What the worker does that comes back after its lane was taken over."""
    try:
        answer = in_place(line.out, send, posted)
    except ThreadGone as error:
        with pytest.raises(Fenced):
            line.fail(held, send, error)
    else:
        with pytest.raises(Fenced):
            line.succeed(held, send, answer)


def delete_thread(line: Rig) -> None:
    """A person deletes all of it: no tombstone is left, and Slack puts answers to it at the channel's root."""
    for message in timeline(line.server)[::-1]:
        line.sandbox.slack.human_deletes("C0SUPPORT", message["ts"])


def test_a_crash_between_posting_the_card_and_saving_its_ts_opens_no_second_thread(rig: Callable[..., Rig]) -> None:
    """The first messages wait for it, also one that comes after the crash."""
    line = rig()
    line.write("m1", "m2")
    _, send = line.set_out()
    assert send.is_root
    post(line, send)
    line.restart()
    line.write("m3")
    line.run(29)
    assert ([state for state, _ in line.waiting()], len(line.times())) == (["waiting"] * 3, 1)
    line.run(10)
    assert (line.told(), len(line.roots()), line.waiting()) == (["m1", "m2", "m3"], 1, [])
    assert len(line.times()) == 2  # the card, and one post with all three


def test_a_crash_between_posting_and_settling_is_made_up_for_once_the_lease_is_over(line: Rig) -> None:
    """Nobody knows whether it went out: it is looked for first."""
    line.write("m1")
    _, send = line.set_out()
    post(line, send)
    line.restart()
    line.run(29)
    assert line.waiting() == [("sending", "")]
    line.run(10)
    assert (line.told(), line.waiting(), len(line.times())) == (["m0", "m1"], [], 3)


@pytest.mark.parametrize("jump", [-3600.0, 3600.0])
@pytest.mark.parametrize("arrived", [True, False])
def test_a_clock_that_jumps_after_a_crash_keeps_nobody_waiting_longer_than_a_lease(
    line: Rig, jump: float, arrived: bool
) -> None:
    """The dead worker's lease, and when its call set out, lie an hour ahead, or an hour back."""
    line.write("m1")
    _, send = line.set_out()
    if arrived:
        post(line, send)
    line.restart()
    line.sandbox.core.now = lambda: max(line.clock.now(), line.clock.now() - jump)  # Slack's clock does not jump
    line.clock.advance(jump)
    line.write("m2")
    line.run(line.out.lease)
    assert (line.told(), line.waiting()) == (["m0", "m1", "m2"], [])


def test_a_stray_at_the_channels_root_after_a_crash_is_taken_away(line: Rig) -> None:
    """And its words stand in a new thread, once, without having been tried in vain a second time."""
    line.write("m1")
    _, send = line.set_out()
    delete_thread(line)
    stray = post(line, send)
    line.restart()
    line.run(29)
    assert [root["ts"] for root in line.roots()] == [stray.ts]
    line.run(10)
    assert (line.told(), len(line.roots()), line.waiting()) == (["m1"], 1, [])
    assert stray.ts not in [message["ts"] for message in timeline(line.server)]
    assert len(line.times()) == 5


@LATE
def test_two_workers_and_a_deleted_card_open_one_thread(line: Rig, late: bool) -> None:
    """Both end up with a stray; the one that was overtaken takes away no more than that."""
    line.write("m1")
    held, send = line.set_out()
    delete_thread(line)
    posted = None if late else post(line, send)
    line.clock.advance(line.out.lease)
    line.run(60)
    assert (line.told(), len(line.roots())) == (["m1"], 1)
    settle_in_vain(line, held, send, posted or post(line, send))
    line.write("m2")
    line.run(120)
    assert (line.told(), len(line.roots()), line.waiting()) == (["m1", "m2"], 1, [])


@LATE
def test_a_lease_that_expires_during_the_call_doubles_nothing(line: Rig, late: bool) -> None:
    """What was posted in time is found; what a worker sends that stood still before the socket is deleted."""
    line.write("m1")
    held, send = line.set_out()
    posted = None if late else post(line, send)
    line.clock.advance(line.out.lease)
    line.run(60)
    assert line.told() == ["m0", "m1"]
    settle_in_vain(line, held, send, posted or post(line, send))
    line.run(120)
    assert (line.told(), line.waiting()) == (["m0", "m1"], [])
    assert sum(message.deleted for message in line.sandbox.slack.messages) == late


@pytest.mark.parametrize(
    "error", [Unsure(), RateLimited(5.0, method="chat.postMessage"), OperatorNeeded(GateScope.CHANNEL)]
)
def test_a_stale_workers_failure_changes_nothing(line: Rig, error: Unsure | RateLimited | OperatorNeeded) -> None:
    """Neither its lane nor a gate, also when its send was rendered anew meanwhile."""
    line.write("m1")
    held, send = line.set_out()
    line.clock.advance(line.out.lease)
    line.run(60)
    with line.store.begin() as tx:
        sends.drop(tx, send, SendState.VOID)
    with pytest.raises(Fenced):
        line.fail(held, send, error)
    with line.store.read() as tx:
        assert gates.seconds_closed(tx, GateScope.CHANNEL, send.channel) is None


@pytest.mark.parametrize("call", [0, 1], ids=["card", "post"])
def test_a_history_that_shows_a_post_only_after_five_seconds_is_looked_at_again(
    rig: Callable[..., Rig], call: int
) -> None:
    """It comes into sight between the two looks: it is not sent again, and nothing has to be deleted."""
    line = rig()
    line.sandbox.slack.history_lag = 5.0
    line.fault("reset_after", after=call)
    line.write("m1")
    line.run(4)
    assert len(line.times()) == call + 1
    line.run(90)
    assert (line.told(), len(line.roots()), len(line.times())) == (["m1"], 1, 2)
    assert not any(message.deleted for message in line.sandbox.slack.messages)


def test_a_shorter_lease_in_an_edited_file_takes_nothing_from_whoever_holds_it(line: Rig) -> None:
    """Processes read the file one after another; a call that set out under the longer lease is still ours."""
    line.out = replace(line.out, lease=300.0)
    line.write("m1")
    claim, send = line.set_out()
    line.worker.use(replace(line.out, lease=30.0))
    line.run(40)
    line.succeed(claim, send, post(line, send))
    line.run(60)
    assert (line.told(), line.waiting()) == (["m0", "m1"], [])
