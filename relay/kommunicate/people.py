"""Who wrote a message: Kommunicate's user detail and the configured overrides, as a name and a role."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from relay.keys import key_of
from relay.kommunicate.text import one_line
from relay.messages import Person, Role

DEFAULT_BOTS = ("bot",)  # Kommunicate's default system user
MAX_NAME = 200

# `roleType` of Kommunicate-Web-SDK and -Android-SDK: 1 bot, 3 user, 8 agent; 2, 4 and 7 are the team's staff.
ROLE_TYPES: Mapping[str, Role] = {
    "1": Role.BOT,
    "2": Role.AGENT,
    "3": Role.CUSTOMER,
    "4": Role.AGENT,
    "7": Role.AGENT,
    "8": Role.AGENT,
}


def answers_customers(user_id: str, metadata: Mapping[str, Any]) -> bool:
    """True for a bot's message, if the bot answers customers; the default system user also greets where there is no
    bot.
    """
    # KM_ANSWER_SOURCE and KM_CONTEXT_QUESTION: Kommunicate-Web-SDK, answer-feedback-service.js
    return user_id not in DEFAULT_BOTS or bool(metadata.keys() & {"KM_ANSWER_SOURCE", "KM_CONTEXT_QUESTION"})


def role_of(
    user_id: str, looked_up: Role | None, *, bots: Collection[str] = DEFAULT_BOTS, agents: Collection[str] = ()
) -> Role:
    """Return the configured role if the id is listed, otherwise what was looked up, otherwise `UNKNOWN`."""
    if user_id in bots:
        return Role.BOT
    if user_id in agents:
        return Role.AGENT
    return looked_up or Role.UNKNOWN


def person_of(detail: Any) -> Person | None:
    """Return the person of one entry of the user detail; None if it names nobody."""
    if not isinstance(detail, dict):
        return None
    user_id = detail.get("userId")
    user_id = key_of(str(user_id) if isinstance(user_id, int) and not isinstance(user_id, bool) else user_id)
    if user_id is None:
        return None
    names = (one_line(detail.get(field), MAX_NAME) for field in ("displayName", "userName"))
    role = ROLE_TYPES.get(one_line(detail.get("roleType")), Role.UNKNOWN)
    email, phone = (one_line(detail.get(field), MAX_NAME) for field in ("email", "phoneNumber"))
    return Person(user_id, next(filter(None, names), user_id), role, email, phone)
