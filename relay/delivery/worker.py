"""Takes lanes until told to stop, idles cheaply, and finishes what it holds before it ends.

One thread takes lanes. Each attempt has its own thread, because it mostly waits for a vendor. The number in flight is
bounded for each kind of lane, so that a vendor that hangs delays only its own calls. An idle process polls once per
interval.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import structlog

from relay.clock import monotonic
from relay.delivery import owner
from relay.delivery.attempt import Attempt, Taking, carry_out, take
from relay.delivery.context import DeliveryContext
from relay.delivery.in_flight import CROWDED, SHARE, InFlight
from relay.delivery.stumbles import Stumbles
from relay.delivery.threads import Threads
from relay.errors import StoreUnavailable
from relay.store.queue.due import Claimable, check_claimable, lease_owners
from relay.store.queue.lanes import Fenced
from relay.store.queue.lost import put_aside, release_lost
from relay.vocabulary import Lane

log = structlog.get_logger()

POLL = 0.25  # seconds between polls of the store if no other thread of this process has news
TROUBLE = (0.1, 0.4)  # seconds to wait after a store failure or an unexpected error: first, and at most
CHORES_EVERY = 60.0  # seconds between rounds of housekeeping
# In flight at most: 200 hanging calls cost about 6 MB, and small hosts allow 256 threads.
AT_MOST = {Lane.WORDS: 120, Lane.REPLIES: 40, Lane.CARD: 16, Lane.FILES: 2, Lane.FILES_BACK: 2}
TOGETHER = 8  # priority lanes taken in one transaction; other lanes one at a time
FIRST: tuple[Lane, ...] = (Lane.WORDS, Lane.REPLIES)  # taken on news; all others by polling, one at a time
AFTER = tuple(lane for lane in Lane if lane not in FIRST)
# The pause after a take: this many times its duration, longer if many writes wait, and at most so many seconds.
# Intake has priority, because nobody else keeps it; and a longer pause means more is sent at a time.
REST, REST_IN_A_CROWD, CROWD, LONGEST_REST = 1.5, 20.0, 12, 0.06
OPEN, CLEAR_UP_EVERY = 20.0, 1.0  # seconds until an unconfirmed take has committed, or never will; between checks
PUT_ASIDE = 30.0  # seconds that a lane waits if its next step could not be decided


class Worker:
    """Delivers what is in the store."""

    def __init__(
        self,
        context: DeliveryContext,
        *,
        at_most: Mapping[Lane, int] = AT_MOST,
        poll: float = POLL,
        chores: Sequence[Callable[[], None]] = (),
    ) -> None:
        """`at_most` limits how many may be in flight; `chores` run about once a minute, starting at once."""
        self._context = context
        self._owner = owner.this_process()
        self._at_most = at_most
        self._poll = poll
        self._chores = chores
        self._news = threading.Event()
        self._told = True  # something was stored: try a take without polling first
        self._look_at = self._rested_at = 0.0  # on the monotonic clock
        self._stopping = threading.Event()
        self._chores_due = threading.Event()
        self._in_flight = InFlight()
        self._attempts = Threads("attempt")
        self._stumbles = Stumbles()
        self._failed: list[tuple[Taking, float]] = []  # takes that failed, and for how long their lanes are put aside
        self._open: list[tuple[float, float]] = []  # the times of takes that may be committed yet, and until when
        self._clear_up_at = 0.0
        # Daemons: a process that was told to stop waits as long as `stop` says, not as long as Slack takes.
        self._threads = [
            threading.Thread(target=self._take_until_stopped, name="taker", daemon=True),
            threading.Thread(target=self._do_chores, name="chores", daemon=True),
        ]

    def start(self) -> None:
        """Deliver in the background until `stop`."""
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Something is new in the store: try now instead of at the next poll."""
        self._told = True
        self._news.set()

    def use(self, context: DeliveryContext) -> None:
        """Switch to another context, and run the chores at once; what is in flight keeps its context."""
        self._context = context
        self._chores_due.set()
        self.wake()

    def stop(self, timeout: float) -> bool:
        """Take nothing more and wait at most `timeout` seconds until everything in flight has settled; False if not."""
        self._stopping.set()
        self._news.set()
        self._chores_due.set()
        deadline = monotonic() + timeout
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline - monotonic()))
        settled = self._in_flight.wait_for_none(max(0.0, deadline - monotonic()))
        return settled and not any(thread.is_alive() for thread in self._threads)

    def run_once(self) -> bool:
        """Take one lane and do its next step in this thread; False if there is nothing to do now."""
        seen, dead = self._check_claimable()
        taken = self._take(dead, 1, tuple(Lane)) if seen.ready else []
        for attempt in taken:
            self._carry_out(attempt)
        return bool(taken)

    def _take_until_stopped(self) -> None:
        first, longest = TROUBLE
        pause = first
        while not self._stopping.is_set():
            try:
                self._take_what_is_due()
                pause = first
            except Exception as error:  # noqa: BLE001 - the thread must live
                _log_failure(error)
                self._stopping.wait(pause)
                pause = min(longest, 2 * pause)

    def _take_what_is_due(self) -> None:
        """Take what is due; wait for news, or until something may be due."""
        if self._stopping.wait(max(0.0, self._rested_at - monotonic())):
            return
        self._news.clear()
        told, self._told, dead = self._told, False, set[str]()
        looked = not told or bool(self._failed or self._open) or monotonic() >= self._look_at
        if looked:
            seen, dead = self._check_claimable()
            self._look_at = monotonic() + (self._poll if seen.wait is None else min(self._poll, max(0.001, seen.wait)))
            if not seen.ready:
                self._wait_for_news()
                return
        most, begun = self._room(), monotonic()
        taken = self._take(dead, most, FIRST)
        self._set_out([attempt for attempt in taken if attempt.step is not None])
        self._told |= len(taken) == most
        if looked and (one := self._take(dead, 1, AFTER)):  # a card takes long to draw, and messages wait meanwhile
            self._set_out([attempt for attempt in one if attempt.step is not None])
            taken += one
            self._look_at = 0.0  # there may be more
        rest = REST_IN_A_CROWD if self._context.store.waiting >= CROWD else REST
        self._rested_at = monotonic() + min(LONGEST_REST, rest * (monotonic() - begun))
        if taken and not self._told and all(attempt.step is not None for attempt in taken):
            self._wait_for_news()  # there is nothing more, and the last poll saw what is due later

    def _wait_for_news(self) -> None:
        self._news.wait(max(0.0, self._look_at - monotonic()))

    def _set_out(self, attempts: Sequence[Attempt]) -> None:
        for number, attempt in enumerate(attempts):
            self._in_flight.add(attempt)
            try:
                self._attempts.start(partial(self._carry_out, attempt))
            except RuntimeError:  # the machine has no more threads: nothing was called, the lanes are free again
                self._in_flight.remove(attempt)
                for left in attempts[number:]:
                    left.taking.is_open = True
                    self._failed.append((left.taking, TROUBLE[-1]))
                raise

    def _check_claimable(self) -> tuple[Claimable, set[str]]:
        """Check for work without a lock: a take writes, and usually there is nothing to take.

        Also finds owners whose leases are free at once, because their process is gone.
        """
        if self._failed or (self._open and monotonic() > self._clear_up_at):
            self._clear_up()
        store, lease, limits = self._context.store, self._context.lease, self._context.limits
        with store.read() as tx:
            seen = check_claimable(tx, lease=lease, limits=limits, kinds=self._kinds_with_room())
            owners = lease_owners(tx) if seen.leased and store.on_sqlite else set()
        dead = owner.gone(owners, self._owner) if owners else set()
        return replace(seen, ready=seen.ready or bool(dead)), dead

    def _kinds_with_room(self) -> tuple[Lane, ...]:
        return tuple(lane for lane in Lane if self._in_flight.count(lane) < self._at_most[lane])

    def _room(self) -> int:
        """How many priority lanes to take at once: no more than each kind has room for."""
        kinds = (lane for lane in self._kinds_with_room() if lane in FIRST)
        room = [self._at_most[lane] - self._in_flight.count(lane) for lane in kinds]
        return min([TOGETHER if self._in_flight.count() < CROWDED else SHARE, *room])

    def _take(self, dead: set[str], most: int, kinds: tuple[Lane, ...]) -> list[Attempt]:
        taking, besides, hopeless = Taking(), self._in_flight.full_channels(), self._stumbles.hopeless()
        free = tuple(lane for lane in self._kinds_with_room() if lane in kinds)
        of = partial(take, most=most, dead=dead, kinds=free, besides=besides, hopeless=hopeless)
        try:
            taken = of(self._context, self._owner, taking)
        except StoreUnavailable:
            self._failed.append((taking, TROUBLE[-1]))
            raise
        except Exception:
            self._failed.append((taking, PUT_ASIDE))
            if taking.claim is not None:
                self._stumbles.note(taking.claim.lane_key)
            raise
        for attempt in taken:
            if attempt.step is None and attempt.claim.lane_key in hopeless:  # what it failed over is gone
                self._stumbles.forget(attempt.claim.lane_key)
        return taken

    def _carry_out(self, attempt: Attempt) -> None:
        claim, left, more = attempt.claim, False, True
        with structlog.contextvars.bound_contextvars(conversation=claim.conversation.id, lane=claim.lane):
            try:
                more = carry_out(self._context, attempt)
                self._stumbles.forget(claim.lane_key)
            except Fenced:
                log.warning("lane.taken_over")
            except Exception as error:  # noqa: BLE001 - its lease ends, and the lane is taken again
                _log_failure(error)
                left = isinstance(error, StoreUnavailable)
                if not left:
                    self._stumbles.note(claim.lane_key)
            finally:
                crowded = claim.lane not in self._kinds_with_room() or self._in_flight.count() >= CROWDED
                self._in_flight.remove(attempt)
        if left:  # so that nobody waits for the lease to end
            self._failed.append((attempt.taking, 0.0))
        if more or crowded:
            self._news.set()  # the lane was released, or others have room now

    def _clear_up(self) -> None:
        """Clean up after failed takes: release what they may have taken after all, and put their lanes behind the
        others.

        A server that was briefly unreachable may still commit what it had received, so this is repeated.
        """
        now, failed = monotonic(), list(self._failed)
        open_now = [taking.at for taking, _ in failed if taking.is_open and taking.at is not None]
        self._open = [*((at, until) for at, until in self._open if until > now), *((at, now + OPEN) for at in open_now)]
        self._clear_up_at = now + CLEAR_UP_EVERY
        with self._context.store.begin() as tx:
            freed = release_lost(
                tx,
                self._owner,
                working_on=self._in_flight.working_on(),
                lost={at for at, _ in self._open},
            )
            for taking, seconds in failed:
                if taking.claim is not None and seconds:
                    put_aside(tx, taking.claim, seconds)
        del self._failed[: len(failed)]
        if failed or freed:
            log.info("worker.recovered", freed=freed)

    def _do_chores(self) -> None:
        while not self._stopping.is_set():
            self._chores_due.clear()
            for chore in self._chores:
                try:
                    chore()
                except Exception as error:  # noqa: BLE001 - the others have to be done all the same
                    _log_failure(error)
            if not self._stopping.is_set():
                self._chores_due.wait(CHORES_EVERY)


def _log_failure(error: Exception) -> None:
    if isinstance(error, StoreUnavailable):
        log.error("store.unavailable", cause=str(error))
    else:
        log.error("worker.failed", error=type(error).__name__, at=_frames(error))


def _frames(error: BaseException) -> list[str]:
    """Where it happened, without the message, which may quote a customer."""
    return [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-6:]]
