"""Can a secret be guessed?"""

from __future__ import annotations

from collections.abc import Iterator

from relay.doctor.setup import Setup
from relay.findings import Finding

SHORTEST = 16  # characters
ANEW = "Create a new one: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'."

HINTS = {
    "KOMMUNICATE_WEBHOOK_TOKEN": f"{ANEW} Set it to NEW,OLD, restart, change it in Kommunicate, then remove OLD.",
    "SLACK_SIGNING_SECRET": "Slack's are longer: copy the whole value again from Basic Information, App Credentials.",
    "RELAY_ADMIN_PASSWORD": ANEW,
    "RELAY_METRICS_TOKEN": ANEW,
}


def look(setup: Setup) -> Iterator[Finding]:
    """Secrets that are too short; tests may have such."""
    if setup.settings.env == "test":
        return
    settings = setup.settings
    given: dict[str, tuple[str | None, ...]] = {
        "KOMMUNICATE_WEBHOOK_TOKEN": settings.webhook_tokens,
        "SLACK_SIGNING_SECRET": settings.slack_signing_secrets,
        "RELAY_ADMIN_PASSWORD": (settings.admin_password,),
        "RELAY_METRICS_TOKEN": (settings.metrics_token,),
    }
    accounts, workspaces = settings.config.kommunicate.accounts, settings.config.slack.workspaces
    of_accounts = {accounts[name].webhook_token: keys.webhook_tokens for name, keys in settings.accounts.items()}
    of_workspaces = {
        variable: keys.signing_secrets
        for name, keys in settings.workspaces.items()
        if (variable := workspaces[name].signing_secret)
    }
    hints = {
        **HINTS,
        **dict.fromkeys(of_accounts, HINTS["KOMMUNICATE_WEBHOOK_TOKEN"]),
        **dict.fromkeys(of_workspaces, HINTS["SLACK_SIGNING_SECRET"]),
    }
    given |= of_accounts | of_workspaces
    for name, values in given.items():
        if any(value is not None and len(value) < SHORTEST for value in values):
            message = f"{name} has fewer than {SHORTEST} characters, so it can be guessed."
            yield Finding("secret_short", "error", message, hints[name], name)
