"""A channel that waits for a person is told of in the alerts channel, once, and so is that it waits no more."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import update

from relay.delivery.alerts import post_alerts
from relay.store.db.tables import gates
from tests.delivery.rig import Rig
from tests.harness import timeline, words

ALERTS = "C0GENERAL"  # the default channel, as none is named for alerts


@pytest.fixture
def line(rig: Callable[..., Rig]) -> Rig:
    """Delivery of one conversation to a channel that is archived."""
    line = rig()
    line.sandbox.slack.archive("C0SUPPORT")
    line.write("m1 waits")
    line.run(5)
    return line


def told(rig: Rig) -> list[str]:
    """The alerts, oldest first."""
    return [words(one) for one in timeline(rig.server) if one["channel"] == ALERTS and one["thread_ts"] is None]


def test_an_archived_channel_is_told_of_once_and_again_when_it_happens_again(line: Rig) -> None:
    for number in (2, 3):
        line.sandbox.slack.archive("C0SUPPORT")
        line.write(f"m{number} waits")
        for _ in range(5):
            line.run(70)
            post_alerts(line.out)
        assert line.waiting()
        line.sandbox.slack.archive("C0SUPPORT", archived=False)
        line.run(310)
        assert not line.waiting()
        post_alerts(line.out)
    first, over, again, over_again = told(line)
    assert all("C0SUPPORT" in one and "is_archived" in one and "nothing is lost" in one for one in (first, again))
    assert all("posts to C0SUPPORT again" in one for one in (over, over_again))


def test_a_channel_that_does_not_exist_is_told_of_by_its_name(rig: Callable[..., Rig]) -> None:
    line = rig(channels={"123456": "#suport"})
    line.write("m1 waits")
    line.run(5)
    post_alerts(line.out)
    assert len(told(line)) == 1
    assert "#suport" in told(line)[0]
    assert "did you mean #support?" in told(line)[0]


def test_the_alerts_channels_own_trouble_is_told_nowhere_and_holds_up_no_other_alert(line: Rig) -> None:
    line.sandbox.slack.archive(ALERTS)
    line.write("m2 waits", group="elsewhere")
    line.run(10)
    post_alerts(line.out)
    assert told(line) == []
    line.sandbox.slack.archive(ALERTS, archived=False)
    line.run(320)
    post_alerts(line.out)
    assert [one for one in told(line) if "cannot post to C0SUPPORT" in one] != []
    assert not any("cannot post to C0GENERAL" in one for one in told(line))


def test_a_limit_puts_the_alert_off(line: Rig) -> None:
    line.fault("ratelimited", channel=ALERTS, retry_after="30")
    post_alerts(line.out)
    post_alerts(line.out)
    assert (told(line), len(line.times(channel=ALERTS))) == ([], 1)
    line.clock.advance(31)
    post_alerts(line.out)
    assert len(told(line)) == 1


def test_what_the_version_before_told_is_not_told_again(line: Rig) -> None:
    """It knows by the gate alone; that it is over is told."""
    with line.store.begin() as tx:
        tx.conn.execute(update(gates).values(alerted=True))
    post_alerts(line.out)
    assert told(line) == []
    line.sandbox.slack.archive("C0SUPPORT", archived=False)
    line.run(310)
    post_alerts(line.out)
    (over,) = told(line)
    assert "posts to C0SUPPORT again" in over


def test_silence_is_not_answered_with_a_second_line(line: Rig) -> None:
    line.fault("reset_after", channel=ALERTS)
    for _ in range(3):
        post_alerts(line.out)
        line.clock.advance(60)
    assert len(told(line)) == 1


def test_of_two_workers_one_tells(line: Rig) -> None:
    post_alerts(line.out)
    line.restart()
    post_alerts(line.out)
    assert len(told(line)) == 1


def test_the_minutely_chores_tell(line: Rig) -> None:
    line.restart()
    assert len(told(line)) == 1
