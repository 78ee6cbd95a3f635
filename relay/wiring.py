"""The only place where concrete things are built."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import structlog

from relay.clock import Clock, SystemClock
from relay.delivery import stored
from relay.delivery.agents import Agents
from relay.delivery.at_once import AtOnce
from relay.delivery.authors import Authors
from relay.delivery.context import DeliveryContext, Files, Replying
from relay.delivery.housekeeping import Housekeeping
from relay.delivery.keeping import InDatabase, Keeper, Keepers
from relay.delivery.keeping_in_folder import InFolder
from relay.delivery.members import Members
from relay.delivery.policy import Schedule
from relay.delivery.reminding_rules import Reminding
from relay.delivery.worker import Worker
from relay.errors import DeliveryFailed, Permanent, SettingsError
from relay.findings import Finding
from relay.kommunicate import payloads
from relay.kommunicate.client import KommunicateClient
from relay.kommunicate.hosts import KNOWN_HOSTS
from relay.kommunicate.people import role_of
from relay.messages import Decision, Reading, ReplyRules, Role
from relay.net.hosts import Hosts
from relay.routing.rules import attachments_for, choose_channel, files_back_for
from relay.routing.speaking import mode_for
from relay.settings import Settings
from relay.settings.schema import Remind, SavedReply
from relay.slack.client import Identity, SlackClient
from relay.slack.limits import LOOKING, MARKING, POSTING, SHARING
from relay.slack.reading import Wording
from relay.store.db.engine import Store, open_store
from relay.store.db.schema import SchemaState, migrate, schema_state
from relay.store.queue.gates import Limits, Pace
from relay.vocabulary import SendKind, Vendor

CONNECTIONS = 3  # to the database for delivery, of the five of a process: what comes in is never kept waiting
ASK_AGAIN = 30.0  # seconds until Slack is asked again whose the token is
FILES_FOR = 1800.0  # seconds in which a customer's file is tried: most of their addresses die sooner
FILES_BACK_FOR = 60.0  # the same for an agent's, whose words wait for it
AGENTS_WAIT = 60.0  # seconds between tries of what an agent wants, at most

log = structlog.get_logger()


@dataclass(slots=True)
class Relay:
    """A relay put together: its settings, its store, the time, and whom to tell when a message was stored."""

    settings: Settings
    store: Store
    clock: Clock = field(default_factory=SystemClock)
    on_accept: Callable[[], None] = field(default=lambda: None)
    identity: Identity | None = None  # whose the token is, once Slack has said so
    known_as: str = ""  # the host by which Slack has reached it, as the store knows
    at_once: AtOnce | None = None  # what Slack waits for; without it nobody is helped in time, and nothing is lost
    _keepers: Keepers | None = None

    @property
    def keepers(self) -> Keepers:
        """Where agents' files are kept."""
        if self._keepers is None:
            self._keepers = build_keepers(self.settings, self.store)
        return self._keepers

    def choose(self, group_id: str, title: str, metadata: Mapping[str, Any]) -> Decision:
        """The channel for a conversation, by the present mapping; `metadata` is its first message's."""
        return choose_channel(self.settings.config, group_id=group_id, title=title, metadata=metadata)

    def listed(self, user_id: str) -> Role:
        """The role of one of Kommunicate's users where the configuration names them."""
        people = self.settings.config.kommunicate
        return role_of(user_id, None, bots=people.bots, agents=people.agents)

    @property
    def wording(self) -> Wording:
        """What the configuration says of notes."""
        config = self.settings.config
        inside = urlsplit(config.kommunicate.dashboard_url).hostname or ""
        return Wording(config.replies.note_prefixes, config.replies.ask, frozenset({inside}))

    @property
    def saved_texts(self) -> Mapping[str, str]:
        """The saved replies, by name."""
        return {name: one.text for name, one in self.settings.config.saved_replies.items()}

    @property
    def reply_rules(self) -> ReplyRules:
        """What the store must know to queue agents' words."""
        config, wording = self.settings.config, self.wording

        def read_again(body: bytes | None) -> Reading:
            said = stored.read_said(body)
            return Reading() if said is None else wording.read(said.blocks, said.text)

        return ReplyRules(config.replies.undo_seconds, partial(mode_for, config), read_again)

    def close(self) -> None:
        """Let go of the database, and of what was to be done at once."""
        if self.at_once is not None:
            self.at_once.close()
        self.store.close()


