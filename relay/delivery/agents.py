"""Who an agent in Slack is in Kommunicate: by the configured map, by e-mail, else the relay's own sender.

Looked up once in ten minutes; what Slack does not tell for want of a scope is as if the agent had no e-mail.
"""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from relay.errors import DeliveryFailed, OperatorNeeded, Permanent
from relay.kommunicate.client import KommunicateClient
from relay.messages import Agent, Person, Role
from relay.slack.client import Profile, SlackClient
from relay.slack.events import Blocks
from relay.slack.reply_text import labels, mentioned
from relay.store.conversations.people import known_agent, remember_agent
from relay.store.db.engine import Store

FRESH = 600.0  # seconds a looked-up agent is good for
DEADLINE = 2.0  # seconds a look-up in Kommunicate may take in all
NAMELESS = "Agent"

log = structlog.get_logger()


class Agents:
    """Finds an agent by the Slack user who wrote."""

    def __init__(
        self,
        store: Store,
        slack: SlackClient,
        kommunicate: KommunicateClient,
        by_slack_id: Mapping[str, str],
    ) -> None:
        self._store = store
        self._slack = slack
        self._kommunicate = kommunicate
        self._by_slack_id = by_slack_id

    def of(self, team: str, user_id: str) -> Agent:
        """Who `user_id` is; raises `DeliveryFailed` where a look-up failed and is worth another try."""
        with self._store.read() as tx:
            agent = known_agent(tx, team, user_id, max_age=FRESH)
        if agent is None:
            agent = self._look_up(user_id)
            with self._store.begin() as tx:
                remember_agent(tx, team, agent)
        return agent

    def names(self, team: str, blocks: Blocks, text: str) -> dict[str, str]:
        """Who is mentioned in a message, by id: as Slack's `text` names them, or looked up; the rest are left out."""
        named = labels(text)
        for user_id in mentioned(blocks, text).users:
            try:
                named[user_id] = self.of(team, user_id).name
            except DeliveryFailed as error:  # a name less must not hold up a reply
                log.info("agents.no_name", user=user_id, code=error.code)
        return named

    def _look_up(self, user_id: str) -> Agent:
        profile, mapped = self._profile(user_id), self._by_slack_id.get(user_id)
        if mapped is not None or not profile.email:
            return Agent(user_id, profile.name, mapped or "")
        found = self._kommunicate.people([profile.email], deadline=DEADLINE).get(profile.email)
        return Agent(user_id, profile.name, profile.email if _is_agent(found) else "")

    def _profile(self, user_id: str) -> Profile:
        try:
            return self._slack.profile(user_id)
        except (OperatorNeeded, Permanent) as error:
            log.warning("agents.no_profile", user=user_id, code=error.code)
            return Profile(NAMELESS, "")


def _is_agent(person: Person | None) -> bool:
    return person is not None and person.role is Role.AGENT
