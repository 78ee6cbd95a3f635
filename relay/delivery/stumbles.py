"""Lanes over which we fail again and again, by a mistake of ours: at last what comes next is given up, and told. Words
wait: alerts tell that they are late.
"""

from __future__ import annotations

import threading
from collections import Counter

import structlog

from relay.store.db.rows import Claim
from relay.vocabulary import Lane, SendKind

IN_A_ROW = 10  # times, about half a minute apart

_Lane = tuple[int, Lane]  # and its conversation

log = structlog.get_logger()


def log_given_up(claim: Claim, kind: SendKind) -> None:
    """The next send of this kind is not made, or without what we fail over."""
    log.error("send.given_up", conversation=claim.conversation.id, kind=kind)


class Stumbles:
    """How often in a row this process has failed over each lane."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: Counter[_Lane] = Counter()

    def note(self, lane: _Lane) -> None:
        """Once more."""
        with self._lock:
            self._times[lane] += 1

    def forget(self, lane: _Lane) -> None:
        """It went well."""
        if self._times:
            with self._lock:
                self._times.pop(lane, None)

    def hopeless(self) -> frozenset[_Lane]:
        """The lanes over which it has failed too often."""
        with self._lock:
            return frozenset(lane for lane, times in self._times.items() if times >= IN_A_ROW)
