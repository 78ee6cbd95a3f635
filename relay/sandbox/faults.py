"""Scripted faults: which calls fail, how often, and in what way."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

KINDS = {
    "error": "the vendor's own error `code`, with any HTTP `status`; nothing is done",
    "missing_scope": "Slack's missing_scope with `code` as the scope needed",
    "ratelimited": "429 (or rate_limited on `status` 200) with `retry_after` as text, or without the header",
    "reset_before": "a TCP reset, nothing done",
    "reset_after": "done, then a TCP reset instead of an answer",
    "timeout_before": "silence for `seconds`, nothing done",
    "timeout_after": "done, then silence for `seconds`",
    "slow": "done, the answer comes after `seconds`",
    "drip": "done, the answer comes one byte per `interval` seconds",
    "drip_headers": "the same from the first byte of its head on",
    "unthreaded": "done, but a post for a thread lands at the channel's root",
    "unshared": "done, but an upload that is completed is never shared",
    "truncated": "done, half of the answer comes; of what is not JSON under the whole one's Content-Length",
    "html": "a proxy's HTML page with `status` 502; done if `done`",
    "status": "a bare HTTP `status` 500; done if `done`",
}


class BadFault(ValueError):
    """The rule is invalid; the text says why."""


@dataclass
class Fault:
    """One rule. `method` is exact, or a path for Kommunicate; `*` at its end matches any rest.

    `*` alone is all of Slack, `/*` all of Kommunicate. `channel` is what the call is about: a channel, a conversation,
    or a file if the call has nothing else (`files.upload_bytes`, `files.download`, `files.info`, `files.delete`).
    """

    method: str
    kind: str
    channel: str | None = None
    times: int | None = 1  # None: always
    after: int = 0
    code: str = "internal_error"
    status: int | None = None
    retry_after: str | None = "1"  # the header's value; None: no header
    seconds: float = 5.0
    interval: float = 0.05
    done: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise BadFault(f"kind must be one of {', '.join(KINDS)}")
        if not self.method:
            raise BadFault("method must not be empty")

    def matches(self, method: str, channel: str) -> bool:
        """True if this rule is about that call, whatever its counters say."""
        same_vendor = method.startswith("/") == self.method.startswith("/")
        begins = self.method.endswith("*") and same_vendor and method.startswith(self.method[:-1])
        return (begins or self.method == method) and self.channel in (None, channel)

    def next(self) -> bool:
        """Counts one matching call; True if this call fails."""
        if self.after:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Faults:
    """The rules in force, in order of precedence; exhausted rules are removed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Fault] = []

    def add(self, method: str, kind: str, **parameters: Any) -> Fault:
        """Adds one rule; raises BadFault for a kind that does not exist."""
        fault = Fault(method, kind, **parameters)
        with self._lock:
            self._rules.append(fault)
        return fault

    def remove(self, method: str) -> None:
        """Removes the rules for this method."""
        with self._lock:
            self._rules = [rule for rule in self._rules if rule.method != method]

    def clear(self) -> None:
        """Removes all rules."""
        with self._lock:
            self._rules.clear()

    def take(self, method: str, channel: str = "") -> Fault | None:
        """The fault of this call, if any; counts it."""
        with self._lock:
            for fault in self._rules:
                if fault.matches(method, channel):
                    hit = fault.next()
                    self._rules = [rule for rule in self._rules if rule.times is None or rule.times > 0]
                    return fault if hit else None
        return None

    def listing(self) -> list[dict[str, Any]]:
        """The rules still in force, with what remains of their counters."""
        with self._lock:
            return [asdict(fault) for fault in self._rules]


TYPES: Mapping[str, tuple[type, ...]] = {
    "method": (str,),
    "kind": (str,),
    "channel": (str, type(None)),
    "times": (int, type(None)),
    "after": (int,),
    "code": (str,),
    "status": (int, type(None)),
    "retry_after": (str, type(None)),
    "seconds": (int, float),
    "interval": (int, float),
    "done": (bool,),
}
LIMITS = {"times": (1, 10**9), "after": (0, 10**9), "status": (200, 599), "seconds": (0, 600), "interval": (0, 60)}


def read_rule(rule: object) -> dict[str, Any]:
    """A rule that came over HTTP, checked field by field; raises BadFault."""
    if not isinstance(rule, dict):
        raise BadFault("a rule is a JSON object")
    if unknown := set(rule) - {field.name for field in fields(Fault)}:
        raise BadFault(f"unknown field {sorted(unknown)[0]!r}")
    if missing := {"method", "kind"} - set(rule):
        raise BadFault(f"{sorted(missing)[0]} is required")
    for name, value in rule.items():
        _check_field(name, value)
    Fault(**rule)
    return rule


def _check_field(name: str, value: object) -> None:
    if not isinstance(value, TYPES[name]) or (isinstance(value, bool) and name != "done"):
        raise BadFault(f"{name} has the wrong type")
    low, high = LIMITS.get(name, (0, 0))
    if name in LIMITS and isinstance(value, int | float) and not low <= value <= high:
        raise BadFault(f"{name} must be between {low} and {high}")
