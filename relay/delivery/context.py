"""What every step of delivery needs at hand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

import structlog

from relay.clock import monotonic
from relay.conversation import Show
from relay.delivery import stored
from relay.delivery.agents import Agents
from relay.delivery.authors import Authors, Known
from relay.delivery.keeping import Keepers
from relay.delivery.members import Members
from relay.delivery.policy import VENDOR_OF, Schedule
from relay.delivery.reminding_rules import Reminding
from relay.errors import (
    DeliveryFailed,
    OperatorNeeded,
    Permanent,
    RateLimited,
    StoreUnavailable,
    Transient,
    Unreachable,
    Unsure,
)
from relay.files import Attachments, FilesBack, Way, picture_url, way_of
from relay.kommunicate.client import KommunicateClient
from relay.kommunicate.payloads import Status
from relay.messages import Attachment, ChatMessage, ConversationKey, Decision, Form, ReplyRules
from relay.net.hosts import Hosts
from relay.routing.privacy import Privacy
from relay.routing.redact import Redactor
from relay.settings.schema import Replies
from relay.slack.client import SlackClient
from relay.slack.reading import Wording
from relay.store.db.engine import Store, Tx
from relay.store.db.rows import Conversation
from relay.store.queue.gates import Limits
from relay.vocabulary import GateScope, SendKind, Vendor

REMEMBERED = 900.0  # seconds for which a known outcome is kept in memory while the store is away

HIDDEN = "a file"  # instead of its name, where nothing of files is to be told
LINKS, LINK_DEADLINE = 5000, 1.0  # addresses in memory; seconds that a look-up of one may take

T = TypeVar("T")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Replying:
    """What the way back needs; all durations are in seconds."""

    kommunicate: KommunicateClient
    agents: Agents
    sender: str  # speaks for agents whom Kommunicate does not know
    rules: Replies
    call_deadline: float
    files_back: Callable[[str], FilesBack]  # for the rule by which a conversation has its channel
    public_url: str | None = None  # with which links for customers begin; None for where Slack reaches the relay
    templates: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # of saved replies, by name

    # Silently: from Slack nothing reaches the customer but what an agent wrote.
    def assign(self, group_id: str, assignee: str, *, acting: str, from_bot: bool) -> None:
        """Give a conversation to a user of Kommunicate; raises DeliveryFailed."""
        self.kommunicate.assign(
            group_id,
            assignee,
            acting=acting,
            take_over_from_bot=from_bot,
            notify=False,
            deadline=self.call_deadline,
        )

    def set_status(self, group_id: str, status: Status, *, acting: str) -> None:
        """Resolve or open a conversation; raises DeliveryFailed."""
        self.kommunicate.set_status(group_id, status, acting=acting, notify=False, deadline=self.call_deadline)


@dataclass(frozen=True, slots=True)
class Files:
    """What is done with customers' files: `mode_of` tells it for the rule by which a conversation has its channel.

    They are fetched from `hosts` alone. `kommunicate` signs addresses, where there is a key for that.
    """

    mode_of: Callable[[str], Attachments]
    hosts: Hosts
    kommunicate: KommunicateClient | None
    call_deadline: float
    redact: Callable[[str], Redactor | None] = field(default=lambda _: None)  # as `mode_of`

    def to_show(self, rule: str, file: Attachment, form: Form) -> tuple[Attachment, Way]:
        """How a file is shown in a message of this form, and what of it; a picture with the address Slack fetches."""
        way = way_of(file, form, self.mode_of(rule), self.hosts.allows)
        if way is Way.HIDDEN:
            return Attachment(""), way
        picture, redactor = picture_url(file, self.hosts.allows), self.redact(rule)
        if way is Way.PICTURE and redactor is not None and redactor.finds_in(picture):
            way = way_of(file, Form.WITHOUT_PICTURES, self.mode_of(rule), self.hosts.allows)  # nobody is told where
        return (replace(file, thumbnail_url=picture) if way is Way.PICTURE else file), way

    def in_words(self, rule: str, message: ChatMessage) -> str:
        """What a message says; of a file alone, its name."""
        file = message.attachment
        if message.own_words or file is None:
            return message.own_words
        return HIDDEN if self.mode_of(rule) is Attachments.NONE else file.name

    def signed_url(self, key: str) -> str:
        """Where a private file can be opened now; raises DeliveryFailed."""
        if self.kommunicate is None:
            raise Permanent("a private file needs KOMMUNICATE_API_KEY, which is not set", code="no_key")
        try:
            return self.kommunicate.signed_url(key, deadline=self.call_deadline)
        except (OperatorNeeded, RateLimited, Unreachable, Unsure) as error:  # no gate of Slack's is closed for it
            raise Transient(str(error), code=error.code) from None


@dataclass(frozen=True, slots=True)
class Showing:
    """What of chats their channels see, each for the rule by which a conversation has its channel.

    `batch_of` tells for how many seconds a bot's words wait for more of them, `notify_of` whom a new card calls, "" for
    nobody. After `new_thread_after` seconds of silence a chat goes on in a new thread, None for never. `follow` tells
    where a message that came at a moment moves its chat, None for nowhere; it is None where no route asks for that.
    `led_by` tells where the chats of a route that follows are, None for those of other rules.
    """

    show_of: Callable[[str], Show] = lambda _: Show.EVERYTHING
    batch_of: Callable[[str], float] = lambda _: 0.0
    notify_of: Callable[[str], str] = lambda _: ""
    new_thread_after: float | None = None
    follow: Callable[[ChatMessage, float], Decision | None] | None = None
    led_by: Callable[[str], str | None] = lambda _: None


@dataclass(frozen=True, slots=True)
class DeliveryContext:
    """The store, the vendors and the limits a worker works with; `lease` is in seconds.

    `replying` is None where nothing goes back to Kommunicate. `schedules` are for what goes to each
    vendor, and for kinds that have their own.
    `reminding` tells, for the rule by which a conversation has its channel, when somebody is called.
    `channel_ids` and `permalinks` remember what was looked up in Slack, which allows few such look-ups a minute.
    """

    store: Store
    slack: SlackClient
    authors: Authors
    members: Members
    limits: Limits
    schedules: Mapping[Vendor | SendKind, Schedule]
    lease: float
    dashboard_url: str
    replying: Replying | None
    wording: Wording
    files: Files
    keepers: Keepers
    reply_rules: ReplyRules
    showing: Showing = field(default_factory=Showing)
    reminding: Callable[[str], Reminding] = field(default=lambda rule: Reminding())
    redact: Callable[[str], Redactor | None] = field(default=lambda _: None)  # for the rule of a conversation
    privacy: Privacy = field(default_factory=Privacy)
    closing_words: frozenset[str] = frozenset()  # by which a customer asks for nothing, besides the usual ones
    broadcasts: bool = True
    alerts_channel: str | None = None
    chat_channels: frozenset[str] = frozenset()  # where chats may be, as the configuration names it
    channel_ids: dict[str, str] = field(default_factory=dict)
    permalinks: dict[tuple[str, str], str | None] = field(default_factory=dict)

    def way_back(self) -> Replying:
        """What the way back needs; raises OperatorNeeded where there is none."""
        if self.replying is None:
            raise OperatorNeeded(GateScope.ACCOUNT, "KOMMUNICATE_API_KEY is not set", code="no_key")
        return self.replying

    def schedule(self, kind: SendKind) -> Schedule:
        """The delays for this kind of send."""
        return self.schedules.get(kind) or self.schedules[VENDOR_OF[kind]]

    def look_up_permalink(self, channel: str, ts: str) -> bool:
        """Remember the address of a post, or that Slack tells none (False): nobody asks for it again."""
        if len(self.permalinks) >= LINKS:
            self.permalinks.clear()
        self.permalinks[channel, ts] = None
        try:
            self.permalinks[channel, ts] = self.slack.permalink(channel, ts, deadline=LINK_DEADLINE)
        except DeliveryFailed as error:
            log.info("permalink.unknown", channel=channel, code=error.code)
            return False
        return True

    def find_channels(self, names: Iterable[str]) -> None:
        """Remember the ids of channels that are called so, as far as Slack tells them."""
        for name in names:
            try:
                self.channel_ids[name] = self.slack.find_channel(name)
            except DeliveryFailed as error:
                log.info("channel.not_found", channel=name, code=error.code)

    def join(self, channel: str) -> bool:
        """Enter a public channel the bot is not in; False where only a person can invite it."""
        try:
            self.slack.join(channel)
        except DeliveryFailed as error:
            log.info("channel.not_joined", channel=channel, code=error.code)
            return False
        return True

    def read(self, body: bytes | None, place: Conversation) -> ChatMessage | str:
        """A stored message of a conversation as it may be shown; else why there is none."""
        return stored.read_message(body, place.key.account, self.redact(place.rule))

    def known(self, tx: Tx, place: Conversation, user_ids: Collection[str]) -> Known:
        """Who these users are as it may be shown: the team by their names, of others nothing that is hidden."""
        known, redactor = self.authors.known(tx, place.key.account, user_ids), self.redact(place.rule)
        if redactor is None:
            return known
        people = {
            user_id: one if one.role.is_of_the_team else replace(one, name=redactor.clean(one.name))
            for user_id, one in known.people.items()
        }
        return replace(known, people=people)

    def conversation_url(self, key: ConversationKey) -> str:
        """Where a conversation is in Kommunicate's dashboard."""
        return f"{self.dashboard_url.rstrip('/')}/conversations/{key.group_id}"

    def write(self, name: str, work: Callable[[Tx], T], *, done: Callable[[Tx], bool] | None = None) -> T | None:
        """Do `work` in one transaction; while the store is away, again: what a call came to must not be forgotten.

        `done` tells, before another try, whether the last one was committed after all; then the result is None.
        """
        ends, pause, again = monotonic() + REMEMBERED, 0.05, False
        while True:
            try:
                return self.store.write(name, partial(self._unless_done, work, done if again else None))
            except StoreUnavailable as error:
                if monotonic() > ends:
                    raise
                log.warning("store.unavailable", cause=str(error), to_write=name)
            threading.Event().wait(pause)
            pause, again = min(2 * pause, 0.4), True

    @staticmethod
    def _unless_done(work: Callable[[Tx], T], done: Callable[[Tx], bool] | None, tx: Tx) -> T | None:
        return None if done is not None and done(tx) else work(tx)

    @property
    def read_only(self) -> bool:
        """True where no reply reaches the customer."""
        return self.replying is None
