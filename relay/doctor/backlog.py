"""What has waited for long, what was given up, and which chats have no channel?"""

from __future__ import annotations

from collections.abc import Iterator

from relay.doctor.setup import Setup
from relay.doctor.told import ago, counted
from relay.findings import Finding
from relay.store.operations.health import backlog

LONG = 600.0  # seconds after which something that waits is reported


def look(setup: Setup) -> Iterator[Finding]:
    """What a person should look at."""
    with setup.store.read() as tx:
        found = backlog(tx)
    if found.without_channel:
        message = f"{counted(found.without_channel, 'chat')} without a channel: the configuration names none for them."
        yield Finding(
            "chats_without_channel", "warning", message, "Add them to `channels`, or set a `default_channel`."
        )
    if found.waiting and found.oldest > LONG:
        message = f"{counted(found.waiting, 'delivery', 'deliveries')} waiting, the oldest for {ago(found.oldest)}."
        hint = "`relay deliveries list --waiting` says why. If it shows no cause, no `relay worker` is running."
        yield Finding("waiting_long", "warning", message, hint)
    if found.dead:
        message = f"{counted(found.dead, 'dead letter')}: given up, but kept."
        hint = "`relay deliveries list --dead` says why; once that is fixed, run `relay deliveries replay --all`."
        yield Finding("dead_letters", "warning", message, hint)
