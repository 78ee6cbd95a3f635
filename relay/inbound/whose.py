"""To which workspace something of Slack's is: where several can be meant, its team decides."""

from __future__ import annotations

from collections.abc import Sequence

from relay.errors import Rejected
from relay.slack.parse import team_of
from relay.wiring import Relay


def workspace_of(relay: Relay, workspaces: Sequence[str], body: bytes, others: Sequence[str] = ()) -> str:
    """The one of the app's workspaces, or else of these `others`, that a body is for.

    As long as Slack has not said whose the tokens are, it raises `Rejected` 503, and Slack has to send it again.
    """
    every = (*workspaces, *others)
    if len(every) == 1:
        return workspaces[0]
    team = team_of(body)
    teams = {name: one.team for name in every if (one := relay.identity_in(name)) is not None}
    mine = [name for name in teams if teams[name] == team]
    if mine or not team:
        return mine[0] if mine else workspaces[0]
    unknown = [name for name in every if name not in teams]
    if unknown and (len(workspaces) > 1 or unknown != list(workspaces)):
        raise Rejected(503, "unavailable", "It is not known yet which workspace this comes from. Try again.")
    return workspaces[0]  # where it is seen to be of another team
