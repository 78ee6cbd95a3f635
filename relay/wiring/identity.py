"""Learns in the background whose each token is, so that what Slack sends for others is known."""

from __future__ import annotations

import os
import threading

import structlog

from relay.errors import DeliveryFailed, RateLimited, Transient, Unsure
from relay.slack.client import SlackClient
from relay.slack.identity import Identity
from relay.wiring.relay import Relay

ASK_AGAIN = 30.0  # seconds until Slack is asked again whose the token is

log = structlog.get_logger()


class Learning:
    """Learns it in each process of a server that forks: a thread that was started before lives in none of them."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._process: int | None = None  # the one in which it was begun

    def look(self) -> None:
        """Begin, unless this process has begun."""
        if self._process != os.getpid():
            self._process = os.getpid()
            learn_identity(self._relay)


def learn_identity(relay: Relay) -> None:
    """Ask Slack in the background whose each token is, again and again until it says so; nobody waits for it."""
    for name, keys in relay.settings.every_workspace.items():
        if keys.bot_token is not None:
            variable, times = relay.settings.bot_variable(name), relay.slack_times
            client = SlackClient(keys.bot_token, keys.api_url, workspace=name, variable=variable, times=times)
            threading.Thread(target=_ask, args=(relay, name, client), name="identity", daemon=True).start()


def _ask(relay: Relay, workspace: str, client: SlackClient) -> None:
    done = False
    while not done:
        try:
            if relay.identity_in(workspace) is None:
                _remember(relay, workspace, client.identity())
            _remember(relay, workspace, client.whole_identity())
            done = True
        except DeliveryFailed as error:
            log.warning("slack.identity_unknown", workspace=workspace, code=error.code, cause=str(error))
            known = relay.identity_in(workspace) is not None  # but for its app, which Slack may refuse to name
            done = known and not isinstance(error, RateLimited | Transient | Unsure)
            if not done:
                threading.Event().wait(ASK_AGAIN)


def _remember(relay: Relay, workspace: str, found: Identity) -> None:
    if workspace:
        relay.other_identities[workspace] = found
    else:
        relay.identity = found
