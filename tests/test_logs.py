"""One event per line, on stderr, for machines or for people."""

from __future__ import annotations

import errno
import io
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.logs import MOST, configure_logs
from tests.harness import PATIENCE, ROOT


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """The next test finds the logs as this one did."""
    level = logging.getLogger("urllib3").level
    yield
    structlog.reset_defaults()
    logging.getLogger("urllib3").setLevel(level)


def logged(capsys: pytest.CaptureFixture[str], *, as_json: bool) -> str:
    """What one event looks like; nothing goes to stdout, which is for scripts."""
    lines = configure_logs(as_json=as_json)
    with structlog.contextvars.bound_contextvars(conversation=7):
        structlog.get_logger().info("send.delivered", send="abc")
        structlog.get_logger().debug("never shown")
    lines.flush()
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


def test_a_machine_gets_json(capsys: pytest.CaptureFixture[str]) -> None:
    event = json.loads(logged(capsys, as_json=True))
    assert event.pop("timestamp").endswith("Z")
    assert event == {"event": "send.delivered", "level": "info", "conversation": 7, "send": "abc"}


def test_people_get_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    line = logged(capsys, as_json=False)
    assert line.count("\n") == 1
    assert "send.delivered" in line
    assert "conversation=7" in line
    assert "\x1b" not in line


@pytest.mark.parametrize("as_json", [True, False])
def test_an_event_stays_one_line_whatever_is_bound_to_it(capsys: pytest.CaptureFixture[str], *, as_json: bool) -> None:
    """Nobody can write a line of their own into the log."""
    lines = configure_logs(as_json=as_json)
    structlog.get_logger().info("send.refused", code="a\n2026-01-01 [info] forged\x1b[2J")
    lines.flush()
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "\x1b" not in said


def test_the_level_is_what_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    lines = configure_logs(as_json=True, level="debug")
    structlog.get_logger().debug("event.ignored", reason="not in a thread of ours")
    lines.flush()
    assert '"event": "event.ignored"' in capsys.readouterr().err


def test_a_machine_reads_when_and_what_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(json.loads(logged(capsys, as_json=True)))[:3] == ["timestamp", "level", "event"]


def test_a_connection_more_than_are_kept_is_no_news(capsys: pytest.CaptureFixture[str]) -> None:
    """The library warns of each, with the host's name."""
    configure_logs(as_json=False)
    logging.getLogger("urllib3.connectionpool").warning("canary")
    assert "canary" not in capsys.readouterr().err


class Full(io.StringIO):
    """A file on a disk that is full."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_line_that_cannot_be_written_breaks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The work it tells of goes on."""
    monkeypatch.setattr(sys, "stderr", Full())
    lines = configure_logs(as_json=True)
    structlog.get_logger().warning("store.unavailable")
    lines.flush()


class Stalled(io.StringIO):
    """A pipe that nobody reads from."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()

    def write(self, text: str) -> int:
        self.go_on.wait(PATIENCE)
        return super().write(text)


def test_a_log_that_nobody_reads_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines wait in memory, so many and no more."""
    pipe = Stalled()
    monkeypatch.setattr(sys, "stderr", pipe)
    lines = configure_logs(as_json=True)
    for number in range(2 * MOST):
        structlog.get_logger().info("send.delivered", send=number)
    pipe.go_on.set()
    lines.flush(PATIENCE)
    written = [json.loads(line)["send"] for line in pipe.getvalue().splitlines()]
    assert written == sorted(written)
    assert MOST <= len(written) < 2 * MOST


STALLED = """
import logging, os, threading
import structlog
from relay.logs import configure_logs

reader, writer = os.pipe()
os.dup2(writer, 2)
configure_logs(as_json=True)
for number in range(3000):
    structlog.get_logger().info("send.delivered", send=number)
threading.Event().wait(0.5)  # until nothing more fits into the pipe
logging.getLogger("waitress").warning("a library's line")
os.write(1, b"goes on")
os._exit(0)
"""


def test_nor_does_it_hold_up_a_library_that_logs() -> None:
    """The web server's loop, or its end, would wait with it."""
    command = [sys.executable, "-c", STALLED]
    done = subprocess.run(command, cwd=ROOT, timeout=PATIENCE, check=False, stdout=subprocess.PIPE)
    assert done.stdout == b"goes on"


INVISIBLE = (
    "\u00ad\u034f\u180e\u200b\u200e\u200f\u2028\u202a\u202e\u2060\u2066\u2069\ufeff\ufff9\U000e0041\U000e007f\x1b\n\r"
)
hidden = st.text(st.sampled_from(INVISIBLE + "ab \u3000\u0645\u00e9=\"'"), max_size=40)


@pytest.mark.parametrize("as_json", [True, False])
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(hidden, hidden)
def test_nothing_that_is_not_seen_reorders_or_hides_what_is(
    capsys: pytest.CaptureFixture[str], as_json: bool, one: str, other: str
) -> None:
    """S18: whatever an id from outside holds, an event is one line, and is read as it stands."""
    lines = configure_logs(as_json=as_json)
    structlog.get_logger().info("send.delivered", channel=one, cause=other)
    lines.flush()
    (line,) = capsys.readouterr().err.split("\n")[:-1]
    assert not set(INVISIBLE) & set(line)
