"""Does Kommunicate accept the API key?"""

from __future__ import annotations

from collections.abc import Iterator

from relay.doctor.setup import Setup
from relay.doctor.told import why_away
from relay.errors import DeliveryFailed, OperatorNeeded, RateLimited, Unreachable
from relay.findings import Finding

KEY, URL = "KOMMUNICATE_API_KEY", "KOMMUNICATE_API_URL"
DEADLINE = 5.0  # seconds


def look(setup: Setup) -> Iterator[Finding]:
    """Why names cannot be looked up, and replies do not reach customers."""
    if setup.kommunicate is None:
        return
    try:
        setup.kommunicate.people([setup.settings.config.kommunicate.sender], deadline=DEADLINE)
    except OperatorNeeded as error:
        yield _refused(error)
    except RateLimited:
        return  # it answers, and knows the key
    except Unreachable as error:
        message = f"Kommunicate cannot be reached: {why_away(error)}."
        hint = f"Check this machine's network, firewall and HTTPS_PROXY, and {URL} if it is set."
        yield Finding("kommunicate_unreachable", "error", message, hint, URL)
    except DeliveryFailed as error:
        message = f"Kommunicate gave an unexpected answer ({error.code or type(error).__name__})."
        hint = f"Compare {URL} with your account's region; if it is right, Kommunicate has a problem: try later."
        yield Finding("kommunicate_answer", "error", message, hint, URL)


def _refused(error: OperatorNeeded) -> Finding:
    if error.code.startswith("http_3"):
        hint = f"Set {URL} to the address it leads to."
        return Finding("kommunicate_redirect", "error", "Kommunicate redirects to another address.", hint, URL)
    message = "Kommunicate does not accept the API key: chats show no names, and replies do not reach customers."
    hint = "Copy it again from Kommunicate's dashboard, under Settings, Install."
    return Finding("kommunicate_key", "error", message, hint, KEY)
