"""The secrets of further accounts and workspaces, which the file names by their variables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from relay.settings.accounts import Account, Workspace
from relay.settings.addresses import KOMMUNICATE_API, SLACK_API, api_url
from relay.settings.schema import Config
from relay.settings.slack_keys import APP_HINT, BOT_HINT, SIGNING_HINT, app_token, bot_token, signing_secrets
from relay.settings.variables import Need, Reader

_REPLIES = {Need.TOKEN, Need.SLACK, Need.REPLIES}


@dataclass(frozen=True, kw_only=True)
class AccountKeys:
    """The keys of one Kommunicate account, and its webhook token; without an `api_key` it is read only."""

    webhook_tokens: tuple[str, ...] = field(default=(), repr=False)
    api_key: str | None = field(default=None, repr=False)
    api_url: str = KOMMUNICATE_API


@dataclass(frozen=True, kw_only=True)
class WorkspaceKeys:
    """What opens one workspace of Slack's; with neither signing secret nor app token nobody replies from there."""

    bot_token: str | None = field(default=None, repr=False)
    signing_secrets: tuple[str, ...] = field(default=(), repr=False)
    app_token: str | None = field(default=None, repr=False)  # for Socket Mode
    api_url: str = SLACK_API


@dataclass(frozen=True)
class SlackApp:
    """An app that uses Socket Mode: its token, from which variable, and the workspaces that it is installed in.

    `others` are those of other tokens. An app may have several tokens, and Slack may send what is for any of its
    workspaces on any of its connections.
    """

    token: str = field(repr=False)
    api_url: str
    variable: str
    workspaces: tuple[str, ...]
    others: tuple[str, ...] = ()


def read_workspaces(reader: Reader, config: Config, plain: str | None) -> dict[str, WorkspaceKeys]:
    """The secrets of each workspace, as far as the command needs them; `plain` is the first one's bot token."""
    found = {name: _workspace(reader, name, one) for name, one in config.slack.workspaces.items()}
    held = {"SLACK_BOT_TOKEN": frozenset(filter(None, (plain,)))}
    for name, keys in found.items():
        held[config.slack.workspaces[name].bot_token] = frozenset(filter(None, (keys.bot_token,)))
    _refuse_shared(reader, held, "Each workspace has a bot token of its own: copy it from that workspace's app.")
    return found


def _workspace(reader: Reader, name: str, one: Workspace) -> WorkspaceKeys:
    token: str | None = None
    signing: tuple[str, ...] = ()
    if Need.SLACK in reader.need:
        token = bot_token(reader, one.bot_token, f"`slack.workspaces.{name}` names it. {BOT_HINT}")
    if one.signing_secret and not _REPLIES.isdisjoint(reader.need):
        signing = signing_secrets(reader, one.signing_secret, f"`slack.workspaces.{name}` names it. {SIGNING_HINT}")
    url = api_url(reader, one.api_url, SLACK_API) if one.api_url and Need.SLACK in reader.need else SLACK_API
    return WorkspaceKeys(
        bot_token=token, signing_secrets=signing, app_token=_app_token(reader, name, one), api_url=url.rstrip("/") + "/"
    )


def _app_token(reader: Reader, name: str, one: Workspace) -> str | None:
    if not one.app_token or _REPLIES.isdisjoint(reader.need):
        return None
    return app_token(reader, one.app_token, f"`slack.workspaces.{name}` names it. {APP_HINT}")


def socket_apps(every: Mapping[str, WorkspaceKeys], variable_of: Callable[[str], str]) -> tuple[SlackApp, ...]:
    """The apps that use Socket Mode; `every` are the workspaces, `variable_of` where the token of each comes from.

    Workspaces with the same app token, or with the same signing secret as one of those, have the same app.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for name, keys in every.items():
        if keys.app_token:
            found.setdefault((keys.app_token, keys.api_url), []).append(name)
    apps = []
    for (token, url), names in found.items():
        signing = {secret for name in names for secret in every[name].signing_secrets}
        more = [
            name for name, keys in every.items() if not keys.app_token and signing.intersection(keys.signing_secrets)
        ]
        apps.append(SlackApp(token, url, variable_of(names[0]), (*names, *more)))
    return tuple(replace(app, others=_others(app, apps)) for app in apps)


def _others(app: SlackApp, apps: Iterable[SlackApp]) -> tuple[str, ...]:
    theirs = [name for one in apps if one is not app and one.api_url == app.api_url for name in one.workspaces]
    return tuple(name for name in dict.fromkeys(theirs) if name not in app.workspaces)


def read_accounts(reader: Reader, config: Config, plain: Iterable[str]) -> dict[str, AccountKeys]:
    """The secrets of each account, as far as the command needs them; `plain` are the tokens of the first webhook."""
    found = {name: _account(reader, name, one) for name, one in config.kommunicate.accounts.items()}
    held = {"KOMMUNICATE_WEBHOOK_TOKEN": frozenset(plain)}
    for name, keys in found.items():
        held[config.kommunicate.accounts[name].webhook_token] = frozenset(keys.webhook_tokens)
    _refuse_shared(reader, held, "Create another long random text for one of them.")
    return found


def _account(reader: Reader, name: str, one: Account) -> AccountKeys:
    tokens: tuple[str, ...] = ()
    if Need.TOKEN in reader.need:
        hint = (
            f"`kommunicate.accounts.{name}` names it: put there what Kommunicate sends to /kommunicate/{name}/webhook."
        )
        tokens = reader.token(one.webhook_token, required=hint)
        if Need.SLACK in reader.need:  # for commands that serve, not for one that only sends a sample
            reader.refuse_short(one.webhook_token, tokens)
    if _REPLIES.isdisjoint(reader.need):
        return AccountKeys(webhook_tokens=tokens)
    hint = f"`kommunicate.accounts.{name}` names it; remove `api_key` there to only read."
    key = reader.only_token(one.api_key, required=hint) if one.api_key else None
    url = api_url(reader, one.api_url, KOMMUNICATE_API) if one.api_url else KOMMUNICATE_API
    return AccountKeys(webhook_tokens=tokens, api_key=key, api_url=url.rstrip("/"))


def _refuse_shared(reader: Reader, held: Mapping[str, frozenset[str]], hint: str) -> None:
    """A secret shared by two would let one be mistaken for the other."""
    variables = list(held)
    for number, variable in enumerate(variables):
        for other in variables[:number]:
            if held[variable] & held[other]:
                reader.note("shared_secret", variable, f"{variable} and {other} hold the same secret.", hint)
