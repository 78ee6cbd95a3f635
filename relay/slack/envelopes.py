"""What Slack sends on a Socket Mode connection: an envelope around what it would send over HTTP.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from relay.errors import Rejected


class EnvelopeKind(StrEnum):
    """The kinds of envelope, in Slack's words."""

    EVENT = "events_api"
    INTERACTION = "interactive"
    COMMAND = "slash_commands"


@dataclass(frozen=True, slots=True)
class Envelope:
    """Something that Slack wants acknowledged by its `id`; `body` is what the equivalent HTTP request would contain.

    `kind` is None for what the relay does not use. `takes_answer`: the acknowledgement may contain an answer.
    """

    id: str
    kind: EnvelopeKind | None
    body: bytes
    takes_answer: bool


def read_envelope(message: Mapping[str, Any]) -> Envelope | None:
    """Returns an envelope; None for other messages, such as a greeting. Raises `Rejected` 400 for a malformed one."""
    envelope_id, payload = message.get("envelope_id"), message.get("payload")
    if not isinstance(envelope_id, str) or not envelope_id:
        return None
    kind = next((one for one in EnvelopeKind if one == message.get("type")), None)
    takes_answer = message.get("accepts_response_payload") is True
    if kind is None:
        return Envelope(envelope_id, None, b"", takes_answer)
    if not isinstance(payload, dict):
        raise Rejected(400, "bad_envelope", "An envelope's payload must be an object.")
    try:
        return Envelope(envelope_id, kind, _BODIES[kind](payload), takes_answer)
    except (ValueError, RecursionError):  # a lone surrogate in a form, or absurd nesting
        raise Rejected(400, "bad_envelope", "An envelope's payload cannot be read.") from None


_BODIES: Mapping[EnvelopeKind, Callable[[Mapping[str, Any]], bytes]] = {
    EnvelopeKind.EVENT: lambda payload: json.dumps(payload).encode(),
    EnvelopeKind.INTERACTION: lambda payload: urlencode({"payload": json.dumps(payload)}).encode(),
    EnvelopeKind.COMMAND: lambda payload: urlencode({**payload}).encode(),
}
