"""Does Kommunicate accept the API key?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from relay.doctor.setup import Setup
from relay.doctor.told import why_away
from relay.errors import DeliveryFailed, OperatorNeeded, RateLimited, Unreachable
from relay.findings import Finding
from relay.kommunicate.client import KommunicateClient

KEY, URL = "KOMMUNICATE_API_KEY", "KOMMUNICATE_API_URL"
DEADLINE = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class _Account:
    """What people call an account, and the variables of its key and its address."""

    of: str
    key: str
    url: str


def look(setup: Setup) -> Iterator[Finding]:
    """Why names cannot be looked up, and no reply reaches a customer, account by account."""
    known = setup.settings.config.kommunicate
    if setup.kommunicate is not None:
        yield from _look_at(setup.kommunicate, known.sender, _Account("", KEY, URL))
    for name, client in setup.other_accounts.items():
        own = known.accounts[name]
        account = _Account(f" (account {name})", own.api_key or KEY, own.api_url or URL)
        yield from _look_at(client, known.of(name).sender, account)


def _look_at(client: KommunicateClient, sender: str, account: _Account) -> Iterator[Finding]:
    try:
        client.people([sender], deadline=DEADLINE)
    except OperatorNeeded as error:
        yield _refused(error, account)
    except RateLimited:
        return  # it answers, and knows the key
    except Unreachable as error:
        message = f"Kommunicate{account.of} cannot be reached: {why_away(error)}."
        hint = f"Check this machine's network, firewall and HTTPS_PROXY, and {account.url} if it is set."
        yield Finding("kommunicate_unreachable", "error", message, hint, account.url)
    except DeliveryFailed as error:
        message = f"Kommunicate{account.of} gave an unexpected answer ({error.code or type(error).__name__})."
        hint = (
            f"Compare {account.url} with your account's region; if it is right, Kommunicate has a problem: try later."
        )
        yield Finding("kommunicate_answer", "error", message, hint, account.url)


def _refused(error: OperatorNeeded, account: _Account) -> Finding:
    if error.code.startswith("http_3"):
        hint, message = f"Set {account.url} to the address it leads to.", "redirects to another address."
        return Finding("kommunicate_redirect", "error", f"Kommunicate{account.of} {message}", hint, account.url)
    message = (
        f"Kommunicate{account.of} does not accept the API key: chats show no names, and replies do not reach customers."
    )
    hint = "Copy it again from Kommunicate's dashboard, under Settings, Install."
    return Finding("kommunicate_key", "error", message, hint, account.key)
