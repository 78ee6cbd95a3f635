"""Does the relay, at the address that Slack calls, know our secrets? It is asked as Slack asks a new address."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator

from relay.doctor.setup import Setup, said
from relay.doctor.told import why_away
from relay.errors import DeliveryFailed
from relay.findings import Finding
from relay.slack.auth import TIMESTAMP, signature_headers

SECRET, PATH = "SLACK_SIGNING_SECRET", "/slack/events"


def look(setup: Setup) -> Iterator[Finding]:
    """Why the events of Slack's workspaces would not be accepted, one by one."""
    if setup.address is None:
        return
    named = setup.settings.config.slack.workspaces
    for name, keys in setup.settings.every_workspace.items():
        if keys.signing_secrets:
            own = named[name].signing_secret if name else None
            yield from _try(setup, keys.signing_secrets[0], own or SECRET)


def _try(setup: Setup, secret: str, variable: str) -> Iterator[Finding]:
    challenge = secrets.token_hex(16)
    body = json.dumps({"type": "url_verification", "challenge": challenge}).encode()
    headers = signature_headers(body, secret, setup.clock.now())
    at = f"{setup.address}{PATH}"
    try:
        response = setup.ask("POST", PATH, body, {"Content-Type": "application/json", **headers})
    except DeliveryFailed as error:
        hint = "Give the relay more CPU or memory; Slack waits only 3 seconds."
        yield Finding("slack_events", "error", f"{at} cannot be called: {why_away(error)}.", hint, variable)
        return
    answer = said(response)
    if response.status == 404:
        hint = f"Set {variable} where `relay serve` runs, and restart it."
        yield Finding("slack_events_off", "error", f"The relay accepts no events at {at}.", hint, variable)
    elif response.status == 401:
        yield _refused(at, variable, TIMESTAMP in str(answer.get("message")))
    elif answer.get("challenge") != challenge:
        hint = "Have the proxy forward requests to the relay unchanged, with all headers and no login in front."
        message = f"Something in front of the relay answers at {at} ({response.status})."
        yield Finding("slack_events", "error", message, hint, variable)


def _refused(at: str, variable: str, for_its_time: bool) -> Finding:  # noqa: FBT001  the answer itself
    if for_its_time:
        message = f"The relay at {at} has a clock more than five minutes off from this machine's."
        hint = "Synchronise both clocks: `timedatectl set-ntp true`, or the host's time service."
        return Finding("slack_events_time", "error", message, hint, variable)
    message = f"The relay at {at} refuses requests signed with this {variable}."
    hint = (
        "It runs with a different one: give it this one, from Slack's app settings, Basic Information, App "
        "Credentials, and restart it. Or the proxy changes request bodies."
    )
    return Finding("signing_secret", "error", message, hint, variable)
