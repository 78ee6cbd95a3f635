"""A Kommunicate account in memory: conversations, people, and what customers do."""

from __future__ import annotations

import re
from typing import Any, Literal

from relay.sandbox.core import API_KEY, WEBHOOK_WORD, Core
from relay.sandbox.kommunicate.files import CustomerFile, CustomerFiles
from relay.sandbox.kommunicate.values import (
    AGENT,
    ATTACHMENT,
    BOT,
    CUSTOMER,
    NOTICE,
    PLAIN,
    ChatLine,
    Conversation,
    Keys,
    KommunicateError,
    Person,
    default_people,
)
from relay.sandbox.kommunicate.webhook import WebhookSender
from relay.sandbox.outbox import Outbox, Outgoing
from relay.sandbox.pictures import HOST, Pictures, kind_of

OPEN = 0  # a conversation's status
File = CustomerFile | dict[str, Any]  # one of the account's files, or a `file` as the webhook reports it
Echo = Literal["before", "after", "without_metadata", "off"]
GROUP_ID = re.compile(r"[1-9]\d{0,11}")


class KommunicateAccount:
    """Everything behind the Kommunicate API.

    `echo` says when the webhook reports what the API sent; `engaged` are the agents who accept no more conversations.
    """

    def __init__(
        self,
        core: Core | None = None,
        *,
        pictures: Pictures | None = None,
        api_key: str = API_KEY,
        webhook_token: str = WEBHOOK_WORD,
    ) -> None:
        self.core = core or Core()
        self.pictures = pictures or Pictures()
        self.files = CustomerFiles(self.core)
        self.api_key = api_key
        self.echo: Echo = "after"
        self.engaged: set[str] = set()
        self.webhook = WebhookSender(self.core, webhook_token)
        self.people = {person.user_id: person for person in default_people()}
        self.conversations: dict[str, Conversation] = {}
        self._keys = Keys(self.core)

    @property
    def webhook_url(self) -> str | None:
        """Where messages are sent; None: nowhere."""
        return self.webhook.url

    @webhook_url.setter
    def webhook_url(self, url: str | None) -> None:
        self.webhook.url = url

    @property
    def outbox(self) -> Outbox:
        """The webhooks sent and waiting."""
        return self.webhook.outbox

    @property
    def answers(self) -> list[Outgoing]:
        """Every webhook so far with the relay's answers."""
        return list(self.outbox.sent)

    def customer_writes(
        self,
        group_id: str,
        text: str = "",
        *,
        name: str = "Customer",
        attachment: str | None = None,
        file: File | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> str:
        """A customer writes; `attachment` names a picture, `file` is any file: one per message, as in Kommunicate.

        Returns the webhook's key, before the webhook is sent.
        """
        with self.core.lock:
            conversation = self.open_conversation(group_id, name)
            file = self._picture(attachment) if attachment else file
            return self._write(conversation, conversation.customer, text, file, metadata)

    def staff_writes(
        self,
        group_id: str,
        text: str,
        *,
        user_id: str = "bot",
        file: File | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> str:
        """A bot or agent writes in Kommunicate itself. Returns the webhook's key."""
        with self.core.lock:
            return self._write(self.conversation(group_id), self.people[user_id], text, file, metadata)

    def notice(self, group_id: str, text: str, metadata: dict[str, Any]) -> str:
        """The system says something about the conversation (contentType 10). Returns the webhook's key."""
        with self.core.lock:
            conversation = self.conversation(group_id)
            line = self.add_line(conversation, self.people["bot"], text, metadata, content_type=NOTICE)
            self.webhook.send(conversation, line)
            return f"4-{line.tail}"

    def open_conversation(self, group_id: str, name: str) -> Conversation:
        """The conversation, started if it is new; the customer has the latest name given."""
        if not GROUP_ID.fullmatch(str(group_id)):
            raise KommunicateError("INVALID_PARAMETER", "groupId must be a number")
        person = Person(f"customer-{group_id}", name, CUSTOMER)
        self.people[person.user_id] = person
        conversation = self.conversations.get(group_id)
        if conversation is None:
            conversation = Conversation(group_id, person, created=int(self.core.now() * 1000))
            self.conversations[group_id] = conversation
        conversation.customer = person
        return conversation

    def conversation(self, group_id: str) -> Conversation:
        """The conversation with this id; raises KommunicateError."""
        if group_id not in self.conversations:
            raise KommunicateError("GROUP_NOT_FOUND", f"no group {group_id!r}")
        return self.conversations[group_id]

    def is_staff(self, user_id: str) -> bool:
        """True for an agent or bot of the team."""
        return user_id in self.people and self.people[user_id].role in (BOT, AGENT)

    def add_line(
        self, conversation: Conversation, sender: Person, text: str, metadata: dict[str, Any], **rest: Any
    ) -> ChatLine:
        """Adds a message to the chat without sending a webhook."""
        tail, time = self._keys.next(sender)
        line = ChatLine(tail, sender, text, time, metadata, **rest)
        conversation.lines.append(line)
        self.core.touch()
        return line

    def _write(
        self,
        conversation: Conversation,
        sender: Person,
        text: str,
        file: File | None,
        metadata: dict[str, Any] | None,
    ) -> str:
        kept = file if isinstance(file, CustomerFile) else None
        told = self.files.told(file) if isinstance(file, CustomerFile) else file
        kind = ATTACHMENT if told else PLAIN
        line = self.add_line(conversation, sender, text, metadata or {}, file=told, attached=kept, content_type=kind)
        if sender == conversation.customer:
            conversation.status = OPEN  # undocumented; a chat continues where its customer writes
        self.webhook.send(conversation, line)
        return f"4-{line.tail}"

    def _picture(self, name: str) -> dict[str, Any]:
        content = self.pictures.get(name)
        if content is None:
            raise KommunicateError("FILE_NOT_FOUND", f"no picture {name!r}")
        kind = kind_of(content)
        file = {"name": name, "url": HOST + name, "contentType": kind, "size": len(content)}
        return file | ({"thumbnailUrl": HOST + name} if kind else {})
