"""What the store hands to the workers: frozen copies of rows, never live ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from relay.conversation import ConversationState
from relay.messages import ConversationKey, Form


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation as a worker needs it. `channel` is as mapped, `channel_id` Slack's own id once known."""

    id: int
    key: ConversationKey
    title: str
    channel: str | None
    channel_id: str | None
    thread_ts: str | None
    dead_ts: str | None
    root_form: Form
    created_at: float
    state: ConversationState  # but for when to call the channel, see `Claim.broadcast_from`
    wanted: int  # the card's versions: the one to show, and the one shown
    shown: int

    @property
    def place(self) -> tuple[object, ...]:
        """Where its posts go; what was made for another place is void."""
        return (self.channel, self.channel_id, self.thread_ts, self.dead_ts, self.root_form)


@dataclass(frozen=True, slots=True)
class Send:
    """One outbound call exactly as frozen. `looks` and `resent` count what confirmation has done so far."""

    id: str
    kind: str
    payload: dict[str, Any]
    channel: str
    thread_ts: str | None
    since_ts: str | None
    state: str
    started_at: float | None
    looks: int
    resent: int
    look_again_at: float | None
    ts: str | None
    version: int | None = None

    @property
    def is_root(self) -> bool:
        return self.kind == "root"


@dataclass(frozen=True, slots=True)
class Claim:
    """A lane that is ours until the lease ends; every later statement is void without the token."""

    conversation: Conversation
    lane: str
    token: int
    attempts: int
    spent: float
    at: float  # when it was claimed, in seconds since 1970
    head: Send | None
    check_copies: Send | None = None
    events_applied_to: int = 0  # the last delivery whose events have been applied to the conversation
    broadcast_from: float | None = None


@dataclass(frozen=True, slots=True)
class About:
    """The delivery that a line in the thread tells of, what there is to tell, and why."""

    id: int
    topic: str
    cause: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """One delivery that waits in a lane, with the body it came in."""

    id: int
    received_id: int
    body: bytes | None
    form: Form
    alone: bool
    lost: str | None
    about: About | None
    parts_done: frozenset[int]


@dataclass(frozen=True, slots=True)
class Draft:
    """A post to be frozen, and the (delivery id, part number) pairs it carries."""

    kind: str
    payload: dict[str, Any]
    parts: tuple[tuple[int, int], ...] = field(default=())
    version: int | None = None  # of the card that a root shows
