"""The secrets of further accounts, which the file names by their variables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from relay.settings.accounts import Account
from relay.settings.addresses import KOMMUNICATE_API, api_url
from relay.settings.schema import Config
from relay.settings.variables import Need, Reader

_REPLIES = {Need.TOKEN, Need.SLACK, Need.REPLIES}


@dataclass(frozen=True, kw_only=True)
class AccountKeys:
    """What opens one account of Kommunicate's, and its webhook; without an `api_key` it is read only."""

    webhook_tokens: tuple[str, ...] = field(default=(), repr=False)
    api_key: str | None = field(default=None, repr=False)
    api_url: str = KOMMUNICATE_API


def read_accounts(reader: Reader, config: Config, plain: Iterable[str]) -> dict[str, AccountKeys]:
    """The secrets of each account, as far as the command needs them; `plain` are the tokens of the plain webhook."""
    found = {name: _account(reader, name, one) for name, one in config.kommunicate.accounts.items()}
    _refuse_shared(reader, config, {"KOMMUNICATE_WEBHOOK_TOKEN": frozenset(plain)}, found)
    return found


def _account(reader: Reader, name: str, one: Account) -> AccountKeys:
    tokens: tuple[str, ...] = ()
    if Need.TOKEN in reader.need:
        hint = (
            f"`kommunicate.accounts.{name}` names it: put there what Kommunicate sends to /kommunicate/{name}/webhook."
        )
        tokens = reader.token(one.webhook_token, required=hint)
    if _REPLIES.isdisjoint(reader.need):
        return AccountKeys(webhook_tokens=tokens)
    hint = f"`kommunicate.accounts.{name}` names it; remove `api_key` there to only read."
    key = reader.only_token(one.api_key, required=hint) if one.api_key else None
    url = api_url(reader, one.api_url, KOMMUNICATE_API) if one.api_url else KOMMUNICATE_API
    return AccountKeys(webhook_tokens=tokens, api_key=key, api_url=url.rstrip("/"))


def _refuse_shared(
    reader: Reader, config: Config, plain: Mapping[str, frozenset[str]], found: Mapping[str, AccountKeys]
) -> None:
    """A token that opens two webhooks would let one account speak as the other."""
    accounts = config.kommunicate.accounts
    seen = dict(plain)
    for name, keys in found.items():
        variable, mine = accounts[name].webhook_token, frozenset(keys.webhook_tokens)
        for other, theirs in seen.items():
            if mine & theirs:
                hint = "Make up another long random text for one of them."
                reader.note("shared_token", variable, f"{variable} and {other} hold the same token.", hint)
        seen[variable] = mine