def build_relay(settings: Settings, clock: Clock | None = None) -> Relay:
    """Open the store that `settings` name; connects only when first used."""
    store, token = open_store(settings.database_url, clock, pooler=settings.database_pooler), settings.slack_bot_token
    at_once = AtOnce(token, settings.slack_api_url) if token and settings.slack_signing_secrets else None
    return Relay(settings, store, clock or SystemClock(), at_once=at_once)


def learn_identity(relay: Relay) -> None:
    """Ask Slack in the background whose the token is, again and again until it says so; nobody waits for it."""
    token, address = relay.settings.slack_bot_token, relay.settings.slack_api_url
    if token is None:
        return

    def ask() -> None:
        client = SlackClient(token, address)
        while relay.identity is None:
            try:
                relay.identity = client.identity()
            except DeliveryFailed as error:
                log.info("slack.identity_unknown", code=error.code)
                threading.Event().wait(ASK_AGAIN)

    threading.Thread(target=ask, name="identity", daemon=True).start()


def ready_schema(store: Store) -> None:
    """Create the schema of an empty database, upgrade SQLite's; raises SettingsError where `migrate` must run first.

    On PostgreSQL an upgrade is a step of its own, because other versions may be running on it.
    """
    if store.on_sqlite:
        migrate(store)  # also takes the file lock that SQLite's first opening needs
        return
    state = schema_state(store)
    if state is SchemaState.MISSING:
        migrate(store)
    elif state is SchemaState.OLDER:
        finding = Finding(
            "schema_older",
            "error",
            "The database was made by an earlier version of the relay.",
            "Run `relay migrate` once, then start again.",
            "DATABASE_URL",
        )
        raise SettingsError(findings=[finding])


def slack_limits(pace: Pace | None = None) -> Limits:
    """Which of Slack's methods hold back which work, and the pace of a channel."""
    return Limits(pace or Pace(), POSTING, LOOKING, MARKING, SHARING)


def build_context(relay: Relay) -> DeliveryContext:
    """Everything delivery works with; raises SettingsError without a bot token."""
    settings, delivery = relay.settings, relay.settings.config.delivery
    if settings.slack_bot_token is None:
        raise SettingsError("SLACK_BOT_TOKEN is not set, so nothing can be posted.")
    people, replies = settings.config.kommunicate, settings.config.replies
    key = settings.kommunicate_api_key
    client = KommunicateClient(key, settings.kommunicate_api_url) if key else None
    slack = SlackClient(settings.slack_bot_token, settings.slack_api_url, deadline=delivery.call_deadline)
    store = relay.store.share(CONNECTIONS)
    soon = [min(wait, AGENTS_WAIT) for wait in delivery.retry]
    return DeliveryContext(
        store=store,
        slack=slack,
        authors=Authors(store, client, bots=people.bots, agents=people.agents),
        members=Members(slack, replies.map),
        limits=slack_limits(Pace.of(delivery.posts_per_second, delivery.burst)),
        files=Files(
            partial(attachments_for, relay.settings.config),
            file_hosts(relay),
            client,
            delivery.call_deadline,
        ),
        keepers=build_keepers(settings, store),
        schedules={
            Vendor.SLACK: Schedule(delivery.retry, delivery.give_up_after, delivery.confirm_after),
            Vendor.KOMMUNICATE: Schedule(soon, replies.give_up_after, delivery.confirm_after),
            **dict.fromkeys((SendKind.UPLOAD, SendKind.SHARE), Schedule(soon, FILES_FOR, delivery.confirm_after)),
            SendKind.FETCH: Schedule(soon, FILES_BACK_FOR, delivery.confirm_after),
        },
        lease=delivery.lease,
        dashboard_url=people.dashboard_url,
        replying=_replying(relay, store, slack, client),
        wording=relay.wording,
        reply_rules=relay.reply_rules,
        reminding=_reminding(settings.config.remind),
        closing_words=frozenset(one.casefold() for one in settings.config.closing_words),
        broadcasts=settings.config.broadcast == "unclaimed",
        alerts_channel=settings.config.alerts_channel,
    )


