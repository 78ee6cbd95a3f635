"""What delivery needs of each Kommunicate account: who writes there, and the way back to its customers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from relay.delivery.agents import Agents
from relay.delivery.authors import Authors
from relay.files import FilesBack
from relay.kommunicate.client import KommunicateClient
from relay.kommunicate.payloads import Status
from relay.settings.schema import Replies

NO_KEY = "KOMMUNICATE_API_KEY is not set"


@dataclass(frozen=True, slots=True)
class Replying:
    """What the way back needs; all durations are in seconds."""

    kommunicate: KommunicateClient
    agents: Agents
    sender: str  # speaks for agents whom Kommunicate does not know
    rules: Replies
    call_deadline: float
    files_back: Callable[[str], FilesBack]  # by the rule that chose the conversation's channel
    public_url: str | None = None  # of links for customers; None: where Slack reaches the relay; "": there is none
    templates: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # of saved replies, by name

    # Silently: nothing from Slack reaches the customer except what an agent wrote.
    def assign(self, group_id: str, assignee: str, *, acting: str, from_bot: bool) -> None:
        """Give a conversation to a Kommunicate user; raises DeliveryFailed."""
        self.kommunicate.assign(
            group_id,
            assignee,
            acting=acting,
            take_over_from_bot=from_bot,
            notify=False,
            deadline=self.call_deadline,
        )

    def set_status(self, group_id: str, status: Status, *, acting: str) -> None:
        """Resolve or open a conversation; raises DeliveryFailed."""
        self.kommunicate.set_status(group_id, status, acting=acting, notify=False, deadline=self.call_deadline)


@dataclass(frozen=True, slots=True)
class OfAccount:
    """One account. Without a `client`, no names are looked up; `replying` is None if nothing can be sent to it.

    `lacks` is why; `is_gone`: the configuration no longer names it, but may again.
    """

    authors: Authors
    dashboard_url: str
    client: KommunicateClient | None = None
    replying: Replying | None = None
    lacks: str = NO_KEY
    is_gone: bool = False
