"""Who a user is in Slack: their profile, and their standing in the workspace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from relay.keys import key_of
from relay.messages import Standing
from relay.slack.api import unreadable
from relay.slack.events import SLACKBOT
from relay.slack.text import clean_line


@dataclass(frozen=True, slots=True)
class Profile:
    """A user: the name shown, the e-mail ("" if Slack withholds it), and their standing in our workspace."""

    name: str
    email: str
    standing: Standing = Standing.MEMBER


def profile_of(body: Mapping[str, Any], user_id: str, team: str) -> Profile:
    """Returns what `users.info` says about a user, whose standing is in the workspace `team`."""
    match body:
        case {"user": {"profile": {**profile}, **user}}:
            names = (profile.get("display_name"), profile.get("real_name"), user.get("real_name"), user.get("name"))
            name = next((line for name in names if isinstance(name, str) and (line := clean_line(name))), user_id)
            return Profile(name, key_of(profile.get("email")) or "", standing(user, team))
    raise unreadable("users.info")


def standing(user: Mapping[Any, Any], team: str) -> Standing:
    """Returns a user's standing in the workspace `team`: https://docs.slack.dev/reference/objects/user-object"""
    everywhere = user.get("enterprise_user")
    teams = everywhere.get("teams") if isinstance(everywhere, dict) else None
    is_colleague = isinstance(teams, list) and team in teams
    if user.get("deleted") is True:
        return Standing.DEACTIVATED
    if user.get("is_bot") is True or user.get("id") == SLACKBOT:
        return Standing.BOT
    if user.get("is_stranger") is True or (user.get("team_id") not in (None, team) and not is_colleague):
        return Standing.OUTSIDER
    if user.get("is_restricted") is True or user.get("is_ultra_restricted") is True:
        return Standing.GUEST
    return Standing.COLLEAGUE if is_colleague else Standing.MEMBER
