"""Do replies reach customers, with their files, and if not, why?"""

from __future__ import annotations

from collections.abc import Iterator

from relay.doctor.setup import Setup
from relay.files import FilesBack
from relay.findings import Finding
from relay.messages import Mode
from relay.settings import Config, Settings

URL = "RELAY_PUBLIC_URL"


def look(setup: Setup) -> Iterator[Finding]:
    """That they are off, or go without their files, which may be meant so."""
    settings = setup.settings
    if why := why_off(settings):
        message = f"Replies are off: {why}. Every card says so."
        yield Finding("replies_off", "info", message, "Nothing is to be done if that is what you want.")
    elif not (settings.public_url or settings.slack_signing_secrets) and _takes_files(settings.config):
        message = (
            "Agents' files do not reach customers: only Slack's requests to the first workspace's app say where the"
        )
        hint = f"Set {URL} to the address under which customers reach the relay; or say `files_back: refuse`."
        yield Finding("files_no_address", "info", f"{message} relay is, and there are none.", hint, URL)


def why_off(settings: Settings) -> str:
    """Why agents' replies do not reach customers; "" where they do."""
    if not settings.hears_slack:
        return "SLACK_SIGNING_SECRET is not set"
    if not any(keys.api_key for keys in settings.every_account.values()):
        return "KOMMUNICATE_API_KEY is not set"
    config = settings.config
    modes = {config.replies.mode, *(route.replies.mode or config.replies.mode for route in config.routes)}
    return "the YAML file says `replies: {mode: none}`" if modes == {Mode.NONE} else ""


def _takes_files(config: Config) -> bool:
    ways = (config.files_back, *(route.files_back for route in config.routes))
    return any(way not in (None, FilesBack.REFUSE) for way in ways)
