"""Which Slack user a Kommunicate agent is, so that they can be mentioned: by the configured map, otherwise by e-mail.

Messages wait briefly for it, and are shown without a mention if Slack does not say.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import structlog

from relay.clock import monotonic
from relay.errors import DeliveryFailed
from relay.messages import Standing
from relay.slack.client import SlackClient

FRESH = 600.0  # seconds an answer from Slack is valid
DEADLINE = 2.0  # seconds a look-up may take in total
REMEMBERED = 1000  # agents in memory

log = structlog.get_logger()


class Members:
    """Caches which users Slack named, and that it named none."""

    def __init__(self, slack: SlackClient | None, agent_ids: Mapping[str, str]) -> None:
        """`agent_ids` are the configured Kommunicate agents, by Slack user; without `slack`, nobody else is known."""
        self._slack = slack
        self._mapped = {agent_id: user_id for user_id, agent_id in agent_ids.items()}
        self._found: dict[str, tuple[str | None, float]] = {}

    def known(self, agent_id: str) -> str | None:
        """The Slack user, if known."""
        return self._mapped.get(agent_id) or self._found.get(agent_id, (None, 0.0))[0]

    def missing(self, agent_ids: Collection[str]) -> list[str]:
        """Who could be looked up in Slack."""
        ends = monotonic() - FRESH
        if self._slack is None:
            return []
        return sorted(
            one
            for one in set(agent_ids) - self._mapped.keys()
            if "@" in one and self._found.get(one, (None, ends))[1] <= ends
        )

    def look_up(self, agent_ids: Collection[str]) -> None:
        """Look these up in Slack, unless there are too many."""
        ends = monotonic() + DEADLINE
        if len(self._found) > REMEMBERED:
            self._found.clear()
        for agent_id in agent_ids:
            left = ends - monotonic()
            if left <= 0:
                break
            self._found[agent_id] = (self._ask(agent_id, left), monotonic())

    def _ask(self, email: str, deadline: float) -> str | None:
        if self._slack is None:
            return None
        try:
            found = self._slack.find_user(email, deadline=deadline)
        except DeliveryFailed as error:
            log.info("members.not_found", code=error.code)
            return None
        user_id, standing = found or ("", Standing.DEACTIVATED)
        return user_id if standing not in (Standing.DEACTIVATED, Standing.BOT) else None
