"""What delivers for a relay: its context, its chores and its worker."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import structlog

from relay.delivery.agents import Agents
from relay.delivery.authors import Authors
from relay.delivery.context import DeliveryContext, Files, Replying, Showing
from relay.delivery.housekeeping import Housekeeping
from relay.delivery.members import Members
from relay.delivery.policy import Schedule
from relay.delivery.reminding_rules import Reminding
from relay.delivery.worker import Worker
from relay.errors import SettingsError
from relay.kommunicate import payloads
from relay.kommunicate.client import KommunicateClient
from relay.kommunicate.hosts import KNOWN_HOSTS
from relay.messages import ChatMessage, Decision
from relay.net.hosts import Hosts
from relay.routing.per_route import (
    attachments_for,
    batch_for,
    files_back_for,
    led_by,
    notify_for,
    redact_for,
    remind_for,
    show_for,
)
from relay.routing.rules import moves_to
from relay.settings import Config, Settings
from relay.settings.schema import SavedReply
from relay.slack.client import SlackClient
from relay.slack.limits import LOOKING, MARKING, POSTING, SHARING
from relay.store.db.engine import Store
from relay.store.queue.gates import Limits, Pace
from relay.vocabulary import SendKind, Vendor
from relay.wiring.keeping import build_keepers
from relay.wiring.relay import Relay

CONNECTIONS = 3  # to the database for delivery, of the five of a process: what comes in is never kept waiting
FILES_FOR = 1800.0  # seconds in which a customer's file is tried: most of their addresses die sooner
FILES_BACK_FOR = 60.0  # the same for an agent's, whose words wait for it
AGENTS_WAIT = 60.0  # seconds between tries of what an agent wants, at most

log = structlog.get_logger()


def slack_limits(pace: Pace | None = None) -> Limits:
    """Which of Slack's methods hold back which work, and the pace of a channel."""
    return Limits(pace or Pace(), POSTING, LOOKING, MARKING, SHARING)


def build_context(relay: Relay, store: Store | None = None, slack: SlackClient | None = None) -> DeliveryContext:
    """Everything delivery works with, on a store and a Slack of its own if none are given.

    Raises SettingsError without a bot token.
    """
    settings, delivery = relay.settings, relay.settings.config.delivery
    if settings.slack_bot_token is None:
        raise SettingsError("SLACK_BOT_TOKEN is not set, so nothing can be posted.")
    people, replies = settings.config.kommunicate, settings.config.replies
    key = settings.kommunicate_api_key
    client = KommunicateClient(key, settings.kommunicate_api_url) if key else None
    slack = slack or SlackClient(settings.slack_bot_token, settings.slack_api_url, deadline=delivery.call_deadline)
    store = store or relay.store.share(CONNECTIONS)
    return DeliveryContext(
        store=store,
        slack=slack,
        authors=_authors(relay, store, client),
        members=Members(slack, replies.map),
        limits=slack_limits(Pace.of(delivery.posts_per_second, delivery.burst)),
        files=_files(relay, client),
        keepers=build_keepers(settings, store),
        schedules=_schedules(settings.config),
        lease=delivery.lease,
        dashboard_url=people.dashboard_url,
        replying=_replying(relay, store, slack, client),
        wording=relay.wording,
        reply_rules=relay.reply_rules,
        reminding=partial(_reminding, settings.config),
        redact=partial(redact_for, settings.config),
        privacy=relay.privacy,
        showing=_showing(relay),
        closing_words=frozenset(one.casefold() for one in settings.config.closing_words),
        broadcasts=settings.config.broadcast == "unclaimed",
        alerts_channel=settings.config.alerts_channel,
        chat_channels=settings.config.chat_channels,
    )


def _authors(relay: Relay, store: Store, client: KommunicateClient | None) -> Authors:
    people = relay.settings.config.kommunicate
    return Authors(store, client, bots=people.bots, agents=people.agents, contacts=relay.privacy.shows_contacts)


def _files(relay: Relay, client: KommunicateClient | None) -> Files:
    config = relay.settings.config
    shown = partial(attachments_for, config)
    return Files(shown, file_hosts(relay), client, config.delivery.call_deadline, partial(redact_for, config))


def _showing(relay: Relay) -> Showing:
    config = relay.settings.config
    return Showing(
        partial(show_for, config),
        partial(batch_for, config),
        partial(notify_for, config),
        config.new_thread_after,
        partial(_followed, relay, config) if any(route.follow for route in config.routes) else None,
        partial(led_by, config),
    )


def _followed(relay: Relay, config: Config, message: ChatMessage, moment: float) -> Decision | None:
    decision = relay.choose(message, moment)
    return decision if moves_to(config, decision) else None


def _schedules(config: Config) -> Mapping[Vendor | SendKind, Schedule]:
    delivery = config.delivery
    soon = [min(wait, AGENTS_WAIT) for wait in delivery.retry]
    of_files = Schedule(soon, FILES_FOR, delivery.confirm_after)
    return {
        Vendor.SLACK: Schedule(delivery.retry, delivery.give_up_after, delivery.confirm_after),
        Vendor.KOMMUNICATE: Schedule(soon, config.replies.give_up_after, delivery.confirm_after),
        SendKind.UPLOAD: of_files,
        SendKind.SHARE: of_files,
        SendKind.FETCH: Schedule(soon, FILES_BACK_FOR, delivery.confirm_after),
    }


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


def _reminding(config: Config, rule: str) -> Reminding:
    remind = remind_for(config, rule)
    after, stale = (None if wait == "never" else wait for wait in (remind.after, remind.stale))
    return Reminding(after, stale, remind.hours, remind.mention or "")


def _template(saved: SavedReply) -> Mapping[str, str]:
    """What Kommunicate shows beside the words of a saved reply, as its metadata."""
    if saved.buttons:
        return payloads.links(saved.buttons)
    if saved.suggestions:
        return payloads.suggestions(saved.suggestions)
    return payloads.picture(saved.picture) if saved.picture else {}


def build_slack(settings: Settings) -> SlackClient:
    """Slack alone, for a command that delivers nothing; raises SettingsError without a bot token."""
    return SlackClient(settings.slack_bot_token or "", settings.slack_api_url)


def build_housekeeping(relay: Relay, context: DeliveryContext) -> Housekeeping:
    """The chores for this relay's store."""
    watch = relay.settings.watch
    file = "" if watch is None else watch.name

    def mistake() -> str:
        return " ".join(f"{one.where}: {one.message}" for one in relay.config_errors[:1])

    return Housekeeping(context, relay.choose, retention=relay.settings.config.retention, file=file, mistake=mistake)


def build_worker(relay: Relay) -> Worker:
    """A worker for this relay's store, with its housekeeping; an edit of the configuration reaches both."""
    context = build_context(relay)
    housekeeping = build_housekeeping(relay, context)
    worker = Worker(context, chores=housekeeping.chores)

    def use_edit() -> None:
        renewed = build_context(relay, context.store)
        housekeeping.use(renewed, relay.settings.config.retention)
        worker.use(renewed)

    relay.on_edit = use_edit
    return worker


def hear_of_others(relay: Relay, worker: Worker) -> AbstractContextManager[object]:
    """For a process that only delivers: its worker looks as soon as another process has stored something."""
    if relay.store.on_sqlite:
        return nullcontext()
    from relay.store.db.news import Listener

    return Listener(relay.store, worker.wake)
