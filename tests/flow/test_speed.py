"""The speed benchmark measures what it says it does; how fast anything is, is no matter for tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.speed.chart import Panel, draw
from bench.speed.loading import OPENING, Load, open_threads
from bench.speed.parts.loss import compared
from bench.speed.processes import wait_until
from bench.speed.records import Promise, Record, Value, gathered, percentile, verdicts
from bench.speed.slack import Post, SlackStub, first_shown, slack_stub
from bench.speed.subjects import GROUPS, NAIVE, RELAY, Subject

FEW = GROUPS[:3]


@pytest.fixture
def slack(tmp_path: Path) -> Iterator[SlackStub]:
    with slack_stub(tmp_path) as running:
        yield running


@pytest.mark.parametrize("subject", [NAIVE, RELAY["sqlite"]], ids=lambda one: one.name)
def test_every_message_of_the_load_is_seen_in_slack_once_and_in_order(slack: SlackStub, subject: Subject) -> None:
    """Whoever takes part."""
    with subject.started(slack, None) as run:
        open_threads(run, slack, FEW)
        rows = Load(run, first=OPENING, count=30, groups=FEW, connections=2).rows()
        sent = {(row.group, row.number) for row in rows}
        wait_until(lambda: sent <= first_shown(slack.posts()).keys(), 60, "not all came")
        assert run.cpu_seconds() > 0
        assert run.resident_bytes() > 1_000_000
    assert {row.status for row in rows} == {200}
    assert compared(sent, slack.posts()) == (0, 0, 0)


def test_a_rate_is_kept_whatever_the_answers_do(slack: SlackStub) -> None:
    """Each message is due at its time."""
    with NAIVE.started(slack, None) as run:
        rows = Load(run, first=0, rate=50, seconds=0.4, count=20, groups=FEW, connections=3).rows()
    assert len(rows) == 20
    assert max(row.begun for row in rows) - min(row.begun for row in rows) >= 19 / 50 - 0.01


def test_a_channel_with_a_pace_refuses_what_is_too_fast(tmp_path: Path) -> None:
    """As Slack does."""
    with slack_stub(tmp_path, pace=0.01) as slow, NAIVE.started(slow, None) as run:
        rows = Load(run, first=0, count=2, groups=FEW[:1]).rows()
        assert [row.status for row in rows] == [200, 502]
        assert slow.figures()["refused"] == 1


def posted(*numbers: int, thread: str = "1.0") -> list[Post]:
    return [Post(float(at), "C0", thread, f"1.{at}", [(7000, number)]) for at, number in enumerate(numbers)]


def test_what_is_lost_doubled_or_out_of_order_is_counted() -> None:
    """Of what was answered 200."""
    accepted = {(7000, number) for number in (2, 3, 4, 5)}
    assert compared(accepted, posted(0, 1, 2, 3, 4, 5)) == (0, 0, 0)
    assert compared(accepted, posted(2, 4, 3, 3)) == (1, 1, 1)


def test_what_stands_outside_of_threads_is_not_shown() -> None:
    """The card quotes the first message."""
    assert first_shown([*posted(1, thread=""), *posted(2, 2)]) == {(7000, 2): 0.0}


def test_a_ratio_is_of_the_same_round() -> None:
    """A machine that slows down slows down both."""
    values = [Value("speed", who, value, "1/s") for who, value in (("a", 100), ("relay", 50), ("a", 10), ("relay", 6))]
    found = verdicts(gathered(values), [Promise("P", "speed", "relay", "a", 0.4, at_least=True)])
    assert [one["rounds"] for one in found] == [[0.5, 0.6]]
    assert found[0]["holds"]


def test_a_round_that_one_of_them_missed_is_left_out() -> None:
    """Else a ratio would be of two rounds."""
    values = [
        Value("speed", "a", 100, "1/s", 1),
        Value("speed", "a", 10, "1/s", 2),
        Value("speed", "relay", 6, "1/s", 2),
    ]
    assert verdicts(gathered(values), [Promise("P", "speed", "relay", "a", 0.4)])[0]["rounds"] == [0.6]


def test_a_promise_that_is_not_kept_is_told() -> None:
    """Against another, and by itself."""
    records = [Record("time", "a", "ms", [1.0], [1]), Record("time", "relay", "ms", [3.0], [1])]
    promises = [Promise("P", "time", "relay", "a", 2.0), Promise("Q", "time", "relay", "", 4.0)]
    assert [one["holds"] for one in verdicts(records, promises)] == [False, True]


def test_a_percentile_is_one_of_the_values() -> None:
    """The smallest that so many percent do not exceed."""
    values = [float(one) for one in range(1, 101)]
    assert [percentile(values, percent) for percent in (50, 99, 100)] == [50.0, 99.0, 100.0]
    assert percentile([7.0], 99) == 7.0


def test_the_picture_shows_every_subject_of_a_panel() -> None:
    """And is XML."""
    records = [Record("time", f"one & {at}", "ms", [1.0 + at, 20.0 * at + 1]) for at in range(3)]
    panels = [Panel("Time", "time", "ms", "less is better", log=log) for log in (False, True)]
    text = draw([*panels, Panel("Other", "other", "ms", "less is better")], records, "caption")
    assert ElementTree.fromstring(text).tag.endswith("svg")
    assert len(re.findall(r"one &amp; \d", text)) == 6
    assert "Other" not in text
