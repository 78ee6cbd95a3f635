"""What every step of delivery needs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

import structlog

from relay.clock import monotonic
from relay.delivery import stored
from relay.delivery.accounts import OfAccount, Replying
from relay.delivery.authors import Authors, Known
from relay.delivery.display import Files, Showing
from relay.delivery.keeping import Keepers
from relay.delivery.members import Members
from relay.delivery.policy import VENDOR_OF, Schedule
from relay.delivery.reminding_rules import Reminding
from relay.delivery.workspaces import OfWorkspace
from relay.errors import (
    DeliveryFailed,
    OperatorNeeded,
    StoreUnavailable,
)
from relay.messages import ChatMessage, ConversationKey, ReplyRules
from relay.owners import ACCOUNT, WORKSPACE, owner_of
from relay.routing.privacy import Privacy
from relay.routing.redact import Redactor
from relay.slack.client import Found, SlackClient
from relay.slack.reading import Wording
from relay.store.db.engine import Store, Tx
from relay.store.db.rows import Conversation, Send
from relay.store.queue.gates import Limits
from relay.vocabulary import GateScope, SendKind, Vendor

NO_WORKSPACE = "no_workspace"
REMEMBERED = 900.0  # seconds for which a known outcome is kept in memory while the store is away

LINKS, LINK_DEADLINE = 5000, 1.0  # cached links; seconds that looking up one may take

T = TypeVar("T")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class DeliveryContext:
    """The store, the vendors and the limits a worker works with; `lease` is in seconds.

    `workspaces` are the known Slack workspaces, by name, and `accounts` the Kommunicate accounts; `gone` stands for any
    other account. `schedules` has the delays per vendor, and for kinds that have their own. `reminding` returns when
    somebody is notified, for the rule that chose a conversation's channel. `channel_ids` and `permalinks` cache
    look-ups in Slack, which allows few of them per minute; `ids_to_show` gets the ids too, and outlives the context.
    """

    store: Store
    workspaces: Mapping[str, OfWorkspace]
    accounts: Mapping[str, OfAccount]
    gone: OfAccount
    limits: Limits
    schedules: Mapping[Vendor | SendKind, Schedule]
    lease: float
    wording: Wording
    files: Files
    keepers: Keepers
    reply_rules: ReplyRules
    showing: Showing = field(default_factory=Showing)
    reminding: Callable[[str], Reminding] = field(default=lambda rule: Reminding())
    redact: Callable[[str], Redactor | None] = field(default=lambda _: None)  # for the rule that chose the channel
    privacy: Privacy = field(default_factory=Privacy)
    closing_words: frozenset[str] = frozenset()  # in addition to the usual thanks and goodbyes
    broadcasts: bool = True
    alerts_channel: str | None = None
    chat_channels: tuple[str, ...] = ()  # where chats may be, as the configuration names it
    alerts_lag: float | None = None  # seconds that a message may wait before people are told
    refusals_age: bool = False  # what was refused of Slack's is over with time alone
    channel_ids: dict[str, str] = field(default_factory=dict)
    permalinks: dict[tuple[str, str], str | None] = field(default_factory=dict)
    ids_to_show: dict[str, str] = field(default_factory=dict)

    def of(self, account: str) -> OfAccount:
        """A Kommunicate account, by name."""
        return self.accounts.get(account, self.gone)

    @property
    def authors(self) -> Authors:
        """The authors in the first account."""
        return self.of(ACCOUNT).authors

    @property
    def slack(self) -> SlackClient:
        """The client of the first workspace."""
        return self.workspaces[WORKSPACE].slack

    def slack_at(self, channel: str) -> SlackClient:
        """The client of the workspace that a channel is in; raises OperatorNeeded if its token is not configured."""
        return self.slack_in(owner_of(channel))

    def slack_in(self, workspace: str) -> SlackClient:
        """The client of a workspace; raises OperatorNeeded if its token is not configured."""
        if workspace not in self.workspaces:
            said = f"`slack.workspaces` does not name {workspace} any more"
            raise OperatorNeeded(GateScope.WORKSPACE, said, code=NO_WORKSPACE)
        return self.workspaces[workspace].slack

    def members_at(self, place: Conversation) -> Members:
        """The members of the workspace that a conversation is shown in."""
        here = self.workspaces.get(place.workspace)
        return Members(None, {}) if here is None else here.members

    def replying(self, place: Conversation) -> Replying | None:
        """The way back to a conversation's customer, None if there is none."""
        here, of_account = self.workspaces.get(place.workspace), self.of(place.key.account)
        return of_account.replying if here is None or here.hears else None

    def way_back(self, account: str = ACCOUNT) -> Replying:
        """The way back to an account's customers; raises OperatorNeeded if there is none."""
        of_account = self.of(account)
        if of_account.replying is None:
            raise OperatorNeeded(GateScope.ACCOUNT, of_account.lacks, code="no_key")
        return of_account.replying

    def other_channels(self, place: Conversation) -> list[str]:
        """The channels of its workspace that a chat could move to: those the configuration names for chats."""
        here = {place.channel, place.channel_id}
        named = (one for one in self.chat_channels if owner_of(one) == place.workspace)
        return [one for one in named if here.isdisjoint((one, self.channel_ids.get(one, one)))]

    def schedule(self, kind: SendKind) -> Schedule:
        """The delays for this kind of send."""
        return self.schedules.get(kind) or self.schedules[VENDOR_OF[kind]]

    def look_up_permalink(self, channel: str, ts: str) -> bool:
        """Look up and cache the permalink of a post, or that Slack provides none (False)."""
        if len(self.permalinks) >= LINKS:
            self.permalinks.clear()
        self.permalinks[channel, ts] = None
        try:
            self.permalinks[channel, ts] = self.slack_at(channel).permalink(channel, ts, deadline=LINK_DEADLINE)
        except DeliveryFailed as error:
            log.info("permalink.unknown", channel=channel, code=error.code)
            return False
        return True

    def find_channel(self, name: str) -> None:
        """Look up and cache Slack's id of a channel given by name; raises DeliveryFailed."""
        self.channel_ids[name] = self.ids_to_show[name] = self.slack_at(name).find_channel(name)

    def find_channels(self, names: Iterable[str]) -> None:
        """The same for several, as far as Slack answers."""
        for name in names:
            try:
                self.find_channel(name)
            except DeliveryFailed as error:
                log.info("channel.not_found", channel=name, code=error.code)

    def look_for(self, send: Send) -> Sequence[Found]:
        """The posts that this send made, in its thread and in its channel; raises DeliveryFailed."""
        slack = self.slack_at(send.channel)
        return slack.find_posted(send.channel, send.id, thread_ts=send.thread_ts, oldest=send.since_ts)

    def join(self, channel: str) -> bool:
        """Join a public channel; False if only a person can invite the bot."""
        try:
            self.slack_at(channel).join(channel)
        except DeliveryFailed as error:
            log.info("channel.not_joined", channel=channel, code=error.code)
            return False
        return True

    def read(self, body: bytes | None, place: Conversation) -> ChatMessage | str:
        """A stored message of a conversation as it may be shown; otherwise why there is none."""
        return stored.read_message(body, place.key.account, self.redact(place.rule))

    def known(self, tx: Tx, place: Conversation, user_ids: Collection[str]) -> Known:
        """These users as they may be shown: the team by name, others redacted."""
        account, redactor = place.key.account, self.redact(place.rule)
        known = self.of(account).authors.known(tx, account, user_ids)
        if redactor is None:
            return known
        people = {
            user_id: one if one.role.is_of_the_team else replace(one, name=redactor.clean(one.name))
            for user_id, one in known.people.items()
        }
        return replace(known, people=people)

    def conversation_url(self, key: ConversationKey) -> str:
        """Where a conversation is in Kommunicate's dashboard."""
        return f"{self.of(key.account).dashboard_url.rstrip('/')}/conversations/{key.group_id}"

    def write(self, name: str, work: Callable[[Tx], T], *, done: Callable[[Tx], bool] | None = None) -> T | None:
        """Run `work` in one transaction, and repeat it while the store is away: a call's result must not be lost.

        `done` checks, before another try, whether the last one was committed after all; then the result is None.
        """
        ends, pause, again = monotonic() + REMEMBERED, 0.05, False
        while True:
            try:
                return self.store.write(name, partial(self._unless_done, work, done if again else None))
            except StoreUnavailable as error:
                if monotonic() > ends:
                    raise
                log.warning("store.unavailable", code=error.code, cause=str(error), to_write=name)
            threading.Event().wait(pause)
            pause, again = min(2 * pause, 0.4), True

    @staticmethod
    def _unless_done(work: Callable[[Tx], T], done: Callable[[Tx], bool] | None, tx: Tx) -> T | None:
        return None if done is not None and done(tx) else work(tx)

    def look_up_names(self, account: str, user_ids: Collection[str]) -> None:
        """Look up who these users of an account are; returns after a moment at the latest, done or not."""
        self.of(account).authors.look_up(account, user_ids)
