"""What the mapping says about a message: for received messages, for dry runs, and for the tests in the YAML file."""

from __future__ import annotations

from relay.kommunicate.facts import LOCALE, facts_in
from relay.kommunicate.people import role_of
from relay.messages import ChatMessage, Role
from relay.routing.facts import Facts, facts_of
from relay.settings import Config


def listed_role(config: Config, account: str, user_id: str) -> Role:
    """The role of one of an account's users, if the configuration names them."""
    people = config.kommunicate.of(account)
    return role_of(user_id, None, bots=people.bots, agents=people.agents)


def chat_facts(config: Config, message: ChatMessage, moment: float) -> Facts:
    """What a route can test about a conversation that this message begins at a moment, in seconds since 1970."""
    role = listed_role(config, message.conversation.account, message.sender)
    language = facts_in(message.metadata, (LOCALE,)).get(LOCALE, "")
    return facts_of(message, role=role, language=language, moment=moment)
