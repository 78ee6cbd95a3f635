"""What to do after a failed call, as a value. A pure table; `relay.delivery.failures` carries it out.

Transient       retry after the schedule's delay; give up when the delays add up to the limit
Unreachable     Slack is down: everything for it waits, and that time does not count
RateLimited     wait at the gate; uses up no attempt
OperatorNeeded  wait at its gate until a person has acted; buries nothing however long it lasts
Unsure          find out what became of it before this lane does anything else; repeat what is repeatable
ThreadGone      open a new root
Permanent       dissolve the batch; or step down one form; or give up
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from relay.errors import DeliveryFailed, OperatorNeeded, Permanent, RateLimited, ThreadGone, Unreachable, Unsure
from relay.messages import Form
from relay.vocabulary import GateScope, SendKind, Vendor

UNKNOWN_TRIES = 3  # looks at an undocumented error code before it counts as a refusal
ECHO_AFTER = 30.0  # seconds to wait for Kommunicate's echo of an unanswered reply

VENDOR_OF = {
    SendKind.ROOT: Vendor.SLACK,
    SendKind.POST: Vendor.SLACK,
    SendKind.CARD: Vendor.SLACK,
    SendKind.CORRECTION: Vendor.SLACK,
    SendKind.MARK: Vendor.SLACK,
    SendKind.UPLOAD: Vendor.SLACK,
    SendKind.SHARE: Vendor.SLACK,
    SendKind.RECALL: Vendor.SLACK,
    SendKind.FETCH: Vendor.SLACK,
    SendKind.REPLY: Vendor.KOMMUNICATE,
    SendKind.TAKEOVER: Vendor.KOMMUNICATE,
    SendKind.CLICK: Vendor.KOMMUNICATE,
}
# Low-priority state updates: they wait alone, and are never given up.
STATES = (SendKind.CARD, SendKind.CORRECTION, SendKind.MARK)
TRANSFERS = (SendKind.UPLOAD, SendKind.RECALL, SendKind.FETCH)  # of files; nobody sees what they leave behind half done
REPEATABLE = (SendKind.TAKEOVER, SendKind.CLICK, *STATES, *TRANSFERS)  # they ask for a state
STATE_RECHECK = 300.0  # seconds until something that a person must mend is tried again for an emoji or a card
# The same of a channel, whose every chat has a card: at most, doubled each time. News in a chat is tried at once.
STATE_RECHECK_OF_CHANNEL = 3600.0


@dataclass(frozen=True, slots=True)
class Situation:
    """What was sent: for a post, how many deliveries in which form; `spent` is seconds of delay so far."""

    kind: SendKind
    deliveries: int
    form: Form
    attempts: int
    spent: float
    resent: int
    elapsed: float


@dataclass(frozen=True, slots=True)
class Schedule:
    """The configured delays, all in seconds; the last of `retry` repeats."""

    retry: Sequence[float]
    give_up_after: float
    confirm_after: Sequence[float]

    def delay(self, attempts: int) -> float:
        """The delay before the next try after `attempts` failed ones."""
        return self.retry[min(attempts, len(self.retry) - 1)]

    def attempts_in(self, seconds: float) -> int:
        """How many attempts can fail within so many seconds."""
        return sum(upto <= seconds for upto in accumulate(self.retry))


@dataclass(frozen=True, slots=True)
class Retry:
    wait: float


@dataclass(frozen=True, slots=True)
class WaitAtGate:
    """A rate limit, or something a person must fix: the error says which gate, and for how long."""


@dataclass(frozen=True, slots=True)
class Confirm:
    wait: float


@dataclass(frozen=True, slots=True)
class NewThread:
    pass


@dataclass(frozen=True, slots=True)
class Dissolve:
    pass


@dataclass(frozen=True, slots=True)
class Degrade:
    form: Form


@dataclass(frozen=True, slots=True)
class GiveUp:
    pass


@dataclass(frozen=True, slots=True)
class CloseChannel:
    """Not even the plain card is accepted: an operator must check the channel."""


@dataclass(frozen=True, slots=True)
class Forget:
    """Nobody would notice another try."""


Verdict = Retry | WaitAtGate | Confirm | NewThread | Dissolve | Degrade | GiveUp | CloseChannel | Forget


def decide(error: DeliveryFailed, at: Situation, schedule: Schedule) -> Verdict:
    """What to do about `error`."""
    if at.kind in STATES:
        return _decide_for_state(error, at, schedule)
    if VENDOR_OF[at.kind] is Vendor.KOMMUNICATE:
        return _decide_for_agent(error, at, schedule)
    match error:
        case RateLimited() | OperatorNeeded() | Unreachable():
            return WaitAtGate()
        case Unsure() if at.kind in TRANSFERS:
            return _try_again(at, schedule)
        case Unsure() if not _hopeless(error, at):
            return Confirm(max(0.0, schedule.confirm_after[0] - at.elapsed))
        case ThreadGone() if at.kind is SendKind.POST:
            return NewThread()
        case Permanent() | Unsure() | ThreadGone():
            return _refused(at, picture=getattr(error, "picture", False))
        case _:
            return _try_again(at, schedule)


def next_look(elapsed: float, confirm_after: Sequence[float]) -> float | None:
    """Seconds until the next look for something sent `elapsed` seconds ago; None if the last one is due or past."""
    later = [at for at in confirm_after if at > elapsed]
    return later[0] - elapsed if later else None


def _decide_for_state(error: DeliveryFailed, at: Situation, schedule: Schedule) -> Verdict:
    match error:
        case RateLimited() | Unreachable():
            return WaitAtGate()
        case OperatorNeeded(scope=GateScope.CHANNEL):
            return Retry(min(STATE_RECHECK_OF_CHANNEL, STATE_RECHECK * 2 ** min(at.attempts, 10)))
        case OperatorNeeded():
            return Retry(STATE_RECHECK)  # posts continue without it: no gate is closed for an emoji
        case Permanent() | ThreadGone():
            return Forget()
        case _:
            return Retry(schedule.delay(at.attempts))


def _decide_for_agent(error: DeliveryFailed, at: Situation, schedule: Schedule) -> Verdict:
    match error:
        case RateLimited() | OperatorNeeded():
            return WaitAtGate()
        case Unsure() if at.kind not in REPEATABLE:
            return Confirm(ECHO_AFTER)
        case Permanent():
            return GiveUp()
        case _:
            return _try_again(at, schedule)


def _hopeless(error: Unsure, at: Situation) -> bool:
    """True for an undocumented code that came back every time. Silence never counts; a refusal may."""
    return error.unknown_code and at.resent + 1 >= UNKNOWN_TRIES


def _refused(at: Situation, *, picture: bool) -> Verdict:
    if at.kind is SendKind.ROOT:
        return CloseChannel() if at.form is Form.PLAIN else Degrade(Form.PLAIN)
    if at.kind is not SendKind.POST:
        return GiveUp()
    if at.deliveries > 1:
        return Dissolve()
    if picture and at.form is Form.FULL:
        return Degrade(Form.WITHOUT_PICTURES)
    return GiveUp() if at.form is Form.PLAIN else Degrade(Form.PLAIN)


def _try_again(at: Situation, schedule: Schedule) -> Verdict:
    wait, left = schedule.delay(at.attempts), schedule.give_up_after - at.spent
    if at.kind is SendKind.ROOT:
        return Retry(wait)
    return Retry(min(wait, left)) if left > 0 else GiveUp()
