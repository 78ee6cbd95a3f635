"""What becomes of one message: followed in the database until it is visible in Slack, or until it is clear why not."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from relay.cli.deliveries import open_existing
from relay.clock import monotonic
from relay.errors import SettingsError, StoreUnavailable
from relay.owners import ACCOUNT
from relay.settings import Settings
from relay.store.db.engine import Store
from relay.store.operations.reports import Arrival, DeliveryRow, find_arrival
from relay.vocabulary import DeliveryState, Outcome
from relay.wiring import slack_limits

LOOK = 0.05  # seconds between looks
HELD_UP = 3.0  # seconds after which whatever holds it up will not be over in a moment

NOT_AT_HAND = "It cannot be followed from here: DATABASE_URL does not lead to the relay's database."
NOT_THERE = "It cannot be followed from here: DATABASE_URL leads to another relay's database."
MAP_IT = "Name a channel for it in the configuration, under `channels` or as `default_channel`."
REPLAY_IT = "`relay deliveries show {id}` says more; `relay deliveries replay {id}` sends it again."
BY_ITSELF = "Nothing is lost: the relay tries again by itself."
NO_WORKER = "Is a worker running? `relay serve` delivers unless started with --no-worker; otherwise run `relay worker`."


class Fate(StrEnum):
    """How it stands with a message, for people."""

    VISIBLE = "visible"
    WAITING = "waiting"
    GIVEN_UP = "given up"
    IGNORED = "ignored"
    UNKNOWN = "unknown"  # nobody here can tell


@dataclass(frozen=True, slots=True)
class Followed:
    """What became of a message within `seconds`; `cause` and `hint` are sentences, "" where there is nothing to say."""

    fate: Fate
    seconds: float
    channel: str | None = None
    cause: str = ""
    hint: str = ""

    @property
    def sentence(self) -> str:
        """The same for people."""
        if self.fate is Fate.VISIBLE:
            return f"Visible in {self.channel} after {self.seconds:.1f} s."
        if self.fate is Fate.UNKNOWN:
            return self.hint
        where = f" for {self.channel}" if self.channel and self.fate is Fate.WAITING else ""
        cause = f": {self.cause.rstrip('.')}" if self.cause else ""
        return f"Not visible after {self.seconds:.1f} s, but {self.fate}{where}{cause}. {self.hint}".rstrip()

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON takes it."""
        return {**asdict(self), "seconds": round(self.seconds, 3)}


def follow(settings: Settings, key: str, *, begun: float, wait: float) -> Followed:
    """Follow the message with this key for at most `wait` seconds; it set out at `begun`, on the monotonic clock."""
    try:
        with open_existing(settings) as store:
            return _follow(store, key, begun, begun + wait)
    except (SettingsError, StoreUnavailable):
        return Followed(Fate.UNKNOWN, monotonic() - begun, hint=NOT_AT_HAND)


def _follow(store: Store, key: str, begun: float, ends: float) -> Followed:
    while True:
        with store.read() as tx:
            arrival = find_arrival(tx, ACCOUNT, key, slack_limits())
        seconds = monotonic() - begun
        if arrival is None:
            return Followed(Fate.UNKNOWN, seconds, hint=NOT_THERE)
        found = _judge(arrival, seconds)
        if found.fate is not Fate.WAITING or found.hint == MAP_IT or monotonic() >= ends:
            return found
        if found.cause and seconds > HELD_UP:
            return found
        threading.Event().wait(LOOK)


def _judge(arrival: Arrival, seconds: float) -> Followed:
    row = arrival.delivery
    if row is None or arrival.outcome is Outcome.IGNORED:
        return Followed(Fate.IGNORED, seconds, cause=arrival.reason)
    match row.state:
        case DeliveryState.DELIVERED:
            return Followed(Fate.VISIBLE, seconds, row.mapped_to)
        case DeliveryState.DEAD:
            return Followed(Fate.GIVEN_UP, seconds, row.mapped_to, row.cause, REPLAY_IT.format(id=row.id))
        case DeliveryState.IGNORED:
            return Followed(Fate.IGNORED, seconds, row.mapped_to, row.cause)
    return Followed(Fate.WAITING, seconds, row.mapped_to, row.cause, _hint(row))


def _hint(row: DeliveryRow) -> str:
    if row.mapped_to is None:
        return MAP_IT
    return BY_ITSELF if row.cause or row.state != DeliveryState.WAITING else NO_WORKER
