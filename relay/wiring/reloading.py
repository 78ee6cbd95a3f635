"""Applies edits of the YAML file in a running process; an invalid one changes nothing, and is reported."""

from __future__ import annotations

import threading

import structlog

from relay.clock import monotonic
from relay.findings import Finding, errors
from relay.settings import Config
from relay.settings.watching import Edit
from relay.wiring.relay import Relay

EVERY = 0.5  # seconds between checks of the file
AFTER_TROUBLE = 30.0  # the same after an unexpected error

log = structlog.get_logger()


def read_at_start(now: Config, edited: Config) -> tuple[Finding, ...]:
    """What of an edit cannot be applied, because the secrets it names are read at start."""
    if variables(now) == variables(edited):
        return ()
    message = "The accounts and workspaces, and their variables, cannot change while the relay runs."
    where = "kommunicate.accounts, slack.workspaces"
    return (Finding("restart_needed", "error", message, "Restart the relay.", where),)


def variables(config: Config) -> tuple[object, object]:
    """The variables with the secrets of each account and workspace."""
    accounts = config.kommunicate.accounts
    of_accounts = {name: (one.webhook_token, one.api_key, one.api_url) for name, one in accounts.items()}
    return of_accounts, dict(config.slack.workspaces)


class Reloader:
    """Checks the file repeatedly: in its own thread while it is entered, or whenever it is asked to."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._watch = relay.settings.watch
        self._left: Edit | None = None  # an edit that is not taken over yet
        self._lock = threading.Lock()
        self._look_at = 0.0  # on the monotonic clock
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._look_until_stopped, name="reloading", daemon=True)

    def __enter__(self) -> Reloader:
        if self._watch is not None:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()

    def look(self) -> None:
        """Apply the file if it was edited; only one thread checks, and not too often."""
        if monotonic() < self._look_at or not self._lock.acquire(blocking=False):
            return
        wait = EVERY
        try:
            self._look()
        except Exception as error:  # noqa: BLE001 - whatever an edit does to us, messages come in and go out
            log.error("config.not_taken_over", error=type(error).__name__)
            self._tell(error)
            wait = AFTER_TROUBLE
        finally:
            self._look_at = monotonic() + wait
            self._lock.release()

    def _look(self) -> None:
        edit = (self._watch.edited() if self._watch is not None else None) or self._left
        if edit is None:
            return
        self._left = edit
        needs_restart = () if edit.config is None else read_at_start(self._relay.settings.config, edit.config)
        if edit.config is None or needs_restart:
            self._relay.config_errors = tuple(errors([*edit.findings, *needs_restart]))
            log.error("config.refused", findings=[str(one) for one in self._relay.config_errors])
        else:
            self._relay.config_errors = ()
            self._relay.use(edit.config)
            log.info("config.reloaded", warnings=[str(one) for one in edit.findings])
        self._relay.on_edit()
        self._left = None

    def _tell(self, error: Exception) -> None:
        """Half of the relay may go by the edit and half by what was before: people must know."""
        if self._left is not None:
            message = f"It could not be taken over as it was edited ({type(error).__name__})."
            hint = "Restart the relay. This is a bug in it: please report it."
            where = self._watch.name if self._watch is not None else ""
            self._relay.config_errors = (Finding("restart_needed", "error", message, hint, where),)

    def _look_until_stopped(self) -> None:
        while not self._stopping.wait(EVERY):
            self.look()
