"""Who the relay is in Slack: the workspace, the bot and the app of its token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from relay.errors import OperatorNeeded
from relay.slack.api import unreadable
from relay.slack.codes import TOKEN
from relay.vocabulary import GateScope


@dataclass(frozen=True, slots=True)
class Identity:
    """The token's owner. Slack reveals the app's id only for some tokens."""

    team: str
    user_id: str
    bot_id: str
    app_id: str | None
    url: str = ""  # of the workspace


def identity_of(body: Mapping[str, Any], variable: str = TOKEN) -> Identity:
    """Returns what `auth.test` says about a bot token; raises `OperatorNeeded` for another kind of token."""
    match body:
        case {"team_id": str(team), "user_id": str(user), "bot_id": str(bot)}:
            return Identity(team, user, bot, _word(body, "app_id"), _word(body, "url") or "")
        case {"user_id": str()}:  # without a bot id, our own posts could not be told from others'
            said = f"{variable} must be the bot's token; it begins with xoxb-"
            raise OperatorNeeded(GateScope.WORKSPACE, said, code="not_allowed_token_type")
    raise unreadable("auth.test")


def _word(body: Mapping[Any, Any], name: str) -> str | None:
    value = body.get(name)
    return value if isinstance(value, str) and value else None
