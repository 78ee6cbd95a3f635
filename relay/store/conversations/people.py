"""Names and roles that were looked up, with an age."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import select

from relay.messages import Agent, Person, Role
from relay.store.db.dialects import upsert
from relay.store.db.engine import Tx, given
from relay.store.db.tables import people

KNOWN = select(people).where(people.c.account == given("account"), people.c.user_id.in_(given("users", several=True)))


def known_people(tx: Tx, account: str, user_ids: Collection[str]) -> dict[str, tuple[Person, float]]:
    """Each known user's last known name and role, with its age in seconds."""
    rows = tx.run(KNOWN, account=account, users=list(user_ids))
    return {row.user_id: (Person(row.user_id, row.name, Role(row.role)), tx.now - row.looked_up_at) for row in rows}


def known_agent(tx: Tx, team: str, user_id: str, *, max_age: float) -> Agent | None:
    """What was last looked up of a Slack user, unless that is longer ago than `max_age` seconds."""
    row = tx.conn.execute(
        select(people).where(people.c.account == f"slack {team}", people.c.user_id == user_id)
    ).one_or_none()
    return None if row is None or tx.now - row.looked_up_at > max_age else Agent(row.user_id, row.name, row.email)


def remember_agent(tx: Tx, team: str, agent: Agent) -> None:
    """Store what a look-up told of a Slack user."""
    values = {"name": agent.name, "email": agent.agent_id, "looked_up_at": tx.now}
    new = upsert(tx, people).values(account=f"slack {team}", user_id=agent.user_id, **values)
    tx.conn.execute(new.on_conflict_do_update(index_elements=["account", "user_id"], set_=values))


def remember_people(tx: Tx, account: str, found: Iterable[Person]) -> None:
    """Store what a look-up told, in the order of ids so that two writers cannot block each other."""
    for person in sorted(found, key=lambda one: one.user_id):
        values = {"name": person.name, "role": person.role.value, "looked_up_at": tx.now}
        new = upsert(tx, people).values(account=account, user_id=person.user_id, **values)
        tx.conn.execute(new.on_conflict_do_update(index_elements=["account", "user_id"], set_=values))
