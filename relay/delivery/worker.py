"""Claims lanes until told to stop, idles politely, and finishes what it holds before it goes.

One thread at a time stands at the look-out and claims; whoever has claimed leaves the look-out to the next and
delivers. So an idle process polls once per interval, however many threads it has.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from dataclasses import replace

import structlog

from relay.clock import monotonic
from relay.delivery import owner
from relay.delivery.confirm import check_copies, confirm
from relay.delivery.context import DeliveryContext
from relay.delivery.handlers.card import update
from relay.delivery.handlers.marks import mark
from relay.delivery.handlers.messages import prepare
from relay.delivery.handlers.replies import reply
from relay.delivery.posting import post
from relay.errors import StoreUnavailable
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim
from relay.store.queue import lanes
from relay.store.queue.claimable import Claimable, check_claimable, lease_owners
from relay.store.queue.lanes import Fenced

log = structlog.get_logger()

POLL = 0.25  # seconds between looks into the store when no other thread of this process has news
TROUBLE = 1.0  # seconds to wait after the store was away or something unforeseen happened
CHORES_EVERY = 60.0  # seconds between rounds of housekeeping


class Worker:
    """Delivers what the store holds, with `threads` calls in flight at most."""

    def __init__(
        self, out: DeliveryContext, *, threads: int = 4, poll: float = POLL, chores: Callable[[], None] = lambda: None
    ) -> None:
        """`chores` is called about once a minute, starting at once, in a thread of its own."""
        self._out = out
        self._owner = owner.this_process()
        self._poll = poll
        self._chores = chores
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._claim_lock = threading.Lock()
        # Daemons: a process that was told to stop waits as long as `stop` says, not as long as Slack likes.
        work = {"chores": self._do_chores} | {f"delivery-{number}": self._do_next for number in range(threads)}
        self._threads = [
            threading.Thread(target=self._run, args=(job,), name=name, daemon=True) for name, job in work.items()
        ]

    def start(self) -> None:
        """Deliver in the background until `stop`."""
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """There is news in the store: look now instead of at the next poll."""
        self._news.set()

    def stop(self, timeout: float) -> bool:
        """Claim nothing more and wait until what is in flight has settled, at most `timeout` seconds; False if not."""
        self._stopping.set()
        self._news.set()
        deadline = monotonic() + timeout
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline - monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def run_once(self) -> bool:
        """Claim one lane and take it one step further; False when nothing can be done now."""
        held = self._claim(self._check_claimable())
        if held is not None:
            self._deliver(held)
        return held is not None

    def _run(self, job: Callable[[], None]) -> None:
        while not self._stopping.is_set():
            try:
                job()
            except StoreUnavailable as error:
                log.error("store.unavailable", cause=str(error))
                self._stopping.wait(TROUBLE)
            except Exception as error:  # noqa: BLE001 - the thread must live; the lane's lease expires and is taken up again
                log.error("worker.failed", error=type(error).__name__, at=_frames(error))
                self._stopping.wait(TROUBLE)

    def _do_next(self) -> None:
        with self._claim_lock:
            held = self._next_claim()
        if held is not None:
            self._deliver(held)
            self._news.set()  # the lane was given back: whoever stands at the look-out looks again

    def _do_chores(self) -> None:
        self._chores()
        self._stopping.wait(CHORES_EVERY)

    def _next_claim(self) -> Claim | None:
        """Wait at the look-out until a lane can be claimed; None when stopping."""
        while not self._stopping.is_set():
            self._news.clear()
            seen = self._check_claimable()
            held = self._claim(seen)
            if held is not None:
                return held
            self._news.wait(self._poll if seen.wait is None else min(self._poll, max(0.001, seen.wait)))
        return None

    def _check_claimable(self) -> Claimable:
        """What there is to do, without a lock: a claim writes, and most of the time there is nothing to claim."""
        with self._out.store.read() as tx:
            seen = check_claimable(tx, lease=self._out.lease, pace=self._out.pace)
            if seen.leased and self._dead_owners(tx):
                return replace(seen, ready=True)
        return seen

    def _claim(self, seen: Claimable) -> Claim | None:
        if not seen.ready:
            return None
        with self._out.store.begin("claim") as tx:
            dead = self._dead_owners(tx) if seen.leased else set()
            return lanes.claim(tx, self._owner, lease=self._out.lease, pace=self._out.pace, dead=dead)

    def _dead_owners(self, tx: Tx) -> set[str]:
        """Whose leases are free at once."""
        return owner.gone(lease_owners(tx), self._owner) if self._out.store.on_sqlite else set()

    def _deliver(self, held: Claim) -> None:
        """One step of a claimed lane: a look for a copy, rendering, a look for an unsure send, a post."""
        with structlog.contextvars.bound_contextvars(conversation=held.conversation.id, lane=held.lane):
            try:
                step(self._out, held)
            except Fenced:
                log.warning("lane.taken_over")


def step(out: DeliveryContext, held: Claim) -> None:
    """Take a claimed lane one step further and give it back."""
    match held.lane:
        case "words":
            show(out, held)
        case "replies":
            reply(out, held)
        case "card" if held.conversation.wanted != held.conversation.shown:
            update(out, held)
        case "card":
            mark(out, held)


def show(out: DeliveryContext, held: Claim) -> None:
    """One step of what a conversation shows in Slack."""
    send = held.head
    if send is None and held.check_copies is not None:
        check_copies(out, held, held.check_copies)
        return
    if send is None:
        send = prepare(out, held)
    elif send.state != "frozen":
        send = confirm(out, held, send)
    if send is not None:
        post(out, held, send)


def _frames(error: BaseException) -> list[str]:
    """Where it happened, without the message: that may quote what a customer wrote."""
    return [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-6:]]
