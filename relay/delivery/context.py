"""What every step of delivery needs at hand."""

from __future__ import annotations

from dataclasses import dataclass, field

from relay.delivery.agents import Agents
from relay.delivery.authors import Authors
from relay.delivery.policy import Schedule
from relay.kommunicate.client import KommunicateClient
from relay.kommunicate.payloads import Status
from relay.messages import ConversationKey
from relay.slack.client import SlackClient
from relay.store.db.engine import Store
from relay.store.queue.gates import Pace


@dataclass(frozen=True, slots=True)
class Replying:
    """What the way back needs; all durations are in seconds."""

    kommunicate: KommunicateClient
    agents: Agents
    sender: str  # speaks for agents whom Kommunicate does not know
    known_only: bool
    give_up_after: float
    call_deadline: float

    # Silently: from Slack nothing reaches the customer but what an agent wrote.
    def assign(self, group_id: str, assignee: str, *, acting: str, from_bot: bool) -> None:
        """Give a conversation to a user of Kommunicate; raises DeliveryFailed."""
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
class DeliveryContext:
    """The store, the vendors and the limits a worker works with; `lease` is in seconds.

    `channel_ids` remembers names that were looked up: Slack allows only 20 such look-ups a minute.
    """

    store: Store
    slack: SlackClient
    authors: Authors
    pace: Pace
    schedule: Schedule
    lease: float
    dashboard_url: str
    replying: Replying | None
    broadcasts: bool = True
    alerts_channel: str | None = None
    channel_ids: dict[str, str] = field(default_factory=dict)

    def conversation_url(self, key: ConversationKey) -> str:
        """Where a conversation is in Kommunicate's dashboard."""
        return f"{self.dashboard_url.rstrip('/')}/conversations/{key.group_id}"

    @property
    def read_only(self) -> bool:
        """True where no reply reaches the customer."""
        return self.replying is None
