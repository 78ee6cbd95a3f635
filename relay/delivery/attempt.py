"""The life cycle of a send, whatever its kind: taken in one transaction, called outside any, settled in another.

    take      a lane that is due, and what it does next: the send that is there already, or new ones, which are
              stored in full before the first is called
    call      within a total deadline; outside any transaction
    settle    record the result, under the lane's token

What is missing to prepare a send is fetched between two takes, while the lane stays ours. A crash between take and
settle leaves `sending`: the lane's next holder finds out what became of it before anything is sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import structlog
from structlog.contextvars import bound_contextvars

from relay.clock import monotonic
from relay.delivery import confirm, failures, second_copies
from relay.delivery.context import DeliveryContext
from relay.delivery.handlers import GIVE_UP, HANDLERS, PREPARE, UNANSWERED
from relay.delivery.handlers.corrections import redrawn
from relay.delivery.needs import give_up_need
from relay.delivery.policy import REPEATABLE, STATES
from relay.delivery.private_lines import say_privately
from relay.delivery.starting import is_overtaken, seconds_until_start
from relay.delivery.steps import (
    HOPELESS,
    LOCK,
    MISTAKE,
    Answered,
    Call,
    Found,
    Look,
    LookForCopies,
    Need,
    Ready,
    Refused,
    Remove,
    SayPrivately,
    Step,
    TooLate,
)
from relay.delivery.stumbles import log_given_up
from relay.errors import DeliveryFailed, StoreUnavailable
from relay.failpoints import failpoint
from relay.slack.client import Posted
from relay.spans import Kind, add, is_about, note, span, trace
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim, Send
from relay.store.queue import lanes, sends
from relay.store.queue.due import lock
from relay.store.queue.lanes import Fenced
from relay.vocabulary import FILE_LANES, Lane, SendKind, SendState

DOING = {Call: "send", LookForCopies: "look for copies of", SayPrivately: "say privately"}
ENDED_AS_REFUSED = (*REPEATABLE, SendKind.SHARE)  # whatever state they are in: a late share is deleted
QUIET = (SendKind.CARD, SendKind.MARK)  # what nobody asks about when all goes well: how things stand, shown

T = TypeVar("T")

log = structlog.get_logger()


@dataclass(slots=True)
class Taking:
    """How far a take got: the time of its transaction, and the lane.

    `is_open`: the store went away, so nobody knows whether it was committed.
    """

    at: float | None = None
    claim: Claim | None = None
    is_open: bool = False
    begun: float = field(default_factory=monotonic)  # on the monotonic clock


@dataclass(slots=True)
class Attempt:
    """A taken lane, and what to do with it."""

    claim: Claim
    step: Step | None
    taking: Taking

    @property
    def channel(self) -> str:
        """Where it posts; "" for calls to Kommunicate, and for files, which take no post's slot."""
        place = self.claim.conversation
        return "" if self.claim.lane in (Lane.REPLIES, *FILE_LANES) else place.channel_id or place.channel or ""


def take(
    context: DeliveryContext,
    owner: str,
    taking: Taking,
    *,
    most: int = 1,
    dead: Collection[str] = (),
    kinds: tuple[Lane, ...] = tuple(Lane),
    besides: Sequence[str] = (),
    hopeless: Collection[tuple[int, Lane]] = (),
) -> list[Attempt]:
    """Take the lanes that have been due longest, `most` at most, and decide what each does next.

    `dead` are owners whose leases are free, `besides` the channels for which nothing is taken; what comes next in a
    lane that is `hopeless` is given up.
    """

    def work(tx: Tx) -> list[Attempt]:
        lease, limits, attempts = context.lease, context.limits, []
        for claim in lanes.claim(
            tx, owner, lease=lease, limits=limits, most=most, dead=dead, kinds=kinds, besides=besides
        ):
            if claim.lane_key in hopeless:
                claim = replace(claim, asked=claim.asked | {HOPELESS})
            taking.claim = claim
            attempts.append(Attempt(claim, next_step(tx, context, claim), replace(taking)))
        return attempts

    return _taken(context, taking, work)


