"""What to do after a failed call, as a value: pure, one table, the worker obeys.

Transient       the same again after the schedule's delay; given up when the delays add up to the limit
RateLimited     wait at the channel's gate; uses up no attempt
OperatorNeeded  wait at the gate it concerns until a person has acted; buries nothing however long it lasts
Unsure          look for it before anything else happens in this lane
ThreadGone      open a new root
Permanent       dissolve the batch; or step down one form; or bury
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from relay.errors import DeliveryFailed, OperatorNeeded, Permanent, RateLimited, ThreadGone, Unsure
from relay.messages import Form

UNKNOWN_TRIES = 3  # an error code nobody has documented is looked into this often before it counts as a refusal


@dataclass(frozen=True, slots=True)
class Situation:
    """What was sent: for a post, how many deliveries and in which form; `spent` is seconds of delay so far."""

    is_root: bool
    deliveries: int
    form: Form
    attempts: int
    spent: float
    resent: int
    elapsed: float


@dataclass(frozen=True, slots=True)
class Schedule:
    """The delays of the configuration, all in seconds; the last of `retry` repeats."""

    retry: Sequence[float]
    give_up_after: float
    confirm_after: Sequence[float]

    def delay(self, attempts: int) -> float:
        """The wait before the next try after `attempts` failed ones."""
        return self.retry[min(attempts, len(self.retry) - 1)]


@dataclass(frozen=True, slots=True)
class Retry:
    wait: float


@dataclass(frozen=True, slots=True)
class WaitForSlot:
    """The vendor's rate limit: `seconds` is None where it did not say for how long."""

    seconds: float | None


@dataclass(frozen=True, slots=True)
class WaitForOperator:
    scope: str


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
class Bury:
    pass


@dataclass(frozen=True, slots=True)
class CloseChannel:
    """Not even the plain card is taken: an operator must look at the channel."""


Verdict = Retry | WaitForSlot | WaitForOperator | Confirm | NewThread | Dissolve | Degrade | Bury | CloseChannel


def decide(error: DeliveryFailed, at: Situation, schedule: Schedule) -> Verdict:
    """What to do about `error`."""
    match error:
        case RateLimited():
            return WaitForSlot(error.retry_after)
        case OperatorNeeded():
            return WaitForOperator(error.scope)
        case Unsure() if not _hopeless(error, at):
            return Confirm(max(0.0, schedule.confirm_after[0] - at.elapsed))
        case ThreadGone() if not at.is_root:
            return NewThread()
        case Permanent() | Unsure() | ThreadGone():
            return _refused(at, picture=getattr(error, "picture", False))
        case _:
            return _try_again(at, schedule)


def next_look(elapsed: float, confirm_after: Sequence[float]) -> float | None:
    """Seconds until the next look at something sent `elapsed` seconds ago; None when the last one is due or past."""
    later = [at for at in confirm_after if at > elapsed]
    return later[0] - elapsed if later else None


def _hopeless(error: Unsure, at: Situation) -> bool:
    """True for an undocumented code that came back every time: silence is never hopeless, a refusal may be."""
    return error.unknown_code and at.resent + 1 >= UNKNOWN_TRIES


def _refused(at: Situation, *, picture: bool) -> Verdict:
    if at.is_root:
        return CloseChannel() if at.form is Form.PLAIN else Degrade(Form.PLAIN)
    if at.deliveries > 1:
        return Dissolve()
    if picture and at.form is Form.FULL:
        return Degrade(Form.WITHOUT_PICTURES)
    return Bury() if at.form is Form.PLAIN else Degrade(Form.PLAIN)


def _try_again(at: Situation, schedule: Schedule) -> Verdict:
    wait = schedule.delay(at.attempts)
    if at.spent + wait > schedule.give_up_after and not at.is_root:
        return Bury()
    return Retry(wait)
