"""What Slack says about a setup: the token's owner and scopes, and the state of a channel for the bot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from relay.owners import is_named, owned
from relay.slack.api import Api, unreadable
from relay.slack.client import SlackClient
from relay.slack.codes import TOKEN
from relay.slack.identity import Identity, identity_of

DEADLINE = 5.0  # seconds for each call: somebody is waiting
PROBE = "A test of the relay's setup. It is deleted again right away."


@dataclass(frozen=True, slots=True)
class Token:
    """The owner of a bot token, its scopes, and Slack's time, in seconds since 1970; None if not stated."""

    identity: Identity
    workspace: str
    bot: str
    scopes: frozenset[str] | None
    time: float | None


@dataclass(frozen=True, slots=True)
class ChannelState:
    """A channel as the bot sees it."""

    id: str
    name: str
    is_private: bool
    is_archived: bool
    is_member: bool


class SlackSetup:
    """Asks Slack about the setup; each call raises `DeliveryFailed` if it is refused or gets no answer."""

    def __init__(self, token: str, base_url: str, workspace: str = "", *, variable: str = TOKEN) -> None:
        """Channels of a named `workspace` have it in front; `variable` names the variable with the token."""
        self._api = Api(token, base_url, deadline=DEADLINE, workspace=workspace, variable=variable)
        self._client = SlackClient(token, base_url, api=self._api)

    def token(self) -> Token:
        """Returns the token's owner."""
        body, headers = self._api.read_whole("auth.test")
        scopes = headers.get("x-oauth-scopes")
        granted = None if scopes is None else frozenset(filter(None, (one.strip() for one in scopes.split(","))))
        workspace, bot = (str(body.get(name) or "") for name in ("team", "user"))
        return Token(identity_of(body, self._api.variable), workspace, bot, granted, _time(headers))

    def channel(self, named: str) -> ChannelState:
        """Returns the state of a channel given as an id or "#name"; raises `OperatorNeeded` if the bot cannot
        see it.
        """
        channel_id = self._client.find_channel(named) if is_named(named) else named
        body = self._api.read("conversations.info", {"channel": self._api.id_of(channel_id)})
        match body.get("channel"):
            case {"id": str(found), **channel}:
                name = channel.get("name")
                return ChannelState(
                    owned(self._api.workspace, found),
                    name if isinstance(name, str) else "",
                    channel.get("is_private") is True,
                    channel.get("is_archived") is True,
                    channel.get("is_member") is True,
                )
        raise unreadable("conversations.info")

    def post(self, channel_id: str, send_id: str) -> str:
        """Posts a sentence about itself into a channel and returns its `ts`."""
        return self._client.post(channel_id, {"text": PROBE}, thread_ts=None, send_id=send_id).ts

    def take_back(self, channel_id: str, ts: str) -> None:
        """Deletes such a post."""
        self._client.delete(channel_id, ts)


def _time(headers: Mapping[str, str]) -> float | None:
    try:
        return parsedate_to_datetime(headers.get("date", "")).timestamp()
    except (TypeError, ValueError):
        return None
