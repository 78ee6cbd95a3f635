"""Who a Slack agent is in Kommunicate: by the configured map, by e-mail, otherwise the relay's own sender.

Looked up once in ten minutes. If Slack withholds the profile for lack of a scope, the agent counts as having no e-mail.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial

import structlog

from relay.clock import monotonic
from relay.errors import DeliveryFailed, OperatorNeeded, Permanent
from relay.kommunicate.client import KommunicateClient
from relay.messages import Agent, Person, Role, Standing
from relay.owners import ACCOUNT, owned
from relay.slack.client import SlackClient
from relay.slack.users import Profile
from relay.store.conversations.people import known_agents, remember_agents
from relay.store.db.engine import Store, Tx
from relay.store.db.rows import Claim

FRESH = 600.0  # seconds a resolved agent is valid
DEADLINE = 2.0  # seconds a look-up in Kommunicate may take in total
OTHERS = 4.0  # seconds after which no more merely mentioned users are looked up
NAMELESS = "Agent"
NOT_OF_US = ("user_not_found", "user_not_visible")  # what Slack says of somebody whom the workspace does not have
LOOKED_UP = "agents"  # what a claim has asked for

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Known:
    """Who is known by id, and who should be looked up: unseen, or seen long ago."""

    agents: Mapping[str, Agent]
    to_look_up: frozenset[str]


@dataclass(frozen=True, slots=True)
class Team:
    """Where somebody acted: Slack's id of the workspace, and the relay's name for it."""

    id: str
    workspace: str


class Agents:
    """Finds the agents of one account for the Slack users who wrote or are mentioned."""

    def __init__(
        self,
        store: Store,
        slack: Callable[[str], SlackClient],
        kommunicate: KommunicateClient,
        by_slack_id: Mapping[str, str],
        account: str = ACCOUNT,
    ) -> None:
        """`slack` returns the Slack client of a workspace; `by_slack_id` are the configured agents, by Slack user."""
        self._store = store
        self._slack = slack
        self._kommunicate = kommunicate
        self._by_slack_id = by_slack_id
        self._account = account

    def known(self, tx: Tx, team: str, user_ids: Collection[str]) -> Known:
        """What the store knows about these users."""
        found = known_agents(tx, team, user_ids, account=self._account)
        old = {user_id for user_id, (_, age) in found.items() if age > FRESH}
        missing = set(user_ids) - found.keys()
        return Known({user_id: agent for user_id, (agent, _) in found.items()}, frozenset(missing | old))

    def look_up(self, place: Team, author: str, others: Collection[str]) -> None:
        """Look these up and remember them; raises `DeliveryFailed` if the author cannot be resolved now.

        A missing name must not delay a reply: `others` are only mentioned.
        """
        found = [self._look_up(place, author)] if author else []
        ends = monotonic() + OTHERS
        for user_id in others:
            if monotonic() > ends:
                break
            try:
                found.append(self._look_up(place, user_id))
            except DeliveryFailed as error:
                log.info("agents.no_name", user=user_id, code=error.code)
        with self._store.begin() as tx:
            remember_agents(tx, place.id, found, account=self._account)

    def _look_up(self, place: Team, user_id: str) -> Agent:
        profile, mapped = self._profile(place, user_id), self._by_slack_id.get(owned(place.workspace, user_id))
        if mapped is not None or not profile.email or profile.standing is Standing.OUTSIDER:
            return Agent(user_id, profile.name, mapped or "", profile.standing)
        found = self._kommunicate.people([profile.email], deadline=DEADLINE).get(profile.email)
        return Agent(user_id, profile.name, profile.email if _is_agent(found) else "", profile.standing)

    def _profile(self, place: Team, user_id: str) -> Profile:
        try:
            return self._slack(place.workspace).profile(user_id, place.id)
        except (OperatorNeeded, Permanent) as error:
            log.warning("agents.no_profile", user=user_id, code=error.code)
            return Profile(NAMELESS, "", Standing.OUTSIDER if error.code in NOT_OF_US else Standing.MEMBER)


def _is_agent(person: Person | None) -> bool:
    return person is not None and person.role is Role.AGENT


def known_or_look_up(
    tx: Tx, agents: Agents, claim: Claim, place: Team, author: str, others: frozenset[str] = frozenset()
) -> Mapping[str, Agent] | Callable[[], None]:
    """Who the author and the others are; or how to look that up, once per claim."""
    found = agents.known(tx, place.id, {author} | others)
    if not found.to_look_up or LOOKED_UP in claim.asked:
        return found.agents
    return partial(_look_up, agents, place, author, found.to_look_up, is_known=author in found.agents)


def _look_up(agents: Agents, place: Team, author: str, wanted: frozenset[str], *, is_known: bool) -> None:
    try:
        agents.look_up(place, author if author in wanted else "", wanted - {author})
    except DeliveryFailed as error:
        if not is_known:
            raise
        log.info("agents.not_looked_up", user=author, code=error.code)  # what was known of them is used
