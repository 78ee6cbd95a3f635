"""The delivery side of a relay: its context, its chores and its worker."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import structlog

from relay.delivery.accounts import NO_KEY, OfAccount, Replying
from relay.delivery.agents import Agents
from relay.delivery.authors import Authors
from relay.delivery.context import NO_WORKSPACE, DeliveryContext
from relay.delivery.display import Files, Showing
from relay.delivery.housekeeping import Housekeeping
from relay.delivery.members import Members
from relay.delivery.policy import Schedule
from relay.delivery.reminding_rules import Reminding
from relay.delivery.worker import Worker
from relay.delivery.workspaces import OfWorkspace
from relay.errors import Permanent, SettingsError
from relay.kommunicate import payloads
from relay.kommunicate.client import KommunicateClient
from relay.kommunicate.hosts import KNOWN_HOSTS
from relay.messages import ChatMessage, Decision
from relay.net.call_times import CallTimes
from relay.net.hosts import Hosts
from relay.owners import bare, owner_of
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

CALL_DEADLINE = 8.0  # seconds, for commands that deliver nothing
CONNECTIONS = 3  # database connections for delivery, of the five of a process: intake never waits for it
FILES_FOR = 1800.0  # seconds for which a customer's file is tried: most of their addresses expire sooner
FILES_BACK_FOR = 60.0  # the same for an agent's, for which the reply waits
ACCOUNT_GONE = "`kommunicate.accounts` no longer names this account"
AGENTS_WAIT = 60.0  # seconds at most between tries of what an agent wants

log = structlog.get_logger()


def slack_limits(pace: Pace | None = None) -> Limits:
    """Which Slack methods hold back which work, and the pace of a channel."""
    return Limits(pace or Pace(), POSTING, LOOKING, MARKING, SHARING)


def build_context(
    relay: Relay, store: Store | None = None, workspaces: Mapping[str, SlackClient] | None = None
) -> DeliveryContext:
    """Everything that delivery needs, with its own store and workspaces unless they are given.

    Raises SettingsError without a bot token.
    """
    settings, delivery = relay.settings, relay.settings.config.delivery
    if settings.slack_bot_token is None:
        raise SettingsError("SLACK_BOT_TOKEN is not set, so nothing can be posted.")
    slack = _workspaces(
        settings, workspaces or build_workspaces(settings, deadline=delivery.call_deadline, times=relay.slack_times)
    )
    store = store or relay.store.share(CONNECTIONS)
    return DeliveryContext(
        store=store,
        workspaces=slack,
        accounts={name: _of_account(relay, store, slack, name) for name in settings.every_account},
        gone=_account_gone(relay, store),
        limits=slack_limits(Pace.of(delivery.posts_per_second, delivery.burst)),
        files=_files(relay),
        keepers=build_keepers(settings, store),
        schedules=_schedules(settings.config),
        lease=delivery.lease,
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
        alerts_lag=None if settings.config.alerts.lag == "never" else settings.config.alerts.lag,
        refusals_age=settings.refusals_age,
        ids_to_show=relay.channel_ids,
    )


def _workspaces(settings: Settings, slack: Mapping[str, SlackClient]) -> dict[str, OfWorkspace]:
    people = settings.config.replies.map
    return {
        name: OfWorkspace(one, Members(one, _users_of(name, people)), settings.hears(name))
        for name, one in slack.items()
    }


def _users_of(workspace: str, people: Mapping[str, str]) -> dict[str, str]:
    """The configured agents of one workspace, by Slack user."""
    return {bare(user): agent for user, agent in people.items() if owner_of(user) == workspace}


def _account_gone(relay: Relay, store: Store) -> OfAccount:
    url = relay.settings.config.kommunicate.dashboard_url
    return OfAccount(_authors(relay, store, "", None), url, lacks=ACCOUNT_GONE, is_gone=True)


def _of_account(relay: Relay, store: Store, workspaces: Mapping[str, OfWorkspace], name: str) -> OfAccount:
    keys, config = relay.settings.every_account[name], relay.settings.config
    own = config.kommunicate.accounts.get(name)
    variable = {"variable": own.api_key} if own and own.api_key else {}
    client = KommunicateClient(keys.api_key, keys.api_url, **variable) if keys.api_key else None
    return OfAccount(
        authors=_authors(relay, store, name, client),
        dashboard_url=config.kommunicate.of(name).dashboard_url,
        client=client,
        replying=_replying(relay, store, workspaces, name, client),
        lacks=NO_KEY if own is None else f"`kommunicate.accounts.{name}` has no `api_key`",
    )


def _authors(relay: Relay, store: Store, name: str, client: KommunicateClient | None) -> Authors:
    people = relay.settings.config.kommunicate.of(name)
    return Authors(store, client, bots=people.bots, agents=people.agents, contacts=relay.privacy.shows_contacts)


def _files(relay: Relay) -> Files:
    config = relay.settings.config
    shown = partial(attachments_for, config)
    return Files(shown, file_hosts(relay), config.delivery.call_deadline, partial(redact_for, config))


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
    """Where customers' files may be fetched from: Kommunicate's known hosts, and those in the settings."""
    known = (*KNOWN_HOSTS, *relay.settings.config.kommunicate.file_hosts)
    return Hosts(known, origins=tuple(keys.api_url for keys in relay.settings.every_account.values()))


def _replying(
    relay: Relay, store: Store, workspaces: Mapping[str, OfWorkspace], name: str, client: KommunicateClient | None
) -> Replying | None:
    """The way back; it needs both a key for sending and a way to receive what agents do in Slack."""
    settings, config = relay.settings, relay.settings.config
    if client is None or not settings.hears_slack:
        return None

    def slack_in(workspace: str) -> SlackClient:
        if workspace not in workspaces:  # it is no longer named: its authors are looked up nowhere
            raise Permanent("the workspace is not named any more", code=NO_WORKSPACE)
        return workspaces[workspace].slack

    return Replying(
        kommunicate=client,
        agents=Agents(store, slack_in, client, config.replies.map, name),
        sender=config.kommunicate.of(name).sender,
        rules=config.replies,
        call_deadline=config.delivery.call_deadline,
        files_back=partial(files_back_for, config),
        # a relay that only calls Slack has no address that Slack could know
        public_url=settings.public_url or (None if settings.slack_signing_secrets else ""),
        templates={name: _template(one) for name, one in config.saved_replies.items()},
    )


def _reminding(config: Config, rule: str) -> Reminding:
    remind = remind_for(config, rule)
    after, stale = (None if wait == "never" else wait for wait in (remind.after, remind.stale))
    return Reminding(after, stale, remind.hours, remind.mention or "")


def _template(saved: SavedReply) -> Mapping[str, str]:
    """What Kommunicate shows beside the text of a saved reply, as its metadata."""
    if saved.buttons:
        return payloads.links(saved.buttons)
    if saved.suggestions:
        return payloads.suggestions(saved.suggestions)
    return payloads.picture(saved.picture) if saved.picture else {}


def build_workspaces(
    settings: Settings, *, deadline: float = CALL_DEADLINE, times: CallTimes | None = None
) -> dict[str, SlackClient]:
    """Each workspace's Slack client, by name, with `deadline` seconds per call; raises SettingsError without a bot
    token.

    `times` records how long the calls took.
    """
    return {
        name: SlackClient(
            keys.bot_token or "",
            keys.api_url,
            deadline=deadline,
            workspace=name,
            variable=settings.bot_variable(name),
            times=times,
        )
        for name, keys in settings.every_workspace.items()
    }


def build_housekeeping(relay: Relay, context: DeliveryContext) -> Housekeeping:
    """The chores for this relay's store."""
    watch = relay.settings.watch
    file = "" if watch is None else watch.name

    def mistake() -> str:
        return " ".join(f"{one.where}: {one.message}" for one in relay.config_errors[:1])

    retention = relay.settings.config.retention
    keep_times = relay.keep_call_times
    return Housekeeping(context, relay.choose, retention=retention, file=file, mistake=mistake, keep_times=keep_times)


def build_worker(relay: Relay) -> Worker:
    """A worker for this relay's store, with its housekeeping; both follow edits of the configuration."""
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
    """For a process that only delivers: its worker wakes when another process stores something."""
    if relay.store.on_sqlite:
        return nullcontext()
    from relay.store.db.news import Listener

    return Listener(relay.store, worker.wake)
