"""Who in Slack may reply to customers and press buttons, one rule for replies and every control; and what is sent."""

from __future__ import annotations

from relay.messages import Agent, Mode, Standing
from relay.routing.per_route import route_of
from relay.settings import Config
from relay.settings.schema import Replies

STRANGER = "Kommunicate knows no agent with your e-mail address, and this relay serves known agents only"

GUEST = "you are a guest of this workspace, and this relay serves its members; `replies.guests` can allow it"
OUTSIDER = "you belong to another workspace, and this relay serves its own; `replies.other_workspaces` can allow it"
NO_PERSON = "only active members of this workspace can reply to customers"


def mode_for(config: Config, rule: str) -> Mode:
    """Which messages go to the customer in conversations whose channel this rule chose."""
    route = route_of(config, rule)
    return (route and route.replies.mode) or config.replies.mode


def may_speak(agent: Agent, rules: Replies, *, comes_from_elsewhere: bool) -> str | None:
    """Return why a Slack user may not reply to customers or press a button; None if they may.

    `comes_from_elsewhere`: their action named another workspace as theirs.
    """
    standing = agent.standing
    if comes_from_elsewhere and standing in (Standing.MEMBER, Standing.GUEST):
        standing = Standing.OUTSIDER
    if standing in (Standing.BOT, Standing.DEACTIVATED):
        return NO_PERSON
    if standing is Standing.GUEST and not rules.guests:
        return GUEST
    if standing is Standing.OUTSIDER and not rules.other_workspaces:
        return OUTSIDER
    return STRANGER if rules.agents == "known_only" and not agent.agent_id else None
