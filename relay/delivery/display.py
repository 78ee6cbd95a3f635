"""How much of a chat and of its files the channel sees, by the rule that chose the channel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from relay.conversation import Show
from relay.delivery.accounts import OfAccount
from relay.errors import OperatorNeeded, Permanent, RateLimited, Transient, Unreachable, Unsure
from relay.files import Attachments, Way, picture_url, way_of
from relay.messages import Attachment, ChatMessage, Decision, Form
from relay.net.hosts import Hosts
from relay.routing.redact import Redactor

HIDDEN = "a file"  # instead of its name, if files must not be mentioned


@dataclass(frozen=True, slots=True)
class Files:
    """The rules for customers' files: `mode_of` returns the setting for the rule that chose a conversation's channel.

    Files are fetched only from `hosts`.
    """

    mode_of: Callable[[str], Attachments]
    hosts: Hosts
    call_deadline: float
    redact: Callable[[str], Redactor | None] = field(default=lambda _: None)  # like `mode_of`

    def to_show(self, rule: str, file: Attachment, form: Form) -> tuple[Attachment, Way]:
        """How a file is shown in a message of this form, and the file itself; a picture with the URL that Slack
        fetches.
        """
        way = way_of(file, form, self.mode_of(rule), self.hosts.allows)
        if way is Way.HIDDEN:
            return Attachment(""), way
        picture, redactor = picture_url(file, self.hosts.allows), self.redact(rule)
        if way is Way.PICTURE and redactor is not None and redactor.finds_in(picture):
            way = way_of(file, Form.WITHOUT_PICTURES, self.mode_of(rule), self.hosts.allows)  # only the text matters
        return (replace(file, thumbnail_url=picture) if way is Way.PICTURE else file), way

    def in_words(self, rule: str, message: ChatMessage) -> str:
        """The text of a message; for a lone file, its name."""
        file = message.attachment
        if message.own_words or file is None:
            return message.own_words
        return HIDDEN if self.mode_of(rule) is Attachments.NONE else file.name

    def signed_url(self, key: str, account: OfAccount) -> str:
        """Where a private file of an account can be opened now; raises DeliveryFailed."""
        if account.client is None:
            why = f"a private file cannot be opened: {account.lacks}"
            raise Transient(why, code="no_key") if account.is_gone else Permanent(why, code="no_key")
        try:
            return account.client.signed_url(key, deadline=self.call_deadline)
        except (OperatorNeeded, RateLimited, Unreachable, Unsure) as error:  # no Slack gate is closed for it
            raise Transient(str(error), code=error.code) from None


@dataclass(frozen=True, slots=True)
class Showing:
    """How much of chats their channels see, for the rule that chose a conversation's channel.

    `batch_of` returns how many seconds a bot's messages wait to be combined, `notify_of` whom a new card notifies, ""
    for nobody. After `new_thread_after` seconds of silence a chat continues in a new thread, None for never. `follow`
    returns where a message moves its chat, None for nowhere; it is None itself if no route asks for that. `led_by`
    returns where the chats of a following route are, None for other rules.
    """

    show_of: Callable[[str], Show] = lambda _: Show.EVERYTHING
    batch_of: Callable[[str], float] = lambda _: 0.0
    notify_of: Callable[[str], str] = lambda _: ""
    new_thread_after: float | None = None
    follow: Callable[[ChatMessage, float], Decision | None] | None = None
    led_by: Callable[[str], str | None] = lambda _: None
