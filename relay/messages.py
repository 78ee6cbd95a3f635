"""The frozen values that travel between the endpoints, the store and the senders.

A value of these types has been authenticated and parsed: there is no way to hold an unverified message.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from relay.vocabulary import DeliveryState, Mark


class Role(StrEnum):
    """Who wrote a message. Kommunicate's webhook does not say; see `kommunicate.people`."""

    CUSTOMER = "customer"
    BOT = "bot"
    AGENT = "agent"
    UNKNOWN = "unknown"

    @property
    def is_of_the_team(self) -> bool:
        """True for roles whose notices are trusted: anybody who can write to a chat can forge one."""
        return self in (Role.BOT, Role.AGENT)


class MessageKind(StrEnum):
    """A `MESSAGE` is what somebody wrote; a `NOTICE` is one grey line (assigned, resolved, rated)."""

    MESSAGE = "message"
    NOTICE = "notice"


class Form(StrEnum):
    """How richly a message is shown. When Slack refuses a form, it moves one step down, never up."""

    FULL = "full"
    WITHOUT_PICTURES = "without_pictures"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class ConversationKey:
    """One Kommunicate group: `group_id` is Kommunicate's `groupId`, always as text."""

    account: str
    group_id: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file somebody sent. `size` is in bytes, as declared, which is a claim; URLs are http(s), or None.

    `key` is Kommunicate's id for it, "" if it does not say; `is_private`: only a signed address opens it.
    """

    name: str
    content_type: str = ""
    size: int | None = None
    url: str | None = None
    thumbnail_url: str | None = None
    key: str = ""
    is_private: bool = False

    @property
    def is_image(self) -> bool:
        """True if the declared type says so; Slack decides in the end."""
        return self.content_type.lower().startswith("image/")


@dataclass(frozen=True, slots=True)
class Person:
    """A name and role to show beside a message. `name` is never empty; the rest is "" if nobody asked for it."""

    user_id: str
    name: str
    role: Role = Role.UNKNOWN
    email: str = ""
    phone: str = ""


class Standing(StrEnum):
    """A Slack user's status in the app's workspace. A `COLLEAGUE` is a full member through the organisation."""

    MEMBER = "member"
    COLLEAGUE = "colleague"
    GUEST = "guest"
    OUTSIDER = "outsider"
    BOT = "bot"
    DEACTIVATED = "deactivated"


@dataclass(frozen=True, slots=True)
class Agent:
    """A Slack user: the name shown in Slack, and the agent's id in Kommunicate ("" if it knows none)."""

    user_id: str
    name: str
    agent_id: str
    standing: Standing = Standing.MEMBER


@dataclass(frozen=True, slots=True)
class Assigned:
    """The conversation was given to a Kommunicate user; `name` may be empty."""

    user_id: str
    name: str


class News(StrEnum):
    """Other system events in a conversation."""

    RESOLVED = "resolved"
    OPENED = "opened"
    HANDED_OVER = "handed over"


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """What somebody wrote in Kommunicate, as readable text.

    `key` is the message's id without its `4-`/`5-`; `sent_at` is seconds since 1970, for display only; `text` may be
    empty if there is an attachment. `title` is `groupName`, `client_group_id` the customer's app's name for the
    conversation, `news` the system event it carries. `unseen` is text that the customer does not see: shown small.
    `spoken` is the text of a `NOTICE` whose sender is not on the team, `quotes` the key of the message it answers,
    `hidden` the number of redacted details.
    """

    conversation: ConversationKey
    key: str
    sender: str
    sent_at: float
    text: str
    kind: MessageKind = MessageKind.MESSAGE
    attachment: Attachment | None = None
    title: str = ""
    client_group_id: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    news: Assigned | News | None = None
    unseen: str = ""
    spoken: str | None = None
    quotes: str = ""
    hidden: int = 0

    @property
    def own_words(self) -> str:
        """The text its sender wrote, whatever kind they claim it is."""
        return self.text if self.spoken is None else self.spoken


@dataclass(frozen=True, slots=True)
class Reading:
    """How an agent's message is meant, as far as it says.

    `note` is why it stays internal, None for a reply; `asks` why it may be meant to, "" if nothing suggests it;
    `called` is the name it begins with, "" for none. `is_marked`: it says itself that it goes to the customer.
    """

    note: str | None = None
    asks: str = ""
    called: str = ""
    is_marked: bool = False


class Mode(StrEnum):
    """Which of the agents' messages go to the customer."""

    ALL = "all"
    MARKED = "marked"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ReplyRules:
    """What the store must know to queue agents' messages; `undo` is in seconds.

    `mode_of` says which messages go to the customer, by the channel's rule; `read_again` reads a held change's body.
    """

    undo: float
    mode_of: Callable[[str], Mode]
    read_again: Callable[[bytes | None], AgentChange | None]


@dataclass(frozen=True, slots=True)
class AgentMessage:
    """What an agent wrote in a Slack thread, as the store needs to know it; the text stays in the body.

    `key` and `client_key` are the same in Slack's retries.
    """

    key: str
    client_key: str | None
    channel: str
    thread_ts: str
    ts: str
    reading: Reading


@dataclass(frozen=True, slots=True)
class AgentChange:
    """An agent edited a message, or deleted it (`gone`). `of` is the message's key.

    `at` is Slack's time of the change, seconds with any number of digits; the later of two changes counts, in whatever
    order they arrive. `files_gone` are Slack's ids of files that were deleted; `same_words`: only those have changed.
    """

    key: str
    of: str
    channel: str
    thread_ts: str | None
    at: str
    reading: Reading
    gone: bool
    files_gone: tuple[str, ...] = ()
    same_words: bool = False


@dataclass(frozen=True, slots=True)
class AgentClick:
    """An agent used a control on the message `message_ts`; `at` is when, in seconds since 1970. `thread_ts` is None if
    that message is a thread's card. `about` is the id of the delivery that the control names, otherwise None.
    """

    key: str
    channel: str
    message_ts: str
    thread_ts: str | None
    at: float
    about: int | None = None


@dataclass(frozen=True, slots=True)
class AgentForm:
    """An agent wrote to the customer in a form that was opened for this thread.

    `about` is the id of the delivery that it corrects, None for nothing; `user_name` is a display name, "" if unknown.
    """

    key: str
    channel: str
    thread_ts: str
    about: int | None
    user_name: str


@dataclass(frozen=True, slots=True)
class Fate:
    """The state of something an agent did, and why; `mark` is the emoji on its message.

    `by` is the name of whoever pressed a button about it last, "" for nobody; `at` is when it was settled, and `until`
    how long it is tried, in seconds since 1970.
    """

    state: DeliveryState
    mark: Mark = Mark.NONE
    cause: str = ""
    by: str = ""
    at: float | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Ignored:
    """Something authentic that the relay does nothing about, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class IgnoredMessage(Ignored):
    """A Kommunicate message that is not shown. It still holds its dedupe key.

    `hand_over`: its sender, if on the team, asks for a person. `withdrawn`: its author deleted it for everyone, whether
    it arrived before or not. `of_customer` is what it counts as if its sender is a customer, None for this value.
    """

    conversation: ConversationKey
    key: str
    hand_over: bool = False
    sender: str = ""
    withdrawn: bool = False
    of_customer: ChatMessage | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a conversation goes.

    `rule` is `channels`, `routes:<name>`, `default_channel` or `unmapped`; `channel` (an id or "#name") is None
    only when unmapped; `why` is a sentence for people.
    """

    channel: str | None
    rule: str
    why: str
