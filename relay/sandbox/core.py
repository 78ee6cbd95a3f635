"""What both vendors of the sandbox share: the clock, one lock, and a version that changes with every change."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable

# The credentials of the sandbox's two accounts. Everybody knows them, so they are not secret.
BOT_LOGIN, APP_LOGIN, API_KEY = "xoxb-sandbox", "xapp-sandbox", "sandbox-key"
SIGNING_KEY, WEBHOOK_WORD = "sandbox-signing-secret", "sandbox-webhook-token"  # as long as the relay requires


class Core:
    """The state that both stand-ins share; `now` returns seconds since 1970."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.now = now
        self.lock = threading.RLock()
        self.closing = threading.Event()
        self._boot = secrets.token_hex(4)
        self._changes = 0

    @property
    def version(self) -> str:
        """Differs after every change, and after a restart, so that an open page notices both."""
        return f"{self._boot}-{self._changes}"

    def touch(self) -> None:
        """Tells every open page that there is something new to draw."""
        with self.lock:
            self._changes += 1
