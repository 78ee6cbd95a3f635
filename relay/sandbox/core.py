"""What both vendors of the sandbox share: the clock, one lock, and a version that moves with every change."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable

# What opens the sandbox's two accounts; known to everybody, so none of it is secret.
BOT_LOGIN, APP_LOGIN, API_KEY = "xoxb-sandbox", "xapp-sandbox", "sandbox-key"
SIGNING_KEY, WEBHOOK_WORD = "sandbox-signing-secret", "sandbox-webhook-token"  # as long as the relay wants them


class Core:
    """The ground both stand-ins stand on; `now` gives seconds since 1970."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.now = now
        self.lock = threading.RLock()
        self.closing = threading.Event()
        self._boot = secrets.token_hex(4)
        self._changes = 0

    @property
    def version(self) -> str:
        """Differs after every change, and after a restart, so that a page left open notices both."""
        return f"{self._boot}-{self._changes}"

    def touch(self) -> None:
        """Tells every open page that there is something new to draw."""
        with self.lock:
            self._changes += 1
