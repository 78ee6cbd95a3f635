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
    """Who is speaking. Kommunicate's webhook does not say; see `kommunicate.people`."""

    CUSTOMER = "customer"
    BOT = "bot"
    AGENT = "agent"
    UNKNOWN = "unknown"

    @property
    def is_of_the_team(self) -> bool:
        """True for those whose notices are believed: anybody who can write to a chat can make one."""
        return self in (Role.BOT, Role.AGENT)


class MessageKind(StrEnum):
    """A `MESSAGE` is what somebody wrote; a `NOTICE` is one grey line (assigned, resolved, rated)."""

    MESSAGE = "message"
    NOTICE = "notice"


class Form(StrEnum):
    """How richly one message is shown. Slack's refusal of a form moves it one step down, never up."""

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
    """A file somebody sent. `size` is in bytes as declared, which is a claim; urls are of the web, or None.

    `key` is by what Kommunicate knows it, "" if it does not say; `is_private`: it is opened by a signed address only.
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
        """True when the declared type says so; Slack decides in the end."""
        return self.content_type.lower().startswith("image/")


@dataclass(frozen=True, slots=True)
class Person:
    """A name and role to show beside a message. `name` is never empty; the rest is "" where nobody asks for it."""

    user_id: str
    name: str
    role: Role = Role.UNKNOWN
    email: str = ""
    phone: str = ""


class Standing(StrEnum):
    """What a Slack user is in the workspace of the app. A `COLLEAGUE` is a full member by way of its organisation."""

    MEMBER = "member"
    COLLEAGUE = "colleague"
    GUEST = "guest"
    OUTSIDER = "outsider"
    BOT = "bot"
    DEACTIVATED = "deactivated"


@dataclass(frozen=True, slots=True)
class Agent:
    """A Slack user: the name shown there, and the id under which Kommunicate knows an agent ("" if it knows none)."""

    user_id: str
    name: str
    agent_id: str
    standing: Standing = Standing.MEMBER


@dataclass(frozen=True, slots=True)
class Assigned:
    """The conversation was given to a user of Kommunicate; `name` may be empty."""

    user_id: str
    name: str


class News(StrEnum):
    """What else the system says of a conversation."""

    RESOLVED = "resolved"
    OPENED = "opened"
    HANDED_OVER = "handed over"


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """What somebody wrote in Kommunicate, as words a person can read.

    `key` is the message's id without its `4-`/`5-`; `sent_at` is seconds since 1970, for display only; `text` may be
    empty where there is an attachment. `title` is `groupName`, `client_group_id` what the customer's app calls the
    conversation, `news` what it says of it. `unseen` are words that the customer does not see: shown small. `spoken`
    are the words of a `NOTICE` whose sender is not of the team, `quotes` is the key of what it answers to, `hidden` how
    many details are hidden.
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
        """What its sender wrote, whatever they call it."""
        return self.text if self.spoken is None else self.spoken


@dataclass(frozen=True, slots=True)
class Reading:
    """How an agent's words are meant, as far as they tell.

    `note` is why they stay inside, None for a reply; `asks` why they may be meant to, "" if nothing speaks for it, and
    `called` the name they begin with, "" for none. `is_marked`: they say themselves that they go to the customer.
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
    """What the store must know to queue agents' words; `undo` is in seconds.

    `mode_of` tells for the rule by which a conversation has its channel which messages go to the customer; `read_again`
    reads the body of something that was held.
    """

    undo: float
    mode_of: Callable[[str], Mode]
    read_again: Callable[[bytes | None], Reading]


@dataclass(frozen=True, slots=True)
class AgentMessage:
    """What an agent wrote in a Slack thread, as the store needs to know it; its words stay in the body.

    `key` and `client_key` are what Slack's repetitions have in common.
    """

    key: str
    client_key: str | None
    channel: str
    thread_ts: str
    ts: str
    reading: Reading


@dataclass(frozen=True, slots=True)
class AgentChange:
    """An agent changed a message, or took it back (`gone`). `of` is the message's key.

    `at` is Slack's time of it, seconds with as many digits as any; of two changes the later counts, whichever comes
    first.
    """

    key: str
    of: str
    channel: str
    thread_ts: str | None
    at: str
    reading: Reading
    gone: bool


@dataclass(frozen=True, slots=True)
class AgentClick:
    """An agent used a control on the message `message_ts`; `at` is when, in seconds since 1970. `thread_ts` is None
    where that message is a thread's card. `about` is the id of the delivery that the control names, else None.
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

    `about` is the id of the delivery that it corrects, None for nothing; `user_name` is for people, "" if unknown.
    """

    key: str
    channel: str
    thread_ts: str
    about: int | None
    user_name: str


@dataclass(frozen=True, slots=True)
class Fate:
    """What has become of something of an agent's, and why; `mark` is the one its message bears.

    `by` is the name of who pressed a button about it last, "" for nobody; `at` is when it was settled and `until` until
    when it is tried, in seconds since 1970.
    """

    state: DeliveryState
    mark: Mark = Mark.NONE
    cause: str = ""
    by: str = ""
    at: float | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Ignored:
    """Something authentic that nothing is done about, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class IgnoredMessage(Ignored):
    """A message of Kommunicate's that is not shown. It still holds its dedupe key.

    `hand_over`: its sender, if that is one of the team, asks for a person. `withdrawn`: its author took it back for
    everyone, whether it came before or not. `of_customer` is what it is where its sender is a customer, None for this.
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
