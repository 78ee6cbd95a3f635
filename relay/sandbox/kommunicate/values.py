"""The parts of a Kommunicate account."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from relay.sandbox.core import Core

if TYPE_CHECKING:
    from relay.sandbox.kommunicate.files import CustomerFile

BOT, CUSTOMER, AGENT = 1, 3, 8  # roleType
PLAIN, ATTACHMENT, NOTICE = 0, 1, 10  # contentType


class KommunicateError(Exception):
    """A refusal: the envelope says `error`, usually with HTTP 200."""

    def __init__(self, code: str, description: str, status: int = 200) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.status = status


@dataclass(frozen=True)
class Person:
    """A customer, an agent or a bot."""

    user_id: str
    name: str
    role: int
    email: str = ""
    phone: str = ""

    @property
    def user_key(self) -> str:
        """The middle part of the keys of this person's messages."""
        return hashlib.sha256(self.user_id.encode()).hexdigest()[:12]


@dataclass(eq=False)
class ChatLine:
    """One message of a conversation. `tail` is its key without the `4-`/`5-` in front.

    `file` is the file as the webhook reports it; `attached` is the file itself, if the account stores it.
    """

    tail: str
    sender: Person
    text: str
    time: int
    metadata: dict[str, Any] = field(default_factory=dict)
    file: dict[str, Any] | None = None
    attached: CustomerFile | None = None
    content_type: int = PLAIN
    source: int = 1
    delivery: Any = None  # the webhook that reported it, if any


@dataclass
class Conversation:
    """One group: a customer's chat."""

    group_id: str
    customer: Person
    title: str = "Conversation"
    created: int = 0
    status: int = 0
    assignee: str = "bot"
    bots: set[str] = field(default_factory=lambda: {"bot"})  # who still answers the customer
    lines: list[ChatLine] = field(default_factory=list)


class Keys:
    """Message keys `<userKey>-<millis>`: unique, and always later than the previous one."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._last = 0

    def next(self, sender: Person) -> tuple[str, int]:
        """The tail of the next key and its time in ms."""
        with self._core.lock:
            self._last = max(int(self._core.now() * 1000), self._last + 1)
            return f"{sender.user_key}-{self._last}", self._last


def default_people() -> list[Person]:
    """The system bot and three agents, whose ids are their e-mail addresses as in Kommunicate."""
    return [
        Person("bot", "Bot", BOT),
        Person("alex@sandbox.test", "Alex Rivera", AGENT, "alex@sandbox.test"),
        Person("sam@sandbox.test", "Sam Okafor", AGENT, "sam@sandbox.test"),
        Person("kim@sandbox.test", "Kim Larsen", AGENT, "kim@sandbox.test"),
    ]
