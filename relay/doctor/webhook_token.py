"""Does the relay take each account's webhooks? What is tried is half a body, which is never stored."""

from __future__ import annotations

from collections.abc import Iterator

from relay.doctor.setup import Setup, said
from relay.doctor.told import why_away
from relay.errors import DeliveryFailed
from relay.findings import Finding
from relay.kommunicate.auth import authentication
from relay.owners import ACCOUNT

TOKEN, PATH = "KOMMUNICATE_WEBHOOK_TOKEN", "/kommunicate/webhook"
HALF = b"{"


def look(setup: Setup) -> Iterator[Finding]:
    """Why Kommunicate's webhooks would not be accepted."""
    if not setup.settings.webhook_tokens:
        hint = f"It must be set where `relay serve` runs; run `relay doctor` there, or with {TOKEN} set."
        yield Finding("webhook_token_unset", "warning", f"{TOKEN} is not set here, so it was not checked.", hint, TOKEN)
        return
    if setup.address is None:
        return
    for name, keys in setup.settings.every_account.items():
        path = PATH if name == ACCOUNT else f"/kommunicate/{name}/webhook"
        if keys.webhook_tokens:
            yield from _try(setup, path, keys.webhook_tokens[0], setup.settings.token_variable(name))


def _try(setup: Setup, path: str, token: str, variable: str) -> Iterator[Finding]:
    at, headers = f"{setup.address}{path}", {"Content-Type": "application/json", **authentication(token)}
    try:
        response = setup.ask("POST", path, HALF, headers)
    except DeliveryFailed as error:
        hint = "Check the proxy's log."
        yield Finding("webhook_blocked", "error", f"{at} cannot be called: {why_away(error)}.", hint, variable)
        return
    code = said(response).get("error")
    if response.status == 401 and code:
        yield _refused(at, variable, "missing" in str(said(response).get("message")))
    elif response.status not in (400, 422) or not code:
        message = f"Something in front of the relay answers at {at} ({response.status})."
        hint = "Have the proxy forward requests to the relay unchanged: no login, no filter, no page of its own."
        yield Finding("webhook_blocked", "error", message, hint, variable)


def _refused(at: str, variable: str, is_missing: bool) -> Finding:  # noqa: FBT001  the answer itself
    if is_missing:
        message = f"The header Authentication does not arrive at {at}."
        hint = "The proxy in front of the relay removes it: have it forward all headers."
        return Finding("webhook_header", "error", message, hint, variable)
    message = f"The relay at {at} refuses this {variable}."
    hint = "It runs with a different one: give it this one, and restart it."
    return Finding("webhook_token", "error", message, hint, variable)
