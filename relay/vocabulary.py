"""The words that the database, the engine and the handlers share, one meaning each; the database keeps their values."""

from __future__ import annotations

from enum import StrEnum


class Vendor(StrEnum):
    """Whom the relay calls, as people say it."""

    KOMMUNICATE = "Kommunicate"
    SLACK = "Slack"


class GateScope(StrEnum):
    """What a gate holds back; its name says which one."""

    WORKSPACE = "workspace"  # everything for Slack
    METHOD = "method"  # calls of one method of Slack's
    CHANNEL = "channel"  # posts to one channel
    ACCOUNT = "account"  # everything for one account of Kommunicate's
    AGENT = "agent"  # what is done for one user of Kommunicate's
