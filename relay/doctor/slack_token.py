"""Who owns the bot token?"""

from __future__ import annotations

from collections.abc import Iterator

from relay.doctor.setup import Setup
from relay.doctor.told import why_away
from relay.errors import DeliveryFailed, OperatorNeeded, RateLimited, Unreachable
from relay.findings import Finding

TOKEN = "SLACK_BOT_TOKEN"  # noqa: S105  the variable
PAGE = "In Slack's app settings: OAuth & Permissions, Bot User OAuth Token; it begins with xoxb-."


def look(setup: Setup) -> Iterator[Finding]:
    """The workspace and the bot, or why Slack does not say."""
    if setup.slack is None:
        return
    try:
        token, _ = setup.token
    except OperatorNeeded as error:
        yield Finding("slack_token", "error", f"{error}.", PAGE, TOKEN)
    except RateLimited:
        yield Finding(
            "slack_limits", "warning", "Slack is rate limiting this call.", "Run this again in a minute.", TOKEN
        )
    except DeliveryFailed as error:
        yield _away(error)
    else:
        us = token.identity
        app = f" of the app {us.app_id}" if us.app_id else ""
        message = f"The token is the bot {token.bot}'s{app}, in the workspace {token.workspace} ({us.team})."
        yield Finding("slack_identity", "info", message, "", TOKEN)


def _away(error: DeliveryFailed) -> Finding:
    if not isinstance(error, Unreachable) and error.code not in ("deadline", "connection_lost"):
        message = f"What answers at SLACK_API_URL is not Slack, or Slack has a problem ({error.code})."
        hint = "Remove SLACK_API_URL to use Slack's own address, and check status.slack.com."
        return Finding("slack_answer", "error", message, hint, "SLACK_API_URL")
    message = f"Slack cannot be reached: {why_away(error)}."
    hint = "Check this machine's network, firewall and HTTPS_PROXY; SLACK_API_URL is needed only for tests."
    return Finding("slack_unreachable", "error", message, hint, "SLACK_API_URL")
