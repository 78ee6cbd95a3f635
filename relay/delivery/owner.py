"""Who holds a lease, and whether that process is still alive.

On SQLite all workers share a host, so the lease of a dead process is free at once; elsewhere it expires.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Iterable
from pathlib import Path


def this_process() -> str:
    """A name for a worker of this process: where its process id is valid, the id, its start time, and
    something random.
    """
    return "|".join((_place(), str(os.getpid()), _started(os.getpid()), uuid.uuid4().hex[:8]))


def gone(owners: Iterable[str], me: str) -> set[str]:
    """Those of `owners` whose process is certainly gone; owners on other hosts expire."""
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
        pass  # alive, under another user
    return _started(int(pid)) != started


def _place() -> str:
    """The host and its process id namespace: containers may share a host name and count processes separately."""
    try:
        return f"{socket.gethostname()}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return socket.gethostname()  # not Linux


def _started(pid: int) -> str:
    """When a process started, in clock ticks since boot: distinguishes it from a later one with the same id."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""  # not Linux: the process id must do
