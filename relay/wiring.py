"""The only place where concrete things are built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from relay.clock import Clock, SystemClock
from relay.delivery.agents import Agents
from relay.delivery.alerts import post_alerts
from relay.delivery.authors import Authors
from relay.delivery.context import DeliveryContext, Replying
from relay.delivery.policy import Schedule
from relay.delivery.worker import Worker
from relay.errors import Rejected, SettingsError
from relay.findings import Finding
from relay.kommunicate.client import KommunicateClient
from relay.kommunicate.parse import parse_webhook
from relay.messages import ChatMessage, Decision
from relay.routing.rules import choose_channel
from relay.settings import Settings
from relay.slack.client import SlackClient
from relay.slack.events import AgentWords
from relay.slack.parse import agent_message, parse_event
from relay.store.conversations.threads import redecide
from relay.store.db.engine import Store, open_store
from relay.store.db.schema import SchemaState, migrate, schema_state
from relay.store.intake.replies import adopt, held
from relay.store.operations.retention import prune
from relay.store.queue.gates import Pace

log = structlog.get_logger()


@dataclass(slots=True)
class Relay:
    """A relay put together: its settings, its store, the time, and whom to tell when a message was stored."""

    settings: Settings
    store: Store
    clock: Clock = field(default_factory=SystemClock)
    on_accept: Callable[[], None] = field(default=lambda: None)

    def choose(self, message: ChatMessage) -> Decision:
        """The channel for a message's conversation, by the present mapping."""
        return choose_channel(
            self.settings.config,
            group_id=message.conversation.group_id,
            title=message.title,
            metadata=message.metadata,
        )

    def close(self) -> None:
        """Let go of the database."""
        self.store.close()


def build_relay(settings: Settings, clock: Clock | None = None) -> Relay:
    """Open the store that `settings` name; connects only when first used."""
    return Relay(settings, open_store(settings.database_url, clock), clock or SystemClock())


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


def build_context(relay: Relay) -> DeliveryContext:
    """Everything delivery works with; raises SettingsError without a bot token."""
    settings, delivery = relay.settings, relay.settings.config.delivery
    if settings.slack_bot_token is None:
        raise SettingsError("SLACK_BOT_TOKEN is not set, so nothing can be posted.")
    people = settings.config.kommunicate
    key = settings.kommunicate_api_key
    client = KommunicateClient(key, settings.kommunicate_api_url) if key else None
    slack = SlackClient(settings.slack_bot_token, settings.slack_api_url, deadline=delivery.call_deadline)
    return DeliveryContext(
        store=relay.store,
        slack=slack,
        authors=Authors(relay.store, client, bots=people.bots, agents=people.agents),
        pace=Pace.of(delivery.posts_per_second, delivery.burst),
        schedule=Schedule(delivery.retry, delivery.give_up_after, delivery.confirm_after),
        lease=delivery.lease,
        dashboard_url=people.dashboard_url,
        replying=_replying(relay, slack, client),
        broadcasts=settings.config.broadcast == "unclaimed",
        alerts_channel=settings.config.alerts_channel,
    )


def _replying(relay: Relay, slack: SlackClient, client: KommunicateClient | None) -> Replying | None:
    """The way back; it needs both a key to send with and a secret by which Slack's events are known."""
    config = relay.settings.config
    if client is None or not relay.settings.slack_signing_secrets:
        return None
    return Replying(
        kommunicate=client,
        agents=Agents(relay.store, slack, client, config.replies.map),
        sender=config.kommunicate.sender,
        known_only=config.replies.agents == "known_only",
        give_up_after=config.replies.give_up_after,
        call_deadline=config.delivery.call_deadline,
    )


def build_worker(relay: Relay) -> Worker:
    """A worker for this relay's store, with its housekeeping."""
    out = build_context(relay)
    return Worker(out, chores=lambda: do_chores(relay, out))


def do_chores(relay: Relay, out: DeliveryContext) -> None:
    """Forget old words, ask the mapping again for conversations that have nowhere to go, tell people what waits."""
    with relay.store.begin("prune") as tx:
        pruned = prune(tx, relay.settings.config.retention)
    with relay.store.begin() as tx:
        moved = redecide(tx, lambda group_id, title, body: _choose_again(relay, group_id, title, body))
    adopted = adopt_held(relay)
    if pruned or moved or adopted:
        log.info("chores.done", pruned=pruned, decided_again=moved, adopted=adopted)
    post_alerts(out)


def adopt_held(relay: Relay) -> int:
    """Queue agents' messages whose thread was not known when they came; returns how many."""
    adopted = 0
    with relay.store.begin() as tx:
        for received_id, body in held(tx):
            said = parse_event(body)
            if isinstance(said, AgentWords):
                message = agent_message(said, relay.settings.config.replies.note_prefixes)
                adopted += bool(adopt(tx, received_id, message, undo=relay.settings.config.replies.undo_seconds))
    return adopted


def _choose_again(relay: Relay, group_id: str, title: str, body: bytes | None) -> Decision:
    """The mapping's word for a stored conversation; its first message tells the metadata, while it is kept."""
    metadata = {}
    if body is not None:
        try:
            message = parse_webhook(body)
            metadata = dict(message.metadata) if isinstance(message, ChatMessage) else {}
        except Rejected:
            log.warning("chores.unreadable_body", group_id=group_id)
    return choose_channel(relay.settings.config, group_id=group_id, title=title, metadata=metadata)
