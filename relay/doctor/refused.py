"""Were requests refused that look as if Kommunicate or Slack had sent them? That is how a wrong secret shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from relay.doctor.setup import Setup
from relay.doctor.told import ago, counted
from relay.findings import Finding
from relay.store.operations.health import last_received
from relay.store.operations.refused import refused
from relay.vocabulary import Refusal, Source


@dataclass(frozen=True, slots=True)
class Kind:
    """What is said of one kind of refusal: what came and from whom, why, and what to do."""

    code: str
    one: str
    many: str
    source: Source
    why: str
    hint: str
    where: str = ""


KINDS = {
    Refusal.TOKEN: Kind(
        "webhook_refused",
        "webhook was",
        "webhooks were",
        Source.KOMMUNICATE,
        "with another token than the relay has",
        "Put the same token into KOMMUNICATE_WEBHOOK_TOKEN and into Kommunicate under Settings, Webhooks & Security.",
        "KOMMUNICATE_WEBHOOK_TOKEN",
    ),
    Refusal.SIGNATURE: Kind(
        "slack_refused",
        "request of Slack's was",
        "requests of Slack's were",
        Source.SLACK,
        "signed with another secret than the relay has",
        "Copy it again from Slack's app settings, Basic Information, App Credentials, and start the relay again.",
        "SLACK_SIGNING_SECRET",
    ),
    Refusal.TIME: Kind(
        "slack_refused_time",
        "request of Slack's was",
        "requests of Slack's were",
        Source.SLACK,
        "signed at a time more than five minutes from this machine's",
        "Set the clock right: `timedatectl set-ntp true`, or the host's time service.",
    ),
}


def look(setup: Setup) -> Iterator[Finding]:
    """What was refused since the last time that one was accepted."""
    with setup.store.read() as tx:
        now = tx.now
        found = [one for one in refused(tx) if (last_received(tx, KINDS[one.why].source) or 0.0) < one.last]
    for one in found:
        kind, since, last = KINDS[one.why], ago(max(1.0, now - one.first)), ago(max(1.0, now - one.last))
        count = counted(one.count, kind.one, kind.many)
        message = f"{count} refused in the last {since}, {kind.why}; the last {last} ago."
        yield Finding(kind.code, "error", message, kind.hint, kind.where)