def _taken(context: DeliveryContext, taking: Taking, work: Callable[[Tx], T]) -> T:
    def noted(tx: Tx) -> T:
        taking.at = tx.now
        return work(tx)

    try:
        return context.store.write("take", noted)
    except StoreUnavailable:
        taking.is_open = True
        raise


def next_step(tx: Tx, context: DeliveryContext, claim: Claim) -> Step | None:
    """What a lane held by this transaction does next; None if it was released."""
    head = claim.head
    if head is None:
        return _prepared(tx, context, claim) if claim.copied is None else LookForCopies(claim.copied)
    never_sent = head.state is SendState.FROZEN and head.ts is None  # with a ts, its echo has arrived
    if HOPELESS in claim.asked and claim.lane in GIVE_UP and (never_sent or head.kind in ENDED_AS_REFUSED):
        return _given_up(tx, context, claim, head)
    if head.state is SendState.FROZEN and is_overtaken(claim, head):
        sends.void_frozen(tx, claim)
        return _prepared(tx, context, replace(claim, head=None))
    if head.state is SendState.FROZEN and head.outdated and not head.resent:
        sends.void_frozen(tx, claim)
        lanes.give_back(tx, claim)  # the next take knows who has not been mentioned after all
        return None
    if head.outdated and head.kind in (*STATES, SendKind.UPLOAD):
        sends.forget(tx, head)
        return _prepared(tx, context, replace(claim, head=None))
    if never_sent or head.kind in REPEATABLE:
        return _started(tx, context, claim, head)
    return UNANSWERED[head.kind](tx, context, claim, head)


def _given_up(tx: Tx, context: DeliveryContext, claim: Claim, send: Send) -> Step | None:
    """What we fail over each time ends as if it had been refused."""
    if not claim.locked:
        return Need(LOCK)
    log_given_up(claim, send.kind)
    return HANDLERS[send.kind].settled(tx, context, claim, send, Refused(MISTAKE))


def _prepared(tx: Tx, context: DeliveryContext, claim: Claim) -> Step | None:
    """New sends, made ready and stored."""
    prepare = GIVE_UP.get(claim.lane) if HOPELESS in claim.asked else None
    match (prepare or PREPARE[claim.lane])(tx, context, claim):
        case Ready(drafts, events_to, calls_channel, mentions):
            wait = seconds_until_start(tx, context, claim, drafts[0])
            if wait is not None:
                lanes.put_off(tx, claim, wait)
                return None
            if events_to:
                lanes.record_events_applied(tx, claim, events_to)
            if calls_channel:
                lanes.clear_broadcast(tx, claim)
            if mentions:
                lanes.record_mentioned(tx, claim, mentions)
            return Call(sends.store(tx, claim, drafts))
        case None:
            lanes.give_back(tx, claim)
            return None
        case float(wait):
            lanes.put_off(tx, claim, wait)
            return None
        case other:
            return other


def _started(tx: Tx, context: DeliveryContext, claim: Claim, send: Send) -> Step | None:
    """The send that is already stored, unchanged."""
    wait = seconds_until_start(tx, context, claim, send)
    if wait is not None:
        lanes.put_off(tx, claim, wait)
        return None
    return Call(sends.start(tx, redrawn(tx, context, claim, send)))


def carry_out(context: DeliveryContext, attempt: Attempt) -> bool:
    """Do what was decided, and what follows from it, until the lane is released. Raises Fenced, StoreUnavailable.

    Returns False if there is nothing more to do at once: the last post was all that the lane had.
    """
    last = attempt.step
    with trace("attempt", Kind.ATTEMPT, attempt.taking.begun):
        add("take", attempt.taking.begun)
        note(conversation=attempt.claim.conversation.id, lane=attempt.claim.lane, attempts=attempt.claim.attempts)
        while attempt.step is not None:
            last = attempt.step
            with bound_contextvars(**_ids(last)), _traced(last):
                attempt.step = _DO[type(last)](context, attempt, last)
    posted = isinstance(last, Call) and last.send.kind is SendKind.POST
    return not posted or [row.due for row in attempt.claim.given_back] != [None]


