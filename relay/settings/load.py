"""Turns environment and YAML file into one frozen object, or reports every problem at once."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from relay.errors import SettingsError
from relay.findings import Finding, errors
from relay.owners import ACCOUNT, WORKSPACE
from relay.settings.addresses import KOMMUNICATE_API, SLACK_API, api_url
from relay.settings.check import Examine
from relay.settings.keys import AccountKeys, SlackApp, WorkspaceKeys, read_accounts, read_workspaces, socket_apps
from relay.settings.places import FilePlaces, read_places
from relay.settings.schema import Config
from relay.settings.slack_keys import app_token, bot_token, signing_secrets
from relay.settings.source import has_config, read_config
from relay.settings.tracing import read_traces
from relay.settings.variables import Need, Reader
from relay.settings.watching import Watch

DEFAULT_DATABASE = "sqlite:///relay.db"
DEFAULT_PORT = "8080"
LOG_LEVELS = ("debug", "info", "warning", "error")

_DATABASE_HINT = "Write `sqlite:///relay.db` or `postgresql://user:password@host/name`."
_WEBHOOK_HINT = (
    "Make up a long random text (`relay init` does); put the same in Kommunicate under Settings, Webhooks & Security."
)

_EVERYTHING = frozenset(Need)
NEEDS: Mapping[str, frozenset[Need]] = {
    "serve": _EVERYTHING,
    "worker": _EVERYTHING - {Need.TOKEN},
    "doctor": _EVERYTHING - {Need.TOKEN},
    "migrate": frozenset({Need.DATABASE}),
    "backup": frozenset({Need.DATABASE}),
    "deliveries": frozenset({Need.DATABASE}),
    "purge": frozenset({Need.DATABASE, Need.FILES}),
    "purge --slack": frozenset({Need.DATABASE, Need.SLACK, Need.FILES}),
    "check": frozenset({Need.CONFIG}),
    "route": frozenset({Need.CONFIG, Need.REPLIES}),
    "route from the database": frozenset({Need.CONFIG, Need.REPLIES, Need.DATABASE}),
    "simulate": frozenset({Need.TOKEN, Need.DATABASE}),
}
"""What each command of the relay needs."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The relay's complete configuration. What the command did not need has its default. Secrets stay out of `repr`."""

    port: int = 8080
    host: str = "127.0.0.1"
    database_url: str = field(default=DEFAULT_DATABASE, repr=False)
    config: Config = field(default_factory=Config)
    webhook_tokens: tuple[str, ...] = field(default=(), repr=False)
    kommunicate_api_key: str | None = field(default=None, repr=False)
    kommunicate_api_url: str = KOMMUNICATE_API
    accounts: Mapping[str, AccountKeys] = field(default_factory=dict)  # further ones, by name
    slack_bot_token: str | None = field(default=None, repr=False)
    slack_signing_secrets: tuple[str, ...] = field(default=(), repr=False)
    slack_app_token: str | None = field(default=None, repr=False)  # for Socket Mode
    slack_api_url: str = SLACK_API
    workspaces: Mapping[str, WorkspaceKeys] = field(default_factory=dict)  # further ones, by name
    admin_password: str | None = field(default=None, repr=False)
    metrics_token: str | None = field(default=None, repr=False)
    database_pooler: bool = False  # DATABASE_URL is behind a pooler that keeps no prepared statements
    allow_ephemeral: bool = False
    files: FilePlaces = field(default_factory=FilePlaces)
    public_url: str | None = None  # under which customers find files; None for where Slack reaches the relay
    traces: Mapping[str, str] = field(default_factory=dict, repr=False)  # OpenTelemetry's variables; none: no traces
    log_level: str = "info"
    env: str = "production"
    failpoint: str | None = None
    watch: Watch | None = field(default=None, repr=False, compare=False)  # on the YAML file
    warnings: tuple[Finding, ...] = field(default=(), repr=False)

    @cached_property
    def every_account(self) -> Mapping[str, AccountKeys]:
        """The keys of all accounts, including the first."""
        plain = AccountKeys(
            webhook_tokens=self.webhook_tokens, api_key=self.kommunicate_api_key, api_url=self.kommunicate_api_url
        )
        return {ACCOUNT: plain, **self.accounts}

    @cached_property
    def every_workspace(self) -> Mapping[str, WorkspaceKeys]:
        """The keys of all workspaces, including the first."""
        plain = WorkspaceKeys(
            bot_token=self.slack_bot_token,
            signing_secrets=self.slack_signing_secrets,
            app_token=self.slack_app_token,
            api_url=self.slack_api_url,
        )
        return {WORKSPACE: plain, **self.workspaces}

    @cached_property
    def signing(self) -> tuple[str, ...]:
        """The workspaces that have a signing secret."""
        return tuple(name for name, keys in self.every_workspace.items() if keys.signing_secrets)

    @property
    def refusals_age(self) -> bool:
        """True if an accepted Slack request does not prove that the refused ones would be accepted: it may be another
        workspace's, or have come by Socket Mode.
        """
        return len(self.signing) > 1 or bool(self.socket_apps)

    @cached_property
    def socket_apps(self) -> tuple[SlackApp, ...]:
        """The apps that use Socket Mode."""
        return socket_apps(self.every_workspace, self.app_variable)

    def token_variable(self, account: str) -> str:
        """The variable with an account's webhook token."""
        own = self.config.kommunicate.accounts.get(account)
        return own.webhook_token if own else "KOMMUNICATE_WEBHOOK_TOKEN"

    def bot_variable(self, workspace: str) -> str:
        """The variable with a workspace's bot token."""
        own = self.config.slack.workspaces.get(workspace)
        return own.bot_token if own else "SLACK_BOT_TOKEN"

    def app_variable(self, workspace: str) -> str:
        """The variable that holds a workspace's app-level token."""
        own = self.config.slack.workspaces.get(workspace)
        return (own and own.app_token) or "SLACK_APP_TOKEN"

    @property
    def hears_slack(self) -> bool:
        """True if Slack can tell the relay what agents do, in at least one workspace."""
        return any(map(self.hears, self.every_workspace))

    def hears(self, workspace: str) -> bool:
        """True for a workspace that can tell it: at the relay's address, or by Socket Mode."""
        keys = self.every_workspace[workspace]
        return bool(keys.app_token or keys.signing_secrets)


