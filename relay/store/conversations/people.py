"""Names and roles that were looked up, with their age."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import ColumnElement, select

from relay.keys import search_names
from relay.messages import Agent, Person, Role, Standing
from relay.owners import ACCOUNT, owned
from relay.store.db.dialects import upsert
from relay.store.db.engine import Tx
from relay.store.db.statements import given, one_of
from relay.store.db.tables import conversations, people

_OF_THE_TEAM = [Role.AGENT.value, Standing.MEMBER.value, Standing.COLLEAGUE.value, Standing.GUEST.value]
KNOWN = select(people).where(people.c.account == given("account"), one_of(people.c.user_id, "users"))
# The name of whoever began a conversation; NULL if unknown. No join: while PostgreSQL takes every table for empty, as
# before it has looked at a burst, it may compare all rows of three tables with each other.
CUSTOMER_NAME: ColumnElement[str | None] = (
    select(people.c.name)
    .where(people.c.account == conversations.c.account, people.c.user_id == conversations.c.opener_sender)
    .correlate(conversations)
    .scalar_subquery()
)


def known_people(tx: Tx, account: str, user_ids: Collection[str]) -> dict[str, tuple[Person, float]]:
    """Each known user's last known name and role, with its age in seconds."""
    rows = tx.run(KNOWN, account=account, users=list(user_ids))
    return {row.user_id: (_person(row), tx.now - row.looked_up_at) for row in rows}


def _person(row: Any) -> Person:
    return Person(row.user_id, row.name, Role(row.role), row.email, row.phone)


def known_agents(
    tx: Tx, team: str, user_ids: Collection[str], *, account: str = ACCOUNT
) -> dict[str, tuple[Agent, float]]:
    """What is known about each Slack user, with its age in seconds; as agents of this Kommunicate account."""
    rows = tx.run(KNOWN, account=_slack(team, account), users=list(user_ids))
    return {row.user_id: _agent(row, tx.now) for row in rows}


def remember_agents(tx: Tx, team: str, found: Iterable[Agent], *, account: str = ACCOUNT) -> None:
    """Store a look-up of Slack users."""
    of_team = _slack(team, account)
    for agent in sorted(found, key=lambda one: one.user_id):
        _remember(tx, of_team, agent.user_id, name=agent.name, email=agent.agent_id, role=agent.standing.value)


def remember_people(tx: Tx, account: str, found: Iterable[Person]) -> None:
    """Store a look-up, in the order of ids so that two writers cannot block each other."""
    for person in sorted(found, key=lambda one: one.user_id):
        known = {"name": person.name, "role": person.role.value, "email": person.email, "phone": person.phone}
        _remember(tx, account, person.user_id, **known)


def is_colleague(tx: Tx, account: str, name: str, customer: str) -> bool:
    """True if this is, in lower case, an agent's full or first name, and not the customer's."""
    ours = select(people.c.name).where(people.c.role.in_(_OF_THE_TEAM))
    names = {one for full in tx.conn.execute(ours).scalars() for one in _called(full)}
    if name not in names:
        return False
    his = select(people.c.name).where(people.c.account == account, people.c.user_id == customer)
    return name not in {one for full in tx.conn.execute(his).scalars() for one in _called(full)}


def _called(full: str) -> set[str]:
    folded = full.casefold().strip()
    return {folded, folded.split(" ")[0], " ".join(folded.split()[:2])} - {""}


def _agent(row: Any, now: float) -> tuple[Agent, float]:
    """An earlier version's look-up does not contain their standing: it counts as old."""
    if not row.role:
        return Agent(row.user_id, row.name, row.email), math.inf
    return Agent(row.user_id, row.name, row.email, Standing(row.role)), now - row.looked_up_at


def _slack(team: str, account: str) -> str:
    """A team's users, separate for each Kommunicate account, which has its own agents."""
    return f"slack {owned(account, team)}"


def _remember(tx: Tx, account: str, user_id: str, *, name: str, **more: str) -> None:
    search_name, search_last = search_names(name)
    values = {"name": name, "search_name": search_name, "search_last": search_last, **more}
    new = upsert(tx, people).values(account=account, user_id=user_id, looked_up_at=tx.now, **values)
    again = {**values, "looked_up_at": tx.now}
    tx.conn.execute(new.on_conflict_do_update(index_elements=["account", "user_id"], set_=again))
