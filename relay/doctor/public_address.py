"""Does the relay answer at the address that Kommunicate and Slack call?"""

from __future__ import annotations

from collections.abc import Iterator

from relay.doctor.setup import Setup, is_the_relay, said
from relay.doctor.told import why_away
from relay.errors import DeliveryFailed, Unreachable
from relay.findings import Finding
from relay.net.call import CERTIFICATE, NO_NAME, Response

URL = "RELAY_PUBLIC_URL"


def look(setup: Setup) -> Iterator[Finding]:
    """What a call from outside would get."""
    if setup.address is None:
        hint = f"Set {URL} to the https address that you gave to Kommunicate and Slack, without a path."
        message = "The relay's public address is not known yet, so it was not checked."
        yield Finding("public_address_unknown", "info", message, hint, URL)
        return
    try:
        alive = setup.ask("GET", "/healthz")
        ready = setup.ask("GET", "/readyz")
    except DeliveryFailed as error:
        yield _away(setup, error)
    else:
        yield from _answered(setup, setup.address, alive, ready)


def _away(setup: Setup, error: DeliveryFailed) -> Finding:
    message = f"{setup.address} cannot be called: {why_away(error)}."
    if isinstance(error, Unreachable) and error.kind == CERTIFICATE:
        hint = "Renew the certificate, or have the proxy send the full chain: Kommunicate and Slack refuse it too."
        return Finding("public_certificate", "error", message, hint, URL)
    if isinstance(error, Unreachable) and error.kind == NO_NAME:
        return Finding("public_address", "error", message, "Correct the address, or its DNS entry.", URL)
    first = "Start `relay serve`; or" if setup.port_here is None else _runs(setup.port_here)
    hint = f"{first} correct the address, its DNS entry, or the proxy in front of the relay."
    return Finding("public_address", "error", message, hint, URL)


def _runs(port: int) -> str:
    return f"The relay is running here, on port {port}:"


def _answered(setup: Setup, address: str, alive: Response, ready: Response) -> Iterator[Finding]:
    if 300 <= alive.status < 400:
        hint = f"Give Kommunicate, Slack and {URL} the address it redirects to: webhook senders follow no redirects."
        yield Finding("public_redirect", "error", f"{address} redirects to another address.", hint, URL)
    elif alive.status >= 500:
        message = f"{address} answers with {alive.status}: the proxy responds, but the relay behind it does not."
        hint = "Start `relay serve` on the port that the proxy calls."
        if setup.port_here is not None:
            hint = f"{_runs(setup.port_here)} have the proxy call that port."
        yield Finding("public_address", "error", message, hint, URL)
    elif not is_the_relay(alive):
        message = f"What answers at {address} is not the relay ({alive.status})."
        hint = "Correct the address, or have the proxy forward everything to the relay, with no page of its own."
        yield Finding("public_other", "error", message, hint, URL)
    elif ready.status != 200:
        message = (
            f"The relay at {address} is running but cannot store anything ({said(ready).get('error', ready.status)})."
        )
        hint = "Its log says why, at `store.unavailable`; or it runs with another DATABASE_URL than this one."
        yield Finding("relay_not_ready", "error", message, hint, URL)
