"""Places where a test can make the process die, as if the power had gone: `RELAY_FAILPOINT=name:n`.

The process kills itself with SIGKILL on the n-th pass of the named place. Refused unless `RELAY_ENV=test`.
"""

from __future__ import annotations

import itertools
import os
import re
import signal
from collections.abc import Iterator

from relay.errors import SettingsError

FAILPOINTS = (
    "accept.before_commit",
    "accept.after_commit",
    "http.answered",
    "claim.before_commit",
    "claim.after_commit",
    "freeze.before_commit",
    "freeze.after_commit",
    "post.before_call",
    "post.sent",
    "post.answered",
    "root.before_save",
    "root.saved",
    "settle.before_commit",
    "settle.after_commit",
    "look.before",
    "look.after",
    "stray.deleted",
    "copy.deleted",
    "bury.before_commit",
    "bury.after_commit",
    "prune.before_commit",
    "prune.after_commit",
)

_armed: dict[str, tuple[int, Iterator[int]]] = {}


def arm(spec: str | None) -> None:
    """Arm the failpoint that `spec` names as "name:n", or none; raises SettingsError where it names none of ours."""
    _armed.clear()
    if spec is None:
        return
    found = re.fullmatch(r"([a-z._]+):([1-9][0-9]{0,5})", spec)
    if found is None or found[1] not in FAILPOINTS:
        raise SettingsError(f"RELAY_FAILPOINT must be NAME:N with one of these names: {', '.join(FAILPOINTS)}.")
    _armed[found[1]] = (int(found[2]), itertools.count(1))


def failpoint(name: str) -> None:
    """Die here if this place is armed and this is its pass."""
    if name in _armed:
        last, passes = _armed[name]
        if next(passes) == last:
            os.kill(os.getpid(), signal.SIGKILL)
