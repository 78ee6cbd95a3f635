"""Names and roles to show beside messages: cached, looked up within 2 s, never in the way of words."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import structlog

from relay.errors import DeliveryFailed, OperatorNeeded, RateLimited
from relay.kommunicate.client import KommunicateClient
from relay.kommunicate.people import role_of
from relay.messages import Person, Role
from relay.store.conversations.people import known_people, remember_people
from relay.store.db.engine import Store
from relay.store.queue.gates import close_for_failure, seconds_closed

FRESH = 600.0  # seconds a looked-up name is good for
DEADLINE = 2.0  # seconds a look-up may take in all
PAUSE = 30.0  # seconds without look-ups after one failed
PAUSE_FOR_OPERATOR = 300.0  # the same when the key was refused
GATE = ("account", "kommunicate user detail")

log = structlog.get_logger()


class Authors:
    """Tells who speaks. Without a client only the configured lists of bots and agents are known."""

    def __init__(
        self, store: Store, client: KommunicateClient | None, *, bots: Collection[str], agents: Collection[str]
    ) -> None:
        self._store = store
        self._client = client
        self._bots = bots
        self._agents = agents

    def of(self, account: str, user_ids: Collection[str]) -> dict[str, Person]:
        """A person for every id, by look-up, by cache, or at worst by the bare id."""
        with self._store.read() as tx:
            cached = known_people(tx, account, user_ids)
            wanted = [one for one in user_ids if one not in cached or cached[one][1] > FRESH]
            paused = bool(wanted) and seconds_closed(tx, *GATE) is not None
        known = {user_id: person for user_id, (person, _) in cached.items()}
        if wanted and self._client is not None and not paused:
            known.update(self._look_up(self._client, account, wanted))
        return {user_id: self._with_role(user_id, known.get(user_id)) for user_id in user_ids}

    def _look_up(self, client: KommunicateClient, account: str, user_ids: Collection[str]) -> dict[str, Person]:
        try:
            found = client.people(list(user_ids), deadline=DEADLINE)
        except DeliveryFailed as error:
            log.warning("authors.lookup_failed", error=type(error).__name__, code=error.code)
            with self._store.begin() as tx:
                close_for_failure(tx, *GATE, _pause(error), "names could not be looked up")
            return {}
        # Whoever Kommunicate does not know is remembered too, or every message would ask again.
        everybody = {one: found.get(one) or Person(one, one, Role.UNKNOWN) for one in user_ids}
        with self._store.begin() as tx:
            remember_people(tx, account, everybody.values())
        return everybody

    def _with_role(self, user_id: str, person: Person | None) -> Person:
        role = role_of(user_id, person.role if person else None, bots=self._bots, agents=self._agents)
        return replace(person, role=role) if person else Person(user_id, user_id, role)


def _pause(error: DeliveryFailed) -> float:
    if isinstance(error, RateLimited):
        return max(PAUSE, error.retry_after or 0.0)
    return PAUSE_FOR_OPERATOR if isinstance(error, OperatorNeeded) else PAUSE
