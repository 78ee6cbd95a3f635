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
        yield Finding("replies_off", "info", message, "Nothing to do if that is what you want.")
        return
    if not (settings.public_url or settings.slack_signing_secrets) and _takes_files(settings.config):
        message = (
            "Agents' files do not reach customers: only Slack's requests to the first workspace's app say where the"
        )
        hint = f"Set {URL} to the address under which customers reach the relay; or say `files_back: refuse`."
        yield Finding("files_no_address", "info", f"{message} relay is, and there are none.", hint, URL)
    for name in settings.every_workspace:
        if not settings.hears(name):
            yield _off_in(name, by_socket=bool(settings.socket_apps))


def _off_in(workspace: str, *, by_socket: bool) -> Finding:
    """A workspace that nobody replies from, though replies are on elsewhere."""
    where = f"slack.workspaces.{workspace}" if workspace else "SLACK_SIGNING_SECRET"
    lacks = f"`{where}` has neither `signing_secret` nor `app_token`"
    if not workspace:
        lacks = "neither SLACK_SIGNING_SECRET nor SLACK_APP_TOKEN is set"
    same = " Where it has the same app as another workspace, give it the same token." if by_socket else ""
    hint = f"Nothing to do if that is what you want; otherwise set one of the two.{same}"
    of = f"the workspace {workspace}" if workspace else "the first workspace"
    return Finding("replies_off", "info", f"Replies are off in {of}: {lacks}. Its cards say so.", hint, where)


def why_off(settings: Settings) -> str:
    """Why agents' replies do not reach customers; "" if they do."""
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
