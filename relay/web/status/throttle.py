"""How fast passwords may be tried: for each address, and for all of them, in bounded memory.

Nobody is kept waiting in a thread; whoever comes too early is told when to come again, and their password is not looked
at. A browser in which somebody has signed in before has tries of its own: strangers who use up all others, perhaps from
the same proxy, do not lock it out. Each process counts for itself.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

FREE = 3  # wrong passwords without a wait
FIRST, LONGEST = 2.0, 60.0  # seconds to wait after that, doubled each time
FORGOTTEN = 900.0  # seconds without a try after which an address begins anew
MOST = 1000  # addresses and browsers that are remembered
ALL_BURST, ALL_PAUSE = 20, 3.0  # tries of all addresses at once, then one in so many seconds


@dataclass(slots=True)
class _Tries:
    wrong: int = 0
    last: float = 0.0
    free_at: float = 0.0


class Throttle:
    """Counts tries; `now` is always on the monotonic clock, in seconds."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._tries: OrderedDict[str, _Tries] = OrderedDict()
        self._all_free_at = 0.0

    def __len__(self) -> int:
        """How many addresses and browsers are remembered."""
        return len(self._tries)

    def attempt(self, address: str, now: float, browser: str | None = None) -> float:
        """Count a try: 0.0 where the password may be looked at, else the seconds to wait. It is wrong until `right`.

        `browser` is one that is known, None for any other.
        """
        who = browser or _network(address)
        with self._lock:
            tries = self._tries.get(who)
            if tries is None or now - tries.last > FORGOTTEN:
                tries = _Tries()
            wait = tries.free_at - now
            if browser is None:
                wait = max(wait, self._all_free_at - ALL_BURST * ALL_PAUSE - now)
            if wait > 0:
                return wait
            if browser is None:
                self._all_free_at = max(now, self._all_free_at) + ALL_PAUSE
            self._count(who, tries, now)
        return 0.0

    def right(self, address: str, browser: str | None = None) -> None:
        """It was the right one."""
        with self._lock:
            self._tries.pop(browser or _network(address), None)

    def _count(self, who: str, tries: _Tries, now: float) -> None:
        tries.wrong, tries.last = tries.wrong + 1, now
        if tries.wrong >= FREE:
            tries.free_at = now + min(LONGEST, FIRST * 2 ** min(tries.wrong - FREE, 10))
        self._tries[who] = tries
        self._tries.move_to_end(who)
        while len(self._tries) > MOST:
            self._tries.popitem(last=False)


def _network(address: str) -> str:
    """Whoever has one address of version 6 has all 2**64 of its network."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is None:
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
