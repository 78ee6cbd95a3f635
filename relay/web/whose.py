"""To whose app a request of Slack's came: the secret that signed it says which workspace, and its team must agree."""

from __future__ import annotations

from flask import request

from relay.errors import Rejected
from relay.slack.auth import signers, why_refused
from relay.slack.body import MAX_BODY
from relay.slack.parse import team_of
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
        if why and relay.settings.signing:  # without a secret none is expected to come
            count_refused(relay, why)
        raise
    if len(relay.settings.signing) == 1:  # of several it is not known whose was refused
        relay.refused.forget(Refusal.SIGNATURE, Refusal.TIME)
    return body, found[0] if len(found) == 1 else _of_one_app(relay, found, body)


def _of_one_app(relay: Relay, workspaces: list[str], body: bytes) -> str:
    """Workspaces that share an app share its secret: the team decides, once Slack has said whose the tokens are.

    Until then Slack has to send it again.
    """
    team = team_of(body)
    known = {name: one.team for name in workspaces if (one := relay.identity_in(name)) is not None}
    mine = [name for name in known if known[name] == team]
    if mine or not team:
        return mine[0] if mine else workspaces[0]
    if len(known) < len(workspaces):
        raise Rejected(503, "unavailable", "It is not known yet which workspace this comes from. Try again.")
    return workspaces[0]  # where it is seen to be of another team
