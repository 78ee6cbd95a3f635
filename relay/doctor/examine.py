"""Runs the checks, in parallel where they are independent, and each with a time limit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from relay.clock import monotonic
from relay.doctor import (
    backlog,
    channels,
    clock_skew,
    database,
    disk,
    file_modes,
    kommunicate_key,
    pauses,
    pooler,
    public_address,
    refused,
    replies,
    schema,
    scopes,
    secrets,
    signing_secret,
    slack_token,
    traffic,
    webhook_token,
    wiped_disk,
)
from relay.doctor.setup import Setup
from relay.errors import StoreUnavailable
from relay.findings import Finding

LIMIT = 10.0  # seconds
WORST_FIRST = {"error": 0, "warning": 1, "info": 2}


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a setup.

    `after` is the check without whose success this one would only repeat its finding; `of_tables`: it queries stored
    data; `at_start`: a starting relay runs it too; `limit` is in seconds.
    """

    look: Callable[[Setup], Iterable[Finding]]
    after: str = ""
    of_tables: bool = False
    at_start: bool = True
    limit: float = LIMIT


CHECKS: Mapping[str, Check] = {
    "database": Check(database.look),
    "schema": Check(schema.look, after="database"),
    "wiped disk": Check(wiped_disk.look),
    "Slack token": Check(slack_token.look),
    "scopes": Check(scopes.look, after="Slack token"),
    "clock": Check(clock_skew.look, after="Slack token"),
    "channels": Check(channels.look, after="Slack token", limit=60.0),
    "Kommunicate key": Check(kommunicate_key.look, limit=30.0),
    "public address": Check(public_address.look, after="database", at_start=False, limit=15.0),
    "signing secret": Check(signing_secret.look, after="public address", at_start=False, limit=30.0),
    "webhook token": Check(webhook_token.look, after="public address", at_start=False, limit=30.0),
    "refused requests": Check(refused.look, after="database", of_tables=True),
    "pauses": Check(pauses.look, after="database", of_tables=True),
    "backlog": Check(backlog.look, after="database", of_tables=True),
    "secrets": Check(secrets.look),
    "file modes": Check(file_modes.look),
    "pooler": Check(pooler.look, after="database"),
    "disk": Check(disk.look, after="database"),
    "replies": Check(replies.look),
    "traffic": Check(traffic.look, after="database", of_tables=True, at_start=False),
}
"""By what they are called. Of findings of one level, those of the first come first: they are the cause of others."""

AT_START: Mapping[str, Check] = {name: check for name, check in CHECKS.items() if check.at_start}


@dataclass
class _Look:
    """A running check, in its own thread: one that hangs blocks nobody."""

    name: str
    check: Check
    setup: Setup
    found: list[Finding] | None = None
    ended: threading.Event = field(default_factory=threading.Event)

    def start(self) -> _Look:
        threading.Thread(target=self._run, name=f"doctor {self.name}", daemon=True).start()
        return self

    def result(self, begun: float) -> list[Finding]:
        """What it found, or that it did not finish in time."""
        if self.ended.wait(max(0.0, begun + self.check.limit - monotonic())) and self.found is not None:
            return self.found
        message = f"Checking the {self.name} took longer than {self.check.limit:.0f} seconds."
        return [
            Finding("check_late", "warning", message, "Run `relay doctor` again; something it depends on is very slow.")
        ]

    def _run(self) -> None:
        try:
            self.found = list(self.check.look(self.setup))
        except StoreUnavailable as error:
            self.found = [Finding(error.code, "error", str(error), error.hint, "DATABASE_URL")]
        except Exception as error:  # noqa: BLE001 - the other checks still have something to tell
            message = f"Checking the {self.name} failed ({type(error).__name__})."
            self.found = [Finding("check_failed", "warning", message, "This is a bug in the relay: please report it.")]
        finally:
            self.ended.set()


def examine(setup: Setup, checks: Mapping[str, Check] = CHECKS) -> list[Finding]:
    """Every finding, worst first."""
    return in_order(one for found in examine_each(setup, checks).values() for one in found)


def examine_each(setup: Setup, checks: Mapping[str, Check]) -> dict[str, list[Finding]]:
    """What each check found, in their order."""
    found: dict[str, list[Finding]] = {}
    while left := [name for name in checks if name not in found]:
        ready = [name for name in left if checks[name].after not in left]
        begun = monotonic()
        looks = [_Look(name, checks[name], setup).start() for name in ready if _is_worth_it(checks[name], setup, found)]
        found |= {name: [] for name in ready}
        found |= {look.name: look.result(begun) for look in looks}
    return {name: found[name] for name in checks}


def again(found: Mapping[str, list[Finding]], checks: Mapping[str, Check]) -> dict[str, Check]:
    """The checks that found something wrong, and those they depend on."""
    wanted = {name for name, findings in found.items() if _is_wrong(findings)}
    while ground := {checks[name].after for name in wanted} & set(checks) - wanted:
        wanted |= ground
    return {name: check for name, check in checks.items() if name in wanted}


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Worst first, without duplicates; otherwise in order."""
    return sorted(dict.fromkeys(findings), key=lambda one: WORST_FIRST[one.level])


def _is_worth_it(check: Check, setup: Setup, found: Mapping[str, list[Finding]]) -> bool:
    blocked = _is_wrong(found.get(check.after, []))
    return not blocked and (setup.has_tables if check.of_tables else True)


def _is_wrong(found: Iterable[Finding]) -> bool:
    return any(one.level != "info" for one in found)
