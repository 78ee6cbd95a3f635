"""Do replies reach customers, and if not, why?"""

from __future__ import annotations

from collections.abc import Iterator

from relay.doctor.setup import Setup
from relay.findings import Finding
from relay.messages import Mode
from relay.settings import Settings


def look(setup: Setup) -> Iterator[Finding]:
    """That they are off, which may be meant so."""
    if why := why_off(setup.settings):
        message = f"Replies are off: {why}. Every card says so."
        yield Finding("replies_off", "info", message, "Nothing is to be done if that is what you want.")
        return
    for name in setup.settings.every_workspace:
        if not setup.settings.hears(name):
            yield _off_in(name, by_socket=bool(setup.settings.socket_apps))


def _off_in(workspace: str, *, by_socket: bool) -> Finding:
    """A workspace that nobody replies from, though replies are on elsewhere."""
    where = f"slack.workspaces.{workspace}" if workspace else "SLACK_SIGNING_SECRET"
    lacks = f"`{where}` has neither `signing_secret` nor `app_token`"
    if not workspace:
        lacks = "neither SLACK_SIGNING_SECRET nor SLACK_APP_TOKEN is set"
    same = " Where it has the same app as another workspace, give it the same token." if by_socket else ""
    hint = f"Nothing is to be done if that is what you want; else set one of the two.{same}"
    of = f"the workspace {workspace}" if workspace else "the first workspace"
    return Finding("replies_off", "info", f"Replies are off in {of}: {lacks}. Its cards say so.", hint, where)


def why_off(settings: Settings) -> str:
    """Why agents' replies do not reach customers; "" where they do."""
    if not settings.hears_slack:
        return "SLACK_SIGNING_SECRET is not set"
    if not any(keys.api_key for keys in settings.every_account.values()):
        return "KOMMUNICATE_API_KEY is not set"
    config = settings.config
    modes = {config.replies.mode, *(route.replies.mode or config.replies.mode for route in config.routes)}
    return "the YAML file says `replies: {mode: none}`" if modes == {Mode.NONE} else ""
