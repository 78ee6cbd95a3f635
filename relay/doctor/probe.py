"""Posts a message into each channel and deletes it again, because some problems only show that way."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from relay.doctor.channels import configured
from relay.doctor.setup import Setup
from relay.doctor.told import why_away
from relay.errors import DeliveryFailed, OperatorNeeded, Permanent, RateLimited, ThreadGone
from relay.findings import Finding


def probe(setup: Setup, only: str | None = None) -> Iterator[Finding]:
    """The result, channel by channel; `only` is the one channel to try, as the configuration names it."""
    if setup.slack is None:
        return
    channels = configured(setup.settings.config)
    tried = []
    for channel, where in channels.items():
        if only in (None, channel):
            found = _try(setup, channel, where)
            tried += [channel] if found is None else []
            yield from [] if found is None else [found]
    if only is not None and only not in channels:
        hint = f"Name one of {', '.join(channels)}." if channels else "Name a channel in the YAML file first."
        yield Finding("probe_no_channel", "error", f"The configuration does not name {only}.", hint)
    if tried:
        message = f"A message was posted and deleted again in {', '.join(tried)}."
        yield Finding("probe_done", "info", message)


def _try(setup: Setup, channel: str, where: str) -> Finding | None:
    try:
        slack = setup.slack_at(channel)
        channel_id = slack.channel(channel).id
        ts = slack.post(channel_id, uuid.uuid4().hex)
    except DeliveryFailed as error:
        hint = "Fix that and try again. Nothing was posted."
        if not isinstance(error, OperatorNeeded | Permanent | RateLimited | ThreadGone):
            hint = "Try again. If the test message is in the channel, delete it by hand."
        return Finding("probe_failed", "error", f"Cannot post to {channel}: {_why(error)}.", hint, where)
    try:
        slack.take_back(channel_id, ts)
    except DeliveryFailed as error:
        message = f"The test message in {channel} could not be deleted: {_why(error)}."
        return Finding("probe_left", "warning", message, "Delete it by hand.", where)
    return None


def _why(error: DeliveryFailed) -> str:
    return str(error) if isinstance(error, OperatorNeeded | Permanent | RateLimited) else why_away(error)
