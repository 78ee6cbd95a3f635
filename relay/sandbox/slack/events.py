"""What Slack sends to an app: Events API calls and interactions, signed and retried; or by Socket Mode."""

from __future__ import annotations

import json
import secrets
from typing import Any
from urllib.parse import urlencode

from slack_sdk.signature import Clock, SignatureVerifier

from relay.sandbox.core import Core
from relay.sandbox.outbox import Outbox, Outgoing
from relay.sandbox.slack.sockets import Sockets
from relay.sandbox.slack.values import APP_ID, BOT_USER_ID, TEAM_ID

SUBSCRIBED = (
    "message",
    "app_home_opened",
    "app_uninstalled",
    "tokens_revoked",
    "channel_archive",
    "channel_unarchive",
    "group_archive",
    "group_unarchive",
)


class EventSender:
    """Posts to the app's two addresses, if they are set; `subscribed` are the manifest's bot_events.

    With `sockets.enabled`, Socket Mode is on, and everything goes over the app's own connections instead.
    """

    def __init__(self, core: Core, signing_secret: str, team: str = TEAM_ID) -> None:
        self.core, self.team = core, team
        self.signing_secret = signing_secret
        self.events_url: str | None = None
        self.interactions_url: str | None = None
        self.sockets = Sockets(core)
        self.subscribed = set(SUBSCRIBED)
        # Slack waits 0, 60 and 300 seconds before its three retries; too long for somebody watching a demo
        self.outbox = Outbox(core, (0.0, 0.5, 2.0))

    def send_event(self, event: dict[str, Any]) -> Outgoing | None:
        """Wraps and sends one event; None if no address is set or the app is not subscribed."""
        if event["type"] not in self.subscribed:
            return None
        event_id = f"Ev{secrets.token_hex(5).upper()}"
        callback = {
            "token": "sandbox",
            "team_id": TEAM_ID,
            "api_app_id": APP_ID,
            "type": "event_callback",
            "event": event,
            "event_id": event_id,
            "event_time": int(self.core.now()),
            "authorizations": [{"team_id": TEAM_ID, "user_id": BOT_USER_ID, "is_bot": True}],
        }
        lane = str(event.get("channel", ""))
        if self.sockets.enabled:
            return self.outbox.put(self._letter("events_api", callback, event_id, lane))
        if self.events_url is None:
            return None
        return self._post(self.events_url, self._as_told(callback).encode(), "application/json", event_id, lane)

    def send_interaction(self, payload: dict[str, Any]) -> Outgoing | None:
        """Sends one click, form-encoded as Slack does; None if no address is set."""
        if self.sockets.enabled:
            return self.outbox.put(self._letter("interactive", payload, payload["trigger_id"], "interactions"))
        if self.interactions_url is None:
            return None
        body = urlencode({"payload": self._as_told(payload)}).encode()
        kind = "application/x-www-form-urlencoded"
        return self._post(self.interactions_url, body, kind, payload["trigger_id"], "interactions")

    def send_command(self, fields: dict[str, str]) -> Outgoing | None:
        """Sends a slash command, form-encoded, to the same address; None if none is set."""
        if self.sockets.enabled:
            return self.outbox.put(self._letter("slash_commands", fields, fields["trigger_id"], "interactions"))
        if self.interactions_url is None:
            return None
        told = {**fields, "team_id": self.team}
        body, kind = urlencode(told).encode(), "application/x-www-form-urlencoded"
        return self._post(self.interactions_url, body, kind, fields["trigger_id"], "interactions")

    def _as_told(self, value: dict[str, Any]) -> str:
        """The JSON with this workspace's own id: inside the sandbox, all workspaces have the same one."""
        return json.dumps(value).replace(TEAM_ID, self.team)

    def _letter(self, kind: str, value: dict[str, Any], key: str, lane: str) -> Outgoing:
        return self.sockets.letter(kind, json.loads(self._as_told(value)), key, lane)

    def sign(self, item: Outgoing) -> None:
        """Signs an event's body anew, as Slack does for every attempt."""
        item.headers = {**item.headers, **self._signature(item.body)}

    def _post(self, url: str, body: bytes, content_type: str, key: str, lane: str) -> Outgoing:
        headers = {"Content-Type": content_type, "User-Agent": "Slackbot 1.0 (sandbox)"}
        return self.outbox.put(Outgoing(lane, url, body, headers | self._signature(body), key))

    def _signature(self, body: bytes) -> dict[str, str]:
        timestamp = str(int(self.core.now()))
        verifier = SignatureVerifier(self.signing_secret, Clock())
        signature = verifier.generate_signature(timestamp=timestamp, body=body)
        return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": signature or ""}
