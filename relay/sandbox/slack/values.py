"""The parts of a Slack workspace, and Slack's errors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

TEAM_ID = "T0SANDBOX"
BOT_USER_ID = "U0RELAY"
BOT_ID = "B0RELAY"
APP_ID = "A0RELAY"


class SlackError(Exception):
    """A refusal with Slack's error code; `extra` goes into the body beside `ok` and `error`."""

    def __init__(self, code: str, *, status: int = 200, retry_after: int | None = None, **extra: Any) -> None:
        super().__init__(code)
        self.code = code
        self.status = status
        self.retry_after = retry_after
        self.extra = extra


@dataclass
class Channel:
    """A public channel (id C...) or a private one (G...)."""

    id: str
    name: str
    is_private: bool = False
    is_archived: bool = False
    is_read_only: bool = False  # only admins may post
    created: int = 1_700_000_000
    members: set[str] = field(default_factory=set)

    @property
    def has_bot(self) -> bool:
        """True if the relay's bot is a member."""
        return BOT_USER_ID in self.members


@dataclass(frozen=True)
class User:
    """A person (or the bot) of the workspace."""

    id: str
    name: str
    real_name: str
    email: str = ""
    is_bot: bool = False
    team: str = TEAM_ID
    deleted: bool = False
    is_restricted: bool = False  # a guest
    is_ultra_restricted: bool = False  # a guest in a single channel
    teams: tuple[str, ...] = ()  # the teams of their organisation


@dataclass(eq=False)
class Message:
    """One posted message. `thread_ts` is its parent's ts, None for a root; `gone` means that no trace is left."""

    channel: str
    ts: str
    user: str
    text: str
    bot_id: str | None = None
    thread_ts: str | None = None
    blocks: list[Any] = field(default_factory=list)
    metadata: dict[str, Any] | None = None
    broadcast: bool = False
    mrkdwn: bool = True  # False: `text` is shown literally
    visible_at: float = 0.0
    deleted: bool = False
    gone: bool = False
    locked: bool = False
    edited_ts: str | None = None
    client_msg_id: str | None = None
    pings: list[str] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    files: list[dict[str, Any]] = field(default_factory=list)
    team: str = TEAM_ID  # of its author


def default_channels() -> list[Channel]:
    """The channels a fresh workspace has; the bot is in the first four."""
    people = {"U0ALEX", "U0SAM", "U0KIM"}
    joined = people | {BOT_USER_ID}
    return [
        Channel("C0SUPPORT", "support", members=set(joined)),
        Channel("C0VIP", "vip", members=set(joined)),
        Channel("C0GENERAL", "general", members=set(joined)),
        Channel("C0OPS", "ops", members=set(joined)),
        Channel("G0PRIVATE", "private", is_private=True, members=set(people)),
        Channel("C0OLD", "old", is_archived=True, members=set(joined)),
    ]


def default_users() -> list[User]:
    """Three agents, with the e-mail addresses they have in Kommunicate too, and the bot."""
    return [
        User("U0ALEX", "alex", "Alex Rivera", "alex@sandbox.test"),
        User("U0SAM", "sam", "Sam Okafor", "sam@sandbox.test"),
        User("U0KIM", "kim", "Kim Larsen", "kim@sandbox.test"),
        User(BOT_USER_ID, "chat-relay", "Chat Relay", is_bot=True),
    ]
