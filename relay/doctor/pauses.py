"""What is held back at the moment, and why?"""

from __future__ import annotations

from collections.abc import Iterator

from relay.doctor.setup import Setup
from relay.findings import Finding
from relay.store.operations.health import Pause, pauses
from relay.vocabulary import GateScope

AGAIN = "Then wait: the relay looks again by itself, at the latest after 5 minutes, and nothing is lost meanwhile."
HELD = {
    GateScope.WORKSPACE: "Everything for Slack",
    GateScope.METHOD: "Slack's {name}",
    GateScope.CHANNEL: "What goes to the channel {name}",
    GateScope.ACCOUNT: "Everything for Kommunicate",
    GateScope.AGENT: "What one agent sends to Kommunicate",
}


def look(setup: Setup) -> Iterator[Finding]:
    """Each gate that is closed; a mistake in the YAML file is told by itself."""
    with setup.store.read() as tx:
        found = [one for one in pauses(tx) if one.scope in HELD]
    for one in found:
        yield _told(one)


def _told(one: Pause) -> Finding:
    held = HELD[one.scope].format(name=one.name)
    if one.for_operator:
        return Finding("paused", "error", f"{held} is held back: {one.cause}.", f"Mend the cause. {AGAIN}")
    message = f"{held} waits a moment: {one.cause or 'Slack or Kommunicate asks for patience'}."
    return Finding("paused_for_now", "info", message, "Nothing is to be done: it goes on by itself.")
