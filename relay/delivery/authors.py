"""Names and roles to show beside messages: cached, looked up in parallel, never delaying messages for long.

A message waits briefly for the name of an unknown author. While a look-up takes longer than that, nobody waits for
another.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import structlog

from relay.clock import monotonic
from relay.delivery import gates
from relay.delivery.waits import names_gate
from relay.errors import DeliveryFailed, StoreUnavailable
from relay.kommunicate.client import KommunicateClient
from relay.kommunicate.people import role_of
from relay.messages import Person, Role
from relay.store.conversations.people import known_people, remember_people
from relay.store.db.engine import Store, Tx
from relay.store.queue.gates import seconds_closed

FRESH = 600.0  # seconds a resolved name is valid
DEADLINE = 2.0  # seconds a look-up may take in total
PATIENCE = 0.6  # seconds that messages wait for one
SLOW = 0.25  # seconds after which nobody should wait for a running look-up
MOST = 8  # concurrent look-ups
REMEMBERED = 5000  # cached people

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Known:
    """A person for every id, at worst with the bare id as name; `missing` were never looked up, and may be now."""

    people: Mapping[str, Person]
    missing: frozenset[str]


class Authors:
    """Knows the authors of one account. Without a client, only the configured bots and agents are known."""

    def __init__(
        self,
        store: Store,
        client: KommunicateClient | None,
        *,
        bots: Collection[str],
        agents: Collection[str],
        contacts: bool = False,
    ) -> None:
        """`contacts`: also store contact details; otherwise they are neither requested nor stored."""
        self._store = store
        self._client = client
        self._bots = bots
        self._agents = agents
        self._contacts = contacts
        self._lock = threading.Lock()
        self._asking: dict[tuple[str, str], _LookUp] = {}
        self._fresh: dict[tuple[str, str], tuple[Person, float]] = {}  # each with the time of its look-up

    def known(self, tx: Tx, account: str, user_ids: Collection[str]) -> Known:
        """What the store knows about these users; a name that is out of date is refreshed in the background."""
        cached = self._cached(tx, account, user_ids)
        missing = frozenset(user_ids) - cached.keys()
        old = {user_id for user_id, (_, age) in cached.items() if age > FRESH}
        may_ask = bool(missing or old) and self._client is not None
        open_now = may_ask and seconds_closed(tx, *names_gate(account)) is None
        if open_now and old:
            self._ask(account, old)
        people = {one: self._with_role(one, cached[one][0] if one in cached else None) for one in user_ids}
        return Known(people, missing if open_now else frozenset())

    def _cached(self, tx: Tx, account: str, user_ids: Collection[str]) -> dict[str, tuple[Person, float]]:
        """Each known user, with the age in seconds; a fresh name is not read from the store again."""
        found = {}
        for one in user_ids:
            person, looked_up_at = self._fresh.get((account, one), (None, 0.0))
            if person is not None and 0.0 <= tx.now - looked_up_at <= FRESH:
                found[one] = (person, tx.now - looked_up_at)
        unknown = set(user_ids) - found.keys()
        if unknown:
            stored = known_people(tx, account, unknown)
            if len(self._fresh) > REMEMBERED:
                self._fresh.clear()
            self._fresh |= {(account, one): (person, tx.now - age) for one, (person, age) in stored.items()}
            found |= stored
        return found

    def look_up(self, account: str, user_ids: Collection[str]) -> None:
        """Look these up and remember them; returns after a moment at the latest, done or not."""
        ends = monotonic() + PATIENCE
        with self._lock:
            slow = any(monotonic() - one.begun > SLOW for one in self._asking.values())
        for one in () if slow else self._ask(account, user_ids):
            one.done.wait(max(0.0, ends - monotonic()))

    @property
    def under_way(self) -> int:
        """How many users are being looked up."""
        return len(self._asking)

    def _ask(self, account: str, user_ids: Collection[str]) -> set[_LookUp]:
        """Start look-ups for those that have none; returns all look-ups that concern these users."""
        if self._client is None:
            return set()
        new = _LookUp(monotonic())
        with self._lock:
            wanted = [one for one in sorted(user_ids) if (account, one) not in self._asking]
            if len(set(self._asking.values())) >= MOST:
                wanted = []
            self._asking |= dict.fromkeys(((account, one) for one in wanted), new)
            under_way = {self._asking[account, one] for one in user_ids if (account, one) in self._asking}
        if wanted:
            try:
                threading.Thread(target=self._run, args=(self._client, account, wanted, new), daemon=True).start()
            except RuntimeError as error:  # the machine has no more threads
                log.warning("authors.lookup_failed", error=type(error).__name__)
                self._end(account, wanted, new)
        return under_way

    def _run(self, client: KommunicateClient, account: str, user_ids: Collection[str], mine: _LookUp) -> None:
        try:
            self._look_up(client, account, user_ids)
        except StoreUnavailable as error:  # they are looked up again with the next message
            log.warning("authors.not_remembered", cause=str(error))
        finally:
            self._end(account, user_ids, mine)

    def _end(self, account: str, user_ids: Collection[str], mine: _LookUp) -> None:
        with self._lock:
            for one in user_ids:
                del self._asking[account, one]
        mine.done.set()

    def _look_up(self, client: KommunicateClient, account: str, user_ids: Collection[str]) -> None:
        try:
            found = client.people(list(user_ids), deadline=DEADLINE)
        except DeliveryFailed as error:
            log.warning("authors.lookup_failed", error=type(error).__name__, code=error.code)
            with self._store.begin() as tx:
                gates.pause_names(tx, account, error)
            return
        # Unknown users are remembered too, or every message would ask again.
        everybody = [found.get(one) or Person(one, one, Role.UNKNOWN) for one in user_ids]
        everybody = [one if self._keeps_contacts(one) else replace(one, email="", phone="") for one in everybody]
        with self._store.begin() as tx:
            remember_people(tx, account, everybody)

    def _keeps_contacts(self, person: Person) -> bool:
        """For customers, if cards show them."""
        return self._contacts and not person.role.is_of_the_team

    def _with_role(self, user_id: str, person: Person | None) -> Person:
        role = role_of(user_id, person.role if person else None, bots=self._bots, agents=self._agents)
        return replace(person, role=role) if person else Person(user_id, user_id, role)


@dataclass(frozen=True, slots=True, eq=False)
class _LookUp:
    """A look-up in progress."""

    begun: float
    done: threading.Event = field(default_factory=threading.Event)
