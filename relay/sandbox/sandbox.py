"""Both vendors together: one clock, one lock, the faults, and a record of every call."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from relay.sandbox.core import API_KEY, BOT_LOGIN, SIGNING_KEY, WEBHOOK_WORD, Core
from relay.sandbox.faults import Fault, Faults
from relay.sandbox.kommunicate.account import KommunicateAccount
from relay.sandbox.pictures import Pictures
from relay.sandbox.slack.values import TEAM_ID
from relay.sandbox.slack.workspace import SCOPES, SlackWorkspace

MAX_CALLS = 200_000


EVERYTHING = {"slack": "*", "kommunicate": "/*"}  # the methods of each vendor


class Sandbox:
    """A Slack workspace and a Kommunicate account; `now` returns seconds since 1970."""

    def __init__(
        self,
        now: Callable[[], float] = time.time,
        *,
        bot_token: str = BOT_LOGIN,
        signing_secret: str = SIGNING_KEY,
        api_key: str = API_KEY,
        webhook_token: str = WEBHOOK_WORD,
        scopes: frozenset[str] = SCOPES,
        pace: float = 1.0,
        burst: int = 1,
        team: str = TEAM_ID,
    ) -> None:
        """`team` is the workspace's id in Slack: two sandboxes need two."""
        self.core = Core(now)
        self.pictures = Pictures()
        self.faults = Faults()
        self.slack = SlackWorkspace(
            self.core,
            pictures=self.pictures,
            bot_token=bot_token,
            signing_secret=signing_secret,
            scopes=scopes,
            pace=pace,
            burst=burst,
            team=team,
        )
        self.kommunicate = KommunicateAccount(
            self.core, pictures=self.pictures, api_key=api_key, webhook_token=webhook_token
        )
        self.kill_relay: Callable[[], None] | None = None  # set by whoever runs the relay as its process
        self.kills = 0
        self.broken_since: dict[str, float] = {}  # vendors that fail since somebody broke them; seconds since 1970
        self.tried: set[str] = set()  # the page's suggestions that were carried out
        self.first: str | None = None  # the customer whom the page shows until somebody chooses another
        self.told = False  # the demo's opening story has ended
        self.shown: set[str] = set()  # every token and key that it was shown, right or wrong
        self._calls: deque[dict[str, Any]] = deque(maxlen=MAX_CALLS)

    @property
    def scopes(self) -> set[str]:
        """The bot token's scopes; remove one, and the next call misses it."""
        return self.slack.scopes

    @property
    def broken(self) -> list[str]:
        """Which vendors fail at every call."""
        rules = {rule["method"] for rule in self.faults.listing() if rule["times"] is None}
        return [vendor for vendor, method in EVERYTHING.items() if method in rules]

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Every API call so far, oldest first; never a token."""
        with self.core.lock:
            return list(self._calls)

    def record(self, method: str, channel: str, outcome: str, status: int, fault: Fault | None) -> None:
        """Records one call; `status` 0 means that the caller got no answer."""
        silent = fault is not None and fault.kind.startswith(("reset", "timeout"))
        call = {"method": method, "channel": channel, "time": self.core.now(), "outcome": outcome}
        call |= {"status": 0 if silent else status, "fault": fault.kind if fault else None}
        with self.core.lock:
            self._calls.append(call)

    def connect(self, relay_url: str, *, replies: bool = True, socket_mode: bool = False) -> None:
        """Connects both vendors to a relay: the webhook and, with `replies`, Slack's events and clicks.

        With `socket_mode`, Slack waits for the relay to connect.
        """
        base = relay_url.rstrip("/")
        self.kommunicate.webhook_url = f"{base}/kommunicate/webhook"
        self.slack.sender.events_url = f"{base}/slack/events" if replies else None
        self.slack.sender.interactions_url = f"{base}/slack/interactions" if replies else None
        self.slack.sender.sockets.enabled = socket_mode
        self.core.touch()

    def wait_idle(self, timeout: float = 10.0) -> bool:
        """True if all webhooks and events were sent or given up within `timeout` seconds."""
        deadline = time.monotonic() + timeout
        return self.kommunicate.outbox.wait_idle(timeout) and self.slack.sender.outbox.wait_idle(
            max(0.0, deadline - time.monotonic())
        )
