"""What delivery needs of each Slack workspace."""

from __future__ import annotations

from dataclasses import dataclass

from relay.delivery.members import Members
from relay.slack.client import SlackClient


@dataclass(frozen=True, slots=True)
class OfWorkspace:
    """One workspace: its Slack client, and its members. `hears`: the relay receives its events."""

    slack: SlackClient
    members: Members
    hears: bool