def build_keepers(settings: Settings, store: Store) -> Keepers:
    """Where agents' files are kept, and where earlier ones may be."""
    files = settings.files

    def open_place(place: str) -> Keeper:
        if not place:
            return InDatabase(store)
        if place.startswith("file:"):
            return InFolder(place)
        if files.access is None:
            raise Permanent("AWS_ACCESS_KEY_ID, which opens the bucket of earlier files, is not set", code="no_key")
        from relay.delivery.keeping_in_bucket import InBucket  # here and not above: most relays need no bucket

        return InBucket(place, files.access)

    return Keepers(files.place, files.most, open_place)


def file_hosts(relay: Relay) -> Hosts:
    """Where customers' files may be fetched from: Kommunicate's known hosts, and those of the settings."""
    known = (*KNOWN_HOSTS, *relay.settings.config.kommunicate.file_hosts)
    return Hosts(known, origins=(relay.settings.kommunicate_api_url,))


def _replying(relay: Relay, store: Store, slack: SlackClient, client: KommunicateClient | None) -> Replying | None:
    """The way back; it needs both a key to send with and a secret by which Slack's events are known."""
    config = relay.settings.config
    if client is None or not relay.settings.slack_signing_secrets:
        return None
    return Replying(
        kommunicate=client,
        agents=Agents(store, slack, client, config.replies.map),
        sender=config.kommunicate.sender,
        rules=config.replies,
        call_deadline=config.delivery.call_deadline,
        files_back=partial(files_back_for, config),
        public_url=relay.settings.public_url,
        templates={name: _template(one) for name, one in config.saved_replies.items()},
    )


def _reminding(remind: Remind) -> Reminding:
    after = None if remind.after == "never" else remind.after
    return Reminding(after, remind.stale, remind.hours, remind.mention or "")


def _template(saved: SavedReply) -> Mapping[str, str]:
    """What Kommunicate shows beside the words of a saved reply, as its metadata."""
    if saved.buttons:
        return payloads.links(saved.buttons)
    if saved.suggestions:
        return payloads.suggestions(saved.suggestions)
    return payloads.picture(saved.picture) if saved.picture else {}


def build_housekeeping(relay: Relay, context: DeliveryContext) -> Housekeeping:
    """The chores for this relay's store."""
    return Housekeeping(context, relay.choose, retention=relay.settings.config.retention)


def build_worker(relay: Relay) -> Worker:
    """A worker for this relay's store, with its housekeeping."""
    context = build_context(relay)
    return Worker(context, chores=build_housekeeping(relay, context).chores)


def tell_others(relay: Relay) -> AbstractContextManager[object]:
    """For a process that only takes in: the workers of the others hear of it at once, not only see it at a poll."""
    if relay.store.on_sqlite:
        return nullcontext()
    from relay.store.db.news import Teller  # here and not above: it imports psycopg

    teller = Teller(relay.store)
    relay.on_accept = teller.tell
    return teller


def hear_of_others(relay: Relay, worker: Worker) -> AbstractContextManager[object]:
    """For a process that only delivers: its worker looks as soon as another process has stored something."""
    if relay.store.on_sqlite:
        return nullcontext()
    from relay.store.db.news import Listener

    return Listener(relay.store, worker.wake)
