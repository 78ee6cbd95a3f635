"""What a lane does next, and a call's result: the values that pass between the life cycle of a send and its
handlers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from relay.owners import owned, owner_of
from relay.store.db.engine import Tx
from relay.store.db.rows import Draft, Send
from relay.vocabulary import SendKind

FROM = "from"  # key in the payload of what is fetched from a workspace: which one


@dataclass(frozen=True, slots=True)
class Call:
    """Make the call of this send; the store has it as being sent."""

    send: Send


@dataclass(frozen=True, slots=True)
class Look:
    """Nobody knows what became of this post: look for it."""

    send: Send


@dataclass(frozen=True, slots=True)
class LookForCopies:
    """This post was sent twice: look for a second copy."""

    send: Send


@dataclass(frozen=True, slots=True)
class Found:
    """This post is in its place: what its call would have answered."""

    send: Send
    answer: Any


@dataclass(frozen=True, slots=True)
class Remove:
    """This root is in Slack, at `ts`, and nobody needs it."""

    send: Send
    ts: str


@dataclass(frozen=True, slots=True)
class Author:
    """Where an agent did something, and who: there they can be told something privately."""

    channel: str
    user_id: str
    thread_ts: str | None


@dataclass(frozen=True, slots=True)
class SayPrivately:
    """Tell an agent something privately: why their request is not allowed or not possible; or ask them.

    Then `settle` writes it down, in a transaction that holds conversation and lane, and gives the lane back; it is told
    whether the author could be told. `done` is whether that was written down already. `controls` are the buttons below
    the sentence, and `rows` whole blocks. Until `waits_until`, in seconds since 1970, a short rate limit is waited for;
    None: they count as not told then.
    """

    kind: SendKind
    sentence: str
    author: Author | None
    settle: Callable[[Tx, bool], None]
    done: Callable[[Tx], bool]
    controls: tuple[dict[str, Any], ...] = ()
    rows: tuple[dict[str, Any], ...] = ()
    waits_until: float | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """Something is missing to prepare the next send; the lane stays ours while `fetch` gets it, outside the store.

    `fetch` leaves it where the next take finds it, or raises `DeliveryFailed` if nothing can be done without it. That
    delays a send of this `kind`; an agent's send, with its delivery, is refused after enough tries.
    """

    what: str
    fetch: Callable[[], object] = lambda: None
    kind: SendKind = SendKind.POST
    delivery_id: int | None = None
    refuse: Callable[[str], SayPrivately] | None = None


LOCK = "lock"
"""What is needed before a conversation can be changed: to hold it, before its lane."""


HOPELESS = "hopeless"
"""Among what a claim has asked: what comes next has failed again and again by a mistake of ours, and is given up."""

MISTAKE = "the relay has a bug; its log says more"
"""Why, for whoever reads of it."""


@dataclass(frozen=True, slots=True)
class Ready:
    """Sends that are ready to be stored; the first is called. `events_to` is the last delivery that they show.

    `mentions` is the Slack user they mention last, None for nobody.
    """

    drafts: tuple[Draft, ...]
    events_to: int = 0
    calls_channel: bool = False
    mentions: str | None = None


def workspace_of(what: Draft | Send) -> str:
    """The Slack workspace it calls."""
    return str(what.payload.get(FROM) or owner_of(what.channel))


def agent_of(what: Draft | Send) -> str:
    """The name of the gate of the user it acts for in Kommunicate; "" for calls to Slack."""
    agent = str(what.payload.get("acting") or what.payload.get("sender") or "")
    return owned(what.channel, agent) if agent else ""


Step = Call | Look | LookForCopies | Found | Remove | SayPrivately | Need
Prepared = Ready | Need | SayPrivately | float | None
"""Seconds to wait for what may be ready later; None: there is nothing to do."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The vendor did it."""

    answer: Any = None


@dataclass(frozen=True, slots=True)
class Refused:
    """It will not be done; `is_gone`: because its target no longer exists."""

    cause: str
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class TooLate:
    """The call ended after its lane was taken over; `answer` is None if nobody knows whether it was done."""

    answer: Any = None


Result = Answered | Refused | TooLate
