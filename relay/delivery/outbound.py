"""What every step of delivery needs at hand."""

from __future__ import annotations

from dataclasses import dataclass, field

from relay.delivery.authors import Authors
from relay.delivery.policy import Schedule
from relay.slack.client import SlackClient
from relay.store.engine import Store
from relay.store.gates import Pace


@dataclass(frozen=True, slots=True)
class Outbound:
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
    read_only: bool
    alerts_channel: str | None = None
    channel_ids: dict[str, str] = field(default_factory=dict)