def load_settings(env: Mapping[str, str], *, need: Collection[Need], cwd: Path) -> Settings:
    """The settings a command needs, with relative paths based on `cwd`.

    Raises `SettingsError`, whose `findings` are all problems; mere warnings stay in `warnings`.
    """
    settings, findings = check_settings(env, need=need, cwd=cwd)
    if settings is None:
        raise SettingsError(findings=findings)
    return settings


def check_settings(
    env: Mapping[str, str], *, need: Collection[Need], cwd: Path, examine: Examine | None = None
) -> tuple[Settings | None, list[Finding]]:
    """The settings, None if there is an error, and every finding about environment and YAML file.

    `examine` finds what only shows when a configuration is used.
    """
    reader = Reader(env, need, cwd)
    parts = _common(reader)
    if Need.DATABASE in need:
        parts["database_url"] = _database_url(reader)
    if Need.TOKEN in need:
        parts |= _web(reader)
    if Need.SLACK in need:
        parts |= _slack(reader)
        parts["traces"] = read_traces(reader)
    if not {Need.TOKEN, Need.SLACK, Need.REPLIES}.isdisjoint(need):
        parts |= _replies(reader)
    if not {Need.TOKEN, Need.SLACK, Need.FILES}.isdisjoint(need):
        parts |= read_places(reader)
    if Need.CONFIG in need or (Need.SLACK in need and has_config(reader)):
        parts["watch"] = Watch(env, cwd)
        parts["config"] = config = read_config(reader, examine) or Config()
        parts["accounts"] = read_accounts(reader, config, parts.get("webhook_tokens", ()))
        parts["workspaces"] = read_workspaces(reader, config, parts.get("slack_bot_token"))
    if errors(reader.findings):
        return None, reader.findings
    return Settings(**parts, warnings=tuple(reader.findings)), reader.findings


def _common(reader: Reader) -> dict[str, Any]:
    env = reader.env.get("RELAY_ENV") or "production"
    failpoint = reader.env.get("RELAY_FAILPOINT") or None
    if failpoint and env != "test":
        message = "RELAY_FAILPOINT makes the relay crash on purpose and is refused outside tests."
        reader.note("failpoint", "RELAY_FAILPOINT", message, "Remove it.")
    return {
        "log_level": _log_level(reader),
        "env": env,
        "failpoint": failpoint,
        "allow_ephemeral": _switch(reader, "RELAY_ALLOW_EPHEMERAL"),
        "database_pooler": _switch(reader, "DATABASE_POOLER"),
    }


