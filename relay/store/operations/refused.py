"""Refused requests that look like a vendor's, until one of its requests is accepted."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import delete, select

from relay.owners import ACCOUNT, bare, owned, owner_of
from relay.store.db.dialects import upsert
from relay.store.db.engine import Tx
from relay.store.db.file_tables import learned
from relay.vocabulary import Refusal

PREFIX = "refused:"


@dataclass(frozen=True, slots=True)
class Refused:
    """How many were refused for one reason, and when the first and the last, in seconds since 1970.

    `account` is the one whose token was expected; for Slack's requests it is unknown.
    """

    why: Refusal
    count: int
    first: float
    last: float
    account: str = ACCOUNT

    @property
    def name(self) -> str:
        """The reason, with a further account in front."""
        return owned(self.account, self.why.value)


def note_refused(tx: Tx, why: Refusal, count: int, account: str = ACCOUNT) -> None:
    """This many more were refused."""
    before = {(one.why, one.account): one for one in refused(tx)}.get((why, account))
    first, known = (tx.now, 0) if before is None else (before.first, before.count)
    value = json.dumps({"count": known + count, "first": first, "last": tx.now})
    row = upsert(tx, learned).values(name=PREFIX + owned(account, why.value), value=value)
    tx.conn.execute(row.on_conflict_do_update(index_elements=["name"], set_={"value": value}))


def forget_refused(tx: Tx, *reasons: Refusal, account: str = ACCOUNT) -> None:
    """One was accepted: the problem is fixed."""
    names = [PREFIX + owned(account, why.value) for why in reasons]
    tx.conn.execute(delete(learned).where(learned.c.name.in_(names)))


def refused(tx: Tx) -> list[Refused]:
    """Everything that was refused since a request was last accepted."""
    reasons = {why.value: why for why in Refusal}
    rows = tx.conn.execute(select(learned).where(learned.c.name.startswith(PREFIX)).order_by(learned.c.name)).all()
    named = [(row.name.removeprefix(PREFIX), json.loads(row.value)) for row in rows]
    return [
        Refused(reasons[bare(name)], **value, account=owner_of(name) or ACCOUNT)
        for name, value in named
        if bare(name) in reasons
    ]
