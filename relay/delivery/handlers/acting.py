"""For whom a reply or a click is done in Kommunicate: known, or to be looked up first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import structlog

from relay.delivery.agents import Agents
from relay.errors import DeliveryFailed
from relay.messages import Agent
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim

AGENTS = "agents"

log = structlog.get_logger()


def known(
    tx: Tx, agents: Agents, claim: Claim, team: str, author: str, others: frozenset[str] = frozenset()
) -> Mapping[str, Agent] | Callable[[], None]:
    """Who the author and the others are; or how to look that up, once for each claim."""
    found = agents.known(tx, team, {author} | others)
    if not found.to_look_up or AGENTS in claim.asked:
        return found.agents
    return partial(_look_up, agents, team, author, found.to_look_up, is_known=author in found.agents)


def _look_up(agents: Agents, team: str, author: str, wanted: frozenset[str], *, is_known: bool) -> None:
    try:
        agents.look_up(team, author if author in wanted else "", wanted - {author})
    except DeliveryFailed as error:
        if not is_known:
            raise
        log.info("agents.not_looked_up", user=author, code=error.code)  # what was known of them has to do
