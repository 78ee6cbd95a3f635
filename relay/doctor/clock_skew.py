"""Does this machine's clock agree with Slack's? Slack signs with its time, and a request 5 minutes off is refused."""

from __future__ import annotations

from collections.abc import Iterator

from relay.doctor.setup import Setup
from relay.doctor.told import ago
from relay.findings import Finding
from relay.slack.auth import MAX_AGE

NOTICED = 30.0  # seconds; Slack gives whole seconds, and an answer takes a moment


def look(setup: Setup) -> Iterator[Finding]:
    """How far it is off."""
    _, ahead = setup.token
    if abs(ahead) < NOTICED:
        return
    refused = abs(ahead) >= MAX_AGE - NOTICED
    then = "replies and clicks are refused" if refused else f"replies are refused from {MAX_AGE} seconds on"
    message = f"This machine's clock is {ago(abs(ahead))} {'ahead of' if ahead > 0 else 'behind'} Slack's: {then}."
    hint = "Set the clock and keep it synchronised: `timedatectl set-ntp true`, or the host's time service."
    yield Finding("clock_skew", "error" if refused else "warning", message, hint)
