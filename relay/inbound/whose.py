"""To which of the workspaces that share an app something of Slack's is: its team decides."""

from __future__ import annotations

from collections.abc import Sequence

from relay.errors import Rejected
from relay.slack.parse import team_of
from relay.wiring import Relay


def workspace_of(relay: Relay, workspaces: Sequence[str], body: bytes) -> str:
    """The one of these workspaces that a body is for, once Slack has said whose the tokens are.

    Until then it raises `Rejected` 503, and Slack has to send it again.
    """
    if len(workspaces) == 1:
        return workspaces[0]
    team = team_of(body)
    known = {name: one.team for name in workspaces if (one := relay.identity_in(name)) is not None}
    mine = [name for name in known if known[name] == team]
    if mine or not team:
        return mine[0] if mine else workspaces[0]
    if len(known) < len(workspaces):
        raise Rejected(503, "unavailable", "It is not known yet which workspace this comes from. Try again.")
    return workspaces[0]  # where it is seen to be of another team
