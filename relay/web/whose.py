"""Which app a Slack request was for: the secret that signed it identifies the workspace, and its team must match."""

from __future__ import annotations

from flask import request

from relay.errors import Rejected
from relay.slack.auth import signers, why_refused
from relay.slack.parse import team_of
from relay.vocabulary import Refusal
from relay.web.kommunicate import count_refused, read_body
from relay.wiring import Relay


def signed_body(relay: Relay) -> tuple[bytes, str]:
    """The body, and the workspace whose secret signed it; raises `Rejected` if there is none."""
    body, keys = read_body(request), relay.settings.every_workspace
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
    return body, found[0] if len(found) == 1 else _of_one_app(relay, found, body)


def _of_one_app(relay: Relay, workspaces: list[str], body: bytes) -> str:
    """Workspaces with one app share its secret: the team decides, once Slack has said who owns the tokens.

    Until then Slack has to send it again.
    """
    team = team_of(body)
    known = {name: one.team for name in workspaces if (one := relay.identity_in(name)) is not None}
    mine = [name for name in known if known[name] == team]
    if mine or not team:
        return mine[0] if mine else workspaces[0]
    if len(known) < len(workspaces):
        raise Rejected(503, "unavailable", "It is not known yet which workspace this comes from. Try again.")
    return workspaces[0]  # which will then turn out to be of another team
