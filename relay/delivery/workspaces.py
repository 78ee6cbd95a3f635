"""What delivery has of each of Slack's workspaces."""

from __future__ import annotations

from dataclasses import dataclass

from relay.delivery.members import Members
from relay.slack.client import SlackClient


@dataclass(frozen=True, slots=True)
class OfWorkspace:
    """One workspace: its Slack, and who is a member of it. `hears`: what agents do there is told to the relay."""

    slack: SlackClient
    members: Members
    hears: bool
