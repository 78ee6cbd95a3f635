"""Who holds a lease, and whether that process still lives.

On SQLite all workers share a host, so the lease of a process that is gone is free at once; elsewhere it expires.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Iterable
from pathlib import Path


def this_process() -> str:
    """A name for a worker of this process: where its id means it, the id, when it started, and something random."""
    return "|".join((_place(), str(os.getpid()), _started(os.getpid()), uuid.uuid4().hex[:8]))


def gone(owners: Iterable[str], me: str) -> set[str]:
    """Those of `owners` whose process is certainly no longer there; another host's are left to expire."""
    return {owner for owner in owners if owner != me and _is_gone(owner, me)}


def _is_gone(owner: str, me: str) -> bool:
    place, pid, started, _ = owner.split("|")
    my_place, my_pid, my_start, _ = me.split("|")
    if place != my_place:
        return False
    if (pid, started) == (my_pid, my_start):
        return False  # another worker of this very process
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # it lives, under another user
    return _started(int(pid)) != started


def _place() -> str:
    """The host, and which of its sets of process ids: containers may share a host's name, and count for themselves."""
    try:
        return f"{socket.gethostname()}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return socket.gethostname()  # not Linux


def _started(pid: int) -> str:
    """When a process started, in clock ticks since boot: tells a process from a later one with the same id."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""  # not Linux: the process id has to do
