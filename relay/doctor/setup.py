"""What the checks examine: the settings, and everything they lead to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from relay.clock import Clock
from relay.errors import DeliveryFailed, OperatorNeeded, StoreUnavailable
from relay.kommunicate.client import KommunicateClient
from relay.net.call import Caller, Response
from relay.owners import owner_of
from relay.settings import Settings
from relay.slack.setup import SlackSetup, Token
from relay.store.conversations.kept_files import public_url
from relay.store.db.engine import Store
from relay.store.db.schema import SchemaState, schema_state
from relay.vocabulary import GateScope, Vendor

DEADLINE, DEADLINE_HERE = 5.0, 1.0  # seconds for a request to the relay's own address, and on this machine
HERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104  where one is asked that listens at every address


@dataclass(frozen=True)
class Setup:
    """A setup to be examined. What several checks need is requested once.

    `channel_ids` gets Slack's id of each channel that the configuration names.
    """

    settings: Settings
    env: Mapping[str, str]
    cwd: Path
    store: Store
    clock: Clock
    slack: SlackSetup | None
    kommunicate: KommunicateClient | None
    other_slacks: Mapping[str, SlackSetup] = field(default_factory=dict)  # of further workspaces, by name
    other_accounts: Mapping[str, KommunicateClient] = field(default_factory=dict)  # those that have a key, by name
    channel_ids: dict[str, str] = field(default_factory=dict)

    @cached_property
    def schema(self) -> SchemaState | None:
        """The schema's state; None if the database is unavailable."""
        try:
            return schema_state(self.store)
        except StoreUnavailable:
            return None

    @property
    def has_tables(self) -> bool:
        """True if stored data can be queried."""
        return self.schema in (SchemaState.CURRENT, SchemaState.NEWER)

    @cached_property
    def token(self) -> tuple[Token, float]:
        """The bot token's owner, and by how many seconds our clock is ahead of Slack's; raises `DeliveryFailed`."""
        if self.slack is None:
            raise ValueError("no token")
        before = self.clock.now()
        token = self.slack.token()
        middle = (before + self.clock.now()) / 2
        return token, 0.0 if token.time is None else middle - token.time

    def slack_at(self, channel: str) -> SlackSetup:
        """The Slack client of a channel's workspace; raises `OperatorNeeded` if there is no token for it."""
        workspace = owner_of(channel)
        found = self.other_slacks.get(workspace) if workspace else self.slack
        if found is None:
            raise OperatorNeeded(GateScope.WORKSPACE, "there is no bot token for its workspace", code="no_token")
        return found

    @cached_property
    def address(self) -> str | None:
        """The address at which the vendors reach the relay, from the settings or as Slack has used it."""
        if self.settings.public_url or not self.has_tables:
            return self.settings.public_url
        with self.store.read() as tx:
            return public_url(tx)

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        """The relay's answer at its own address; raises `DeliveryFailed`."""
        return _call(self.address or "", method, path, body, headers, DEADLINE)

    @cached_property
    def port_here(self) -> int | None:
        """The port on which the relay answers on this machine, if the settings name it."""
        host = HERE.get(self.settings.host, self.settings.host)
        try:
            alive = _call(f"http://{host}:{self.settings.port}", "GET", "/healthz", deadline=DEADLINE_HERE)
        except DeliveryFailed:
            return None
        return self.settings.port if is_the_relay(alive) else None


def is_the_relay(alive: Response) -> bool:
    """True for its answer to `/healthz`."""
    return said(alive).get("status") == "ok"


def said(response: Response) -> dict[str, object]:
    """The JSON object in an answer; empty if it is something else."""
    try:
        value = json.loads(response.body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _call(
    base_url: str,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    deadline: float = DEADLINE,
) -> Response:
    # Who is asked does not matter to the call: the words that name a vendor are not passed on.
    return Caller(Vendor.KOMMUNICATE, base_url, {}).call(method, path, body, headers, deadline=deadline)
