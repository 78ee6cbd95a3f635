"""An assembled relay: what every command and the web need of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from urllib.parse import urlsplit

from relay.clock import Clock, SystemClock
from relay.delivery import stored
from relay.delivery.at_once import AtOnce
from relay.delivery.keeping import Keepers
from relay.errors import SettingsError, StoreUnavailable
from relay.findings import Finding
from relay.messages import AgentChange, ChatMessage, Decision, ReplyRules, Role
from relay.net.call_times import CallTimes
from relay.owners import WORKSPACE
from relay.routing.facts import Facts
from relay.routing.privacy import Privacy
from relay.routing.rules import Router
from relay.routing.speaking import mode_for
from relay.settings import Config, Settings
from relay.slack.events import AgentEdit
from relay.slack.identity import Identity
from relay.slack.parse import agent_change
from relay.slack.reading import Wording
from relay.store.db.engine import Store, open_store
from relay.store.db.schema import SchemaState, migrate, schema_state
from relay.store.operations.call_times import add_call_times
from relay.store.operations.retention import Refusals
from relay.wiring.deciding import chat_facts, listed_role
from relay.wiring.keeping import build_keepers
from relay.wiring.refusing import RefusedRequests


@dataclass(slots=True)
class Relay:
    """An assembled relay: its settings, its store, the time, and whom to notify when a message was stored."""

    settings: Settings
    store: Store
    clock: Clock = field(default_factory=SystemClock)
    on_accept: Callable[[], None] = field(default=lambda: None)
    identity: Identity | None = None  # the token's owner, once Slack has said so
    other_identities: dict[str, Identity] = field(default_factory=dict)  # the same for further workspaces
    known_as: str = ""  # the host under which Slack reached it, according to the store
    rejected: Refusals = field(default_factory=Refusals)
    at_once: AtOnce | None = None  # calls that Slack expects at once; nothing is lost without it
    others_at_once: dict[str, AtOnce] = field(default_factory=dict)  # the same for further workspaces
    config_errors: tuple[Finding, ...] = ()  # why the edited YAML file cannot be used
    findings: tuple[Finding, ...] = ()  # what was last found wrong with the setup, worst first
    closing: threading.Event = field(default_factory=threading.Event)
    on_edit: Callable[[], None] = field(default=lambda: None)
    channel_ids: dict[str, str] = field(default_factory=dict)  # Slack's id of each "#name" it was asked for here
    slack_times: CallTimes = field(default_factory=CallTimes)  # how long its calls to Slack took
    router: Router = field(init=False)
    refused: RefusedRequests = field(init=False)
    _keepers: Keepers | None = None

    def __post_init__(self) -> None:
        self.router = Router(self.settings.config)
        self.refused = RefusedRequests(self.store)

    def use(self, config: Config) -> None:
        """Switch to another configuration."""
        self.router = Router(config)
        self.settings = replace(self.settings, config=config)

    def identity_in(self, workspace: str) -> Identity | None:
        """The owner of a workspace's token, once Slack has said so."""
        return self.other_identities.get(workspace) if workspace else self.identity

    def at_once_in(self, workspace: str) -> AtOnce | None:
        """The calls that Slack expects at once, for a workspace."""
        return self.others_at_once.get(workspace) if workspace else self.at_once

    @property
    def keepers(self) -> Keepers:
        """Where agents' files are kept."""
        if self._keepers is None:
            self._keepers = build_keepers(self.settings, self.store)
        return self._keepers

    def choose(self, message: ChatMessage, moment: float | None = None) -> Decision:
        """The channel for a conversation that this message begins, by the current mapping; now, or at a moment."""
        return self.router.choose(self.facts_of(message, moment))

    def facts_of(self, message: ChatMessage, moment: float | None = None) -> Facts:
        """What the mapping can test about a conversation that this message begins."""
        return chat_facts(self.settings.config, message, self.clock.now() if moment is None else moment)

    @property
    def privacy(self) -> Privacy:
        """What may be shown in Slack."""
        return Privacy(self.settings.config)

    def listed(self, account: str, user_id: str) -> Role:
        """The role of one of an account's users, if the configuration names them."""
        return listed_role(self.settings.config, account, user_id)

    @property
    def wording(self) -> Wording:
        """The configured rules for notes."""
        config = self.settings.config
        dashboards = {config.kommunicate.of(name).dashboard_url for name in self.settings.every_account}
        inside = frozenset(urlsplit(one).hostname or "" for one in dashboards)
        return Wording(config.replies.note_prefixes, config.replies.ask, inside)

    @property
    def saved_texts(self) -> Mapping[str, str]:
        """The saved replies, by name."""
        return {name: one.text for name, one in self.settings.config.saved_replies.items()}

    @property
    def reply_rules(self) -> ReplyRules:
        """What the store must know to queue agents' messages."""
        config, wording = self.settings.config, self.wording

        def read_again(body: bytes | None) -> AgentChange | None:
            edit = stored.read_said(body)
            return agent_change(edit, wording) if isinstance(edit, AgentEdit) else None

        return ReplyRules(config.replies.undo_seconds, partial(mode_for, config), read_again)

    def keep_call_times(self) -> None:
        """Add this process's measurements of its Slack calls to the totals in the store."""
        taken, kept = self.slack_times.take(), False
        if not taken:
            return
        try:
            with self.store.begin() as tx:
                kept = add_call_times(tx, taken)
        except StoreUnavailable:
            self.slack_times.put_back(taken)
            raise
        if not kept:  # another process started it at the same moment
            self.slack_times.put_back(taken)

    def close(self) -> None:
        """Close the database, and drop the pending immediate calls."""
        self.closing.set()
        for one in filter(None, (self.at_once, *self.others_at_once.values())):
            one.close()
        self.store.close()


def build_relay(settings: Settings, clock: Clock | None = None) -> Relay:
    """Open the store that `settings` name; connects only when first used."""
    store = open_store(settings.database_url, clock, pooler=settings.database_pooler)
    times = CallTimes()
    at_once = {
        name: AtOnce(keys.bot_token, keys.api_url, times, workspace=name, variable=settings.bot_variable(name))
        for name, keys in settings.every_workspace.items()
        if keys.bot_token and settings.hears(name)
    }
    plain = at_once.pop(WORKSPACE, None)
    return Relay(settings, store, clock or SystemClock(), at_once=plain, others_at_once=at_once, slack_times=times)


def ready_schema(store: Store) -> None:
    """Create the schema of an empty database, upgrade SQLite's; raises SettingsError if `migrate` must run first.

    On PostgreSQL an upgrade is a separate step, because other versions may be running on it.
    """
    if store.on_sqlite:
        migrate(store)  # also takes the file lock that SQLite's first opening needs
        return
    state = schema_state(store)
    if state is SchemaState.MISSING:
        migrate(store)
    elif state is SchemaState.OLDER:
        from relay.doctor.schema import OLDER  # imported here: nothing else of the doctor is needed

        raise SettingsError(findings=[OLDER])


def tell_others(relay: Relay) -> AbstractContextManager[object]:
    """For a process that only receives: wakes the workers of other processes at once, instead of at their next poll."""
    if relay.store.on_sqlite:
        return nullcontext()
    from relay.store.db.news import Teller  # imported here: it imports psycopg

    teller = Teller(relay.store)
    relay.on_accept = teller.tell
    return teller