def _ids(step: Step) -> dict[str, str]:
    """The ids that identify this step in the log: the received message's name, and the send."""
    send = getattr(step, "send", None)
    if not isinstance(send, Send):
        return {}
    return {"send": send.id, **({"received": send.received} if send.received else {})}


def _traced(step: Step) -> AbstractContextManager[object]:
    """The span of a step; what came in with its send is what the attempt is about."""
    doing, send = DOING.get(type(step), type(step).__name__.lower()), getattr(step, "send", None)
    if not isinstance(send, Send):
        return span(f"{doing} {step.what}" if isinstance(step, Need) else doing)
    is_about(send.received)
    return span(f"{doing} {send.kind}", send=send.id, channel=send.channel or None, resent=send.resent)


def _call(context: DeliveryContext, claim: Claim, send: Send) -> Step | None:
    failpoint("call.ready")
    handler, begun = HANDLERS[send.kind], monotonic()
    try:
        answer = handler.call(context, claim, send)
        failpoint("call.answered")
    except DeliveryFailed as error:
        return failures.apply(context, claim, send, error, handler.settled, elapsed=monotonic() - begun)
    return settle(context, claim, send, answer)


def settle(context: DeliveryContext, claim: Claim, send: Send, answer: object) -> Step | None:
    """Record a call's result; returns what must be done first, if anything. Raises Fenced."""
    handler = HANDLERS[send.kind]

    def work(tx: Tx) -> Step | None:
        if send.kind is not SendKind.POST or send.follows:  # it changes its conversation, locked before the lane
            lock(tx, claim.conversation.id)
        lanes.hold(tx, claim)
        return handler.settled(tx, context, claim, send, Answered(answer))

    try:
        step = context.write("settle", work, done=lambda tx: lanes.is_ours(tx, claim) and sends.is_settled(tx, send))
    except Fenced:
        context.write("late report", lambda tx: handler.settled(tx, context, claim, send, TooLate(answer)))
        raise
    tell = log.debug if send.kind in QUIET else log.info
    ts = answer.ts if isinstance(answer, Posted) else None
    tell("send.delivered", send=send.id, kind=send.kind, channel=send.channel, ts=ts, resent=send.resent)
    note(outcome=SendState.DELIVERED, ts=ts)
    return step


def fetch(context: DeliveryContext, attempt: Attempt, need: Need) -> Step | None:
    """Fetch what is missing, then decide the lane's next step again, which finds it."""
    try:
        need.fetch()
    except DeliveryFailed as error:
        return give_up_need(context, attempt.claim, need, error)
    asked = replace(attempt.claim, asked=attempt.claim.asked | {need.what}, locked=need.what == LOCK)

    def work(tx: Tx) -> Step | None:
        if asked.locked:
            lock(tx, asked.conversation.id)
        attempt.claim = lanes.hold_again(tx, asked, lease=context.lease)
        return next_step(tx, context, attempt.claim)

    return _taken(context, attempt.taking, work)


_DO: Mapping[type[Step], Callable[[DeliveryContext, Attempt, Any], Step | None]] = {
    Call: lambda context, attempt, step: _call(context, attempt.claim, step.send),
    Found: lambda context, attempt, step: settle(context, attempt.claim, step.send, step.answer),
    Look: lambda context, attempt, step: confirm.look(context, attempt.claim, step.send),
    LookForCopies: lambda context, attempt, step: second_copies.look_for_copies(context, attempt.claim, step.send),
    Remove: lambda context, attempt, step: confirm.remove_root(context, attempt.claim, step.send, step.ts),
    SayPrivately: lambda context, attempt, step: say_privately(context, attempt.claim, step),
    Need: fetch,
}
