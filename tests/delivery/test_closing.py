"""Which gate a failure closes: the narrowest it can be about, until others say the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from relay.delivery.gates import RUNAWAY, close_gate
from relay.errors import OperatorNeeded, RateLimited
from relay.store.queue.gates import seconds_closed, seconds_for_post
from relay.vocabulary import GateScope, Vendor
from tests.delivery.rig import POST, Rig
from tests.harness import timeline
from tests.store.shelf import rows

CHANNELS = {str(number): f"C0N{number}" for number in range(10)}
AMBIGUOUS = ["team_access_not_granted", "access_denied", "no_permission", "accesslimited", "ekm_access_denied"]


@pytest.fixture
def line(rig: Callable[..., Rig]) -> Rig:
    """Ten conversations, each with a channel of its own and a thread there."""
    line = rig(channels=CHANNELS)
    for group, channel in CHANNELS.items():
        line.sandbox.slack.add_channel(channel, f"n-{group}")
        line.write(f"m{group}00", group=group)
    line.run(60)
    return line


def closed(line: Rig, scope: GateScope) -> list[str]:
    """The names of the gates of this kind that wait for a person."""
    return [gate.name for gate in rows(line.store, "gates", operator=True, scope=scope.value)]


def limited(line: Rig, channel: str, seconds: float) -> None:
    error = RateLimited(seconds, method=POST, vendor=Vendor.SLACK)
    with line.store.begin() as tx:
        close_gate(tx, line.out, error, channel=channel)


def waits(line: Rig, channel: str) -> float | None:
    with line.store.read() as tx:
        return seconds_for_post(tx, channel, line.out.limits)


def test_three_limited_channels_shut_the_method(line: Rig) -> None:
    """Within ten seconds; a channel that nobody complained about waits too."""
    for channel in ("C0N0", "C0N1"):
        limited(line, channel, 5.0)
    assert waits(line, "C0N9") is None
    limited(line, "C0N2", 7.0)
    assert waits(line, "C0N9") == 7.0
    line.clock.advance(7)
    assert waits(line, "C0N9") is None


def test_three_limited_channels_far_apart_shut_nothing_else(line: Rig) -> None:
    for channel in ("C0N0", "C0N1", "C0N2"):
        limited(line, channel, 1.0)
        line.clock.advance(6)
    assert waits(line, "C0N9") is None


@pytest.mark.parametrize("code", AMBIGUOUS)
def test_a_code_that_may_mean_the_workspace_closes_one_channel_first(line: Rig, code: str) -> None:
    """Ninety messages for nine healthy channels come, all of them."""
    line.fault("error", channel="C0N0", times=None, code=code)
    for number in range(1, 11):
        for group in CHANNELS:
            line.write(f"m{group}{number:02}", group=group)
        line.run(3)
    healthy = [mark for mark in line.told() if mark[1] != "0"]
    assert len(healthy) == 9 * 11
    assert (closed(line, GateScope.CHANNEL), closed(line, GateScope.WORKSPACE)) == (["C0N0"], [])


def test_it_closes_the_workspace_once_several_channels_agree_and_nothing_gets_through(line: Rig) -> None:
    """Then the others need not find out for themselves."""
    line.clock.advance(120)
    line.fault("error", times=None, code="team_access_not_granted")
    for group in CHANNELS:
        line.write(f"m{group}01", group=group)
    line.run()
    assert closed(line, GateScope.WORKSPACE) == ["slack"]
    assert len(line.times()) - 20 == 3
    line.sandbox.faults.clear()
    line.run(600)
    assert (len(line.told()), line.waiting()) == (20, [])


def test_a_code_nobody_documents_that_refuses_several_messages_closes_their_channel(line: Rig) -> None:
    """It is not the messages' fault: one is a dead letter, the others wait, and come."""
    line.fault("error", channel="C0N0", times=None, code="brand_new_error")
    for number in range(1, 6):
        line.write(f"m0{number:02}", group="0")
        line.run(200)
    assert len(line.dead()) == 1
    assert closed(line, GateScope.CHANNEL) == ["C0N0"]
    assert {cause for _, cause in line.waiting()} == {"Slack answered chat.postMessage with brand_new_error"}
    line.sandbox.faults.clear()
    line.run(600)
    assert [mark for mark in line.told() if mark[1] == "0"] == ["m000", "m002", "m003", "m004", "m005"]


