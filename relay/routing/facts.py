"""What a route can test about a conversation: its first message, and when it arrived."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from relay.jsontext import loads_leniently
from relay.messages import ChatMessage, Role
from relay.owners import ACCOUNT
from relay.settings.conditions import METADATA


@dataclass(frozen=True, slots=True)
class Facts:
    """A conversation as routes see it; `moment` is when it began, in seconds since 1970."""

    group_id: str
    title: str = ""
    client_group_id: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    message: str = ""
    sender: str = ""
    role: Role = Role.UNKNOWN
    has_file: bool = False
    language: str = ""
    moment: float = 0.0
    account: str = ACCOUNT

    def values(self, name: str) -> Iterator[str | float]:
        """Every value under a condition's name: several if metadata has a list."""
        if name.startswith(METADATA):
            yield from texts_at(self.metadata, name.removeprefix(METADATA))
        elif (value := SIMPLE[name](self)) not in ("", None):
            yield value


def facts_of(message: ChatMessage, *, role: Role, language: str, moment: float) -> Facts:
    """The facts of a conversation that this message begins; anybody not known to be on the team is a customer."""
    return Facts(
        group_id=message.conversation.group_id,
        title=message.title,
        client_group_id=message.client_group_id,
        metadata=message.metadata,
        message=message.own_words,
        sender=message.sender,
        role=Role.CUSTOMER if role is Role.UNKNOWN else role,
        has_file=message.attachment is not None,
        language=language,
        moment=moment,
        account=message.conversation.account,
    )


SIMPLE: Mapping[str, Any] = {
    "account": lambda facts: facts.account,
    "group_id": lambda facts: facts.group_id,
    "client_group_id": lambda facts: facts.client_group_id,
    "group_name": lambda facts: facts.title,
    "title": lambda facts: facts.title,
    "message": lambda facts: facts.message,
    "from": lambda facts: facts.sender,
    "role": lambda facts: "" if facts.role is Role.UNKNOWN else facts.role.value,
    "has_file": lambda facts: "true" if facts.has_file else "false",
    "language": lambda facts: facts.language,
    "hours": lambda facts: facts.moment or None,
    "days": lambda facts: facts.moment or None,
}


def texts_at(value: Any, path: str) -> Iterator[str]:
    """The values at the end of a dotted path, as text; objects may be stored as text, and lists are traversed."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        value = loads_leniently(value)
    if isinstance(value, list):
        for one in value:
            yield from texts_at(one, path)
    elif not path:
        yield from _text(value)
    elif isinstance(value, Mapping):
        whole = path in value  # a key may contain dots
        first, rest = (path, "") if whole else path.split(".", 1) if "." in path else (path, "")
        if first in value:
            yield from texts_at(value[first], rest)


def _text(value: Any) -> Iterator[str]:
    """Text, numbers and true/false as in JSON; nothing else can be compared with text."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, bool | int | float):
        yield json.dumps(value)
