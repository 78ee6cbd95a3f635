"""What is currently held back, and why?"""

from __future__ import annotations

from collections.abc import Iterator

from relay.doctor.setup import Setup
from relay.findings import Finding
from relay.owners import ACCOUNT, bare, owner_of
from relay.store.operations.health import Pause, pauses
from relay.store.queue.gates import workspace_in
from relay.vocabulary import GateScope

AGAIN = "Then wait: the relay checks again within 5 minutes, and nothing is lost meanwhile."
HELD = {
    GateScope.WORKSPACE: "Everything for Slack",
    GateScope.METHOD: "Slack's {own}",
    GateScope.CHANNEL: "Everything for the channel {name}",
    GateScope.ACCOUNT: "Everything for Kommunicate",
    GateScope.AGENT: "Everything from one agent to Kommunicate",
}


def look(setup: Setup) -> Iterator[Finding]:
    """Each closed gate; an invalid YAML file is reported elsewhere."""
    with setup.store.read() as tx:
        found = [one for one in pauses(tx) if one.scope in HELD]
    for one in found:
        yield told(one)


def told(one: Pause) -> Finding:
    """What one closed gate holds back, whose it is, and why."""
    held = HELD[one.scope].format(name=one.name, own=bare(one.name)) + _whose(one)
    if one.for_operator:
        return Finding("paused", "error", f"{held} is held back: {one.cause}.", f"Fix the cause. {AGAIN}")
    message = f"{held} is waiting briefly: {one.cause or 'Slack or Kommunicate asks for patience'}."
    return Finding("paused_for_now", "info", message, "Nothing to do: it continues by itself.")


def _whose(one: Pause) -> str:
    """The workspace or the account, unless it is the first one; a channel has it in front."""
    owner = "" if one.scope is GateScope.CHANNEL else workspace_in(one.scope, one.name)
    if one.scope is GateScope.ACCOUNT:
        owner = owner_of(one.name) if " " in one.name else one.name
    return "" if owner in ("", ACCOUNT) else f" ({owner})"