def _log_level(reader: Reader) -> str:
    value = reader.env.get("RELAY_LOG_LEVEL", "").lower() or "info"
    if value not in LOG_LEVELS:
        reader.note(
            "wrong_value",
            "RELAY_LOG_LEVEL",
            "RELAY_LOG_LEVEL is not a log level.",
            f"Write one of {', '.join(LOG_LEVELS)}.",
        )
    return value


def _switch(reader: Reader, name: str) -> bool:
    value = reader.env.get(name, "")
    if value not in ("", "0", "1"):
        reader.note("wrong_value", name, f"{name} can be 1 or 0.", "Write 1, or remove it.")
    return value == "1"


def _database_url(reader: Reader) -> str:
    name = "DATABASE_URL"
    set_to_nothing = reader.env.get(name) == ""
    url = reader.secret(name, required=_DATABASE_HINT if set_to_nothing or f"{name}_FILE" in reader.env else "")
    if url is None:
        return DEFAULT_DATABASE
    if not re.match(r"(sqlite|postgres|postgresql|postgresql\+psycopg)://", url):
        reader.note("bad_database", name, f"{name} is neither SQLite nor PostgreSQL.", _DATABASE_HINT)
    elif url.split() != [url]:
        reader.note("whitespace", name, f"{name} contains a space or a line break.", "Write a space as %20.")
    return url


def _web(reader: Reader) -> dict[str, Any]:
    password = reader.secret("RELAY_ADMIN_PASSWORD")
    reader.refuse_placeholder("RELAY_ADMIN_PASSWORD", [password or ""])
    tokens = reader.token("KOMMUNICATE_WEBHOOK_TOKEN", required=_WEBHOOK_HINT)
    metrics = reader.only_token("RELAY_METRICS_TOKEN")
    if Need.SLACK in reader.need:  # for commands that serve, not for one that only sends a sample
        reader.refuse_short("KOMMUNICATE_WEBHOOK_TOKEN", tokens)
        reader.refuse_short("RELAY_ADMIN_PASSWORD", [password] if password else [])
        reader.refuse_short("RELAY_METRICS_TOKEN", [metrics] if metrics else [])
    return {
        "port": _port(reader),
        "host": _host(reader),
        "webhook_tokens": tokens,
        "admin_password": password,
        "metrics_token": metrics,
    }


def _port(reader: Reader) -> int:
    text = reader.text("PORT", DEFAULT_PORT)
    if re.fullmatch(r"[0-9]{1,5}", text) and int(text) <= 65535:
        return int(text)
    reader.note("bad_port", "PORT", "PORT must be a whole number from 0 to 65535.", f"Write {DEFAULT_PORT}.")
    return 0


def _host(reader: Reader) -> str:
    # A host that sets PORT connects from outside.
    host = reader.text("HOST", "0.0.0.0" if "PORT" in reader.env else "127.0.0.1")  # noqa: S104
    if not re.fullmatch(r"[A-Za-z0-9.:_-]+", host):
        hint = "Write 127.0.0.1 or 0.0.0.0, without http:// and without the port."
        reader.note("bad_host", "HOST", "HOST must be an address or a host name.", hint)
    return host


def _slack(reader: Reader) -> dict[str, Any]:
    token = bot_token(reader, "SLACK_BOT_TOKEN")
    return {"slack_bot_token": token, "slack_api_url": api_url(reader, "SLACK_API_URL", SLACK_API).rstrip("/") + "/"}


def _replies(reader: Reader) -> dict[str, Any]:
    return {
        "slack_signing_secrets": signing_secrets(reader, "SLACK_SIGNING_SECRET"),
        "slack_app_token": app_token(reader, "SLACK_APP_TOKEN"),
        "kommunicate_api_key": reader.only_token("KOMMUNICATE_API_KEY"),
        "kommunicate_api_url": api_url(reader, "KOMMUNICATE_API_URL", KOMMUNICATE_API).rstrip("/"),
    }
