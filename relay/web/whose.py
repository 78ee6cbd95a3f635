"""Which app a Slack request was for: the secret that signed it identifies the workspace, and its team must match."""

from __future__ import annotations

from flask import request

from relay.errors import Rejected
from relay.inbound.whose import workspace_of
from relay.slack.auth import signers, why_refused
from relay.slack.body import MAX_BODY
from relay.vocabulary import Refusal
from relay.web.kommunicate import count_refused, read_body
from relay.wiring import Relay


def signed_body(relay: Relay) -> tuple[bytes, str]:
    """The body, and the workspace whose secret signed it; raises `Rejected` for what none did."""
    body, keys = read_body(request, MAX_BODY), relay.settings.every_workspace
    secrets = {name: one.signing_secrets for name, one in keys.items()}
    headers = dict(request.headers)
    try:
        found = signers(headers, body, secrets, relay.clock.now())
    except Rejected:
        why = why_refused(headers, relay.clock.now())
        if why and relay.settings.signing:  # without a secret, no requests are expected
            count_refused(relay, why)
        raise
    if len(relay.settings.signing) == 1:  # with several, it is unknown whose was refused
        relay.refused.forget(Refusal.SIGNATURE, Refusal.TIME)
    return body, workspace_of(relay, found, body)
