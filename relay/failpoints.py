"""Places where a test can kill the process, as a power cut would: `RELAY_FAILPOINT=name:n`.

The process kills itself with SIGKILL on the n-th pass of the named place; `name:n:stop` suspends it with SIGSTOP.
Refused unless `RELAY_ENV=test`.
"""

from __future__ import annotations

import itertools
import os
import re
import signal
from collections.abc import Iterator

from relay.errors import SettingsError

# Passed directly before and directly after the commit.
TRANSACTIONS = (
    "accept",
    "take",
    "settle",
    "not_ready",
    "private_line",
    "looked",
    "resend",
    "copies",
    "prune",
    "remind",
    "give_back",
    "erase",
    "erase_post",
    "delete_file",
    # the consequence of a failed call
    "retry",
    "gate",
    "confirm",
    "newthread",
    "dissolve",
    "degrade",
    "bury",
    "close_channel",
    "forget",
)
CALLS = (
    "http.answered",
    "call.ready",  # the send is stored, and the call has not started
    "slack.sent",  # between a call's last byte and the first of its answer
    "kommunicate.sent",
    "call.answered",
    "private.told",
    "look.answered",
    "stray.posted",
    "stray.deleted",
    "copy.deleted",
    "file.fetched",
    "file.uploaded",
    "file.shared",
    "file.kept",
    "erase.deleted",  # deleted in Slack, but not yet recorded
    "file.written",  # written to a folder or bucket, but not yet recorded
    "file.swept",  # deleted there, but its row still exists
    "alert.ready",  # recorded as reported, but not yet posted
    "alert.posted",
)
FAILPOINTS = (*(f"{name}.{side}_commit" for name in TRANSACTIONS for side in ("before", "after")), *CALLS)

_armed: dict[str, tuple[int, Iterator[int], signal.Signals]] = {}
_SPEC = re.compile(r"(?P<name>[a-z_.]+):(?P<number>[1-9][0-9]{0,5})(?P<stop>:stop)?")


def arm(spec: str | None) -> None:
    """Arm the failpoint that `spec` names, or none; raises SettingsError for an unknown name."""
    _armed.clear()
    if spec is None:
        return
    found = _SPEC.fullmatch(spec)
    if found is None or found["name"] not in FAILPOINTS:
        names = ", ".join(FAILPOINTS)
        raise SettingsError(f"RELAY_FAILPOINT must be NAME:N or NAME:N:stop with one of these names: {names}.")
    ends = signal.SIGSTOP if found["stop"] else signal.SIGKILL
    _armed[found["name"]] = (int(found["number"]), itertools.count(1), ends)


def failpoint(name: str) -> None:
    """Die here, or stop, if this failpoint is armed and this is the chosen pass."""
    if name in _armed:
        last, passes, ends = _armed[name]
        if next(passes) == last:
            os.kill(os.getpid(), ends)