def test_messages_refused_with_such_a_code_now_and_then_close_nothing(line: Rig) -> None:
    """One that gets through in between tells that the channel is well."""
    for number in range(3):
        line.fault("error", channel="C0N0", times=6, code="brand_new_error")
        line.write(f"m0{2 * number + 1:02}", group="0")
        line.run(200)
        line.write(f"m0{2 * number + 2:02}", group="0")
        line.run(60)
    assert (len(line.dead()), closed(line, GateScope.CHANNEL)) == (3, [])


def test_a_closed_gate_is_tried_by_one_conversation_after_the_other(rig: Callable[..., Rig]) -> None:
    """One that Slack will never take must not keep the others from finding out that it takes them."""
    line = rig(channels={}, default_channel="C0SUPPORT")
    for group in ("1", "2", "3"):
        line.write(f"m{group}", group=group)
        line.run(3)
    line.fault("error", times=None, code="is_archived")
    for group in ("1", "2", "3"):
        line.write(f"m{group}0", group=group)
        line.run(1)
    with capture_logs() as logs:
        line.run(600)
    owners = {send.id: send.conversation_id for send in rows(line.store, "sends")}
    tries = [owners[log["send"]] for log in logs if log["event"] == "send.failed"]
    assert len(tries) >= 4
    assert tries[:3] == [*dict.fromkeys(tries)]


def test_a_name_is_looked_up_again_when_its_channel_is_gone(rig: Callable[..., Rig]) -> None:
    """It was deleted, and made anew: the id is another, and nobody has to touch the file."""
    line = rig(channels={"123456": "#orders"})
    line.sandbox.slack.add_channel("C0OLD", "orders")
    line.write("m1")
    line.run(10)
    line.sandbox.slack.rename("C0OLD", "gone")
    line.sandbox.slack.add_channel("C0NEW", "orders")
    line.fault("error", channel="C0OLD", times=None, code="channel_not_found")
    line.write("m2")
    line.run(600)
    assert (line.told(), line.waiting()) == (["m1", "m2"], [])
    assert [one["channel"] for one in timeline(line.server) if one["thread_ts"]] == ["C0OLD", "C0NEW"]


@pytest.mark.parametrize("scope", ["one conversation", "ten conversations"])
def test_a_slack_that_takes_no_threads_ends_at_a_person(line: Rig, scope: str) -> None:
    """F23: every post lands at the channel's root, so that each would open another thread, without end."""
    groups = list(CHANNELS) if scope == "ten conversations" else ["0"]
    before = len(line.times())
    line.fault("unthreaded", times=None)
    for group in groups:
        line.write(f"m{group}01", group=group)
    line.run(1800)
    cards = [one for one in line.roots() if one["channel"] in {CHANNELS[group] for group in groups}]
    assert len(cards) <= 4 * len(groups)
    assert len(line.times()) - before <= 8 * len(groups)
    assert all("new threads are opened repeatedly" in cause for _, cause in line.waiting())
    assert len(line.waiting()) == len(groups)
    line.sandbox.faults.clear()
    line.run(RUNAWAY[-1])
    assert (line.waiting(), line.dead()) == ([], [])


def test_a_restart_tries_a_channel_in_which_threads_were_opened_in_vain(line: Rig) -> None:
    """Somebody has mended what deleted them, and does not want to wait for an hour."""
    line.fault("unthreaded", times=None)
    line.write("m001", group="0")
    line.run(60)
    line.sandbox.faults.clear()
    line.restart(channels=CHANNELS)
    line.run(30)
    assert (line.waiting(), "m001" in line.told()) == ([], True)


def test_somebody_who_deletes_threads_now_and_then_closes_nothing(line: Rig) -> None:
    """Each thread takes a message before it is deleted."""
    for number in range(1, 7):
        line.write(f"m0{number:02}", group="0")
        line.run(5)
        for message in reversed([one for one in timeline(line.server) if one["channel"] == "C0N0"]):
            line.sandbox.slack.human_deletes("C0N0", message["ts"])
    assert closed(line, GateScope.CHANNEL) == []


def test_an_agent_whom_kommunicate_refuses_is_closed_alone(line: Rig) -> None:
    """The account only when several agents are refused."""
    error = OperatorNeeded(GateScope.AGENT, "no", code="http_403", shared=True)
    for agent, is_closed in (("a@x", False), ("b@x", False), ("c@x", True)):
        with line.store.begin() as tx:
            close_gate(tx, line.out, error, account="default", agent=agent)
        with line.store.read() as tx:
            assert seconds_closed(tx, GateScope.AGENT, agent) == 20.0
            assert (seconds_closed(tx, GateScope.ACCOUNT, "default") is not None) == is_closed
