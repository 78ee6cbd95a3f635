"""A mistake in the edited configuration is told once each time it is made, by whatever process."""

from __future__ import annotations

from collections.abc import Callable

from relay.findings import Finding
from tests.delivery.rig import Rig
from tests.harness import timeline, words

ALERTS = {"alerts": {"channel": "C0OPS"}}


def mistake(line: Rig, where: str) -> None:
    line.relay.config_errors = (Finding("unknown_key", "error", "There is no such key.", "", where),)
    line.chores()


def told(line: Rig) -> list[str]:
    return [words(message) for message in timeline(line.server) if message["channel"] == "C0OPS"]


def test_one_that_is_mended_before_a_restart_is_told_of_when_it_is_made_again(rig: Callable[..., Rig]) -> None:
    line = rig(**ALERTS)
    mistake(line, "config.yaml:1:1")
    line.restart(**ALERTS)
    line.clock.advance(60)
    mistake(line, "config.yaml:2:2")
    first, over, again = told(line)
    assert "config.yaml:1:1" in first
    assert "is valid again" in over
    assert "config.yaml:2:2" in again
