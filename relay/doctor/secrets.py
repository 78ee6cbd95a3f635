"""Can a secret be guessed?"""

from __future__ import annotations

from collections.abc import Iterator

from relay.doctor.setup import Setup
from relay.findings import Finding

SHORTEST = 16  # characters
ANEW = "Make a new one: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'."

HINTS = {
    "KOMMUNICATE_WEBHOOK_TOKEN": f"{ANEW} Set it as NEW,OLD, start again, change it in Kommunicate, then remove OLD.",
    "SLACK_SIGNING_SECRET": "Slack's are longer: copy it again, whole, from Basic Information, App Credentials.",
    "RELAY_ADMIN_PASSWORD": ANEW,
    "RELAY_METRICS_TOKEN": ANEW,
}


def look(setup: Setup) -> Iterator[Finding]:
    """Those that are too short; tests may have such."""
    if setup.settings.env == "test":
        return
    settings = setup.settings
    given = {
        "KOMMUNICATE_WEBHOOK_TOKEN": settings.webhook_tokens,
        "SLACK_SIGNING_SECRET": settings.slack_signing_secrets,
        "RELAY_ADMIN_PASSWORD": (settings.admin_password,),
        "RELAY_METRICS_TOKEN": (settings.metrics_token,),
    }
    for name, values in given.items():
        if any(value is not None and len(value) < SHORTEST for value in values):
            message = f"{name} has fewer than {SHORTEST} characters, so it can be guessed."
            yield Finding("secret_short", "error", message, HINTS[name], name)
