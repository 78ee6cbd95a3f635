"""Do replies reach customers, and if not, why?"""

from __future__ import annotations

from collections.abc import Iterator

from relay.doctor.setup import Setup
from relay.findings import Finding
from relay.messages import Mode
from relay.settings import Settings


def look(setup: Setup) -> Iterator[Finding]:
    """That they are off, which may be intended."""
    if why := why_off(setup.settings):
        message = f"Replies are off: {why}. Every card says so."
        yield Finding("replies_off", "info", message, "Nothing to do if that is what you want.")


def why_off(settings: Settings) -> str:
    """Why agents' replies do not reach customers; "" if they do."""
    if not settings.hears_slack:
        return "SLACK_SIGNING_SECRET is not set"
    if not any(keys.api_key for keys in settings.every_account.values()):
        return "KOMMUNICATE_API_KEY is not set"
    config = settings.config
    modes = {config.replies.mode, *(route.replies.mode or config.replies.mode for route in config.routes)}
    return "the YAML file says `replies: {mode: none}`" if modes == {Mode.NONE} else ""
