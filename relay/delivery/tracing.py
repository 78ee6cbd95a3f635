"""Finds everything about a customer: by whose card a conversation has, and by what the stored bodies say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from relay.kommunicate.people import role_of
from relay.kommunicate.whose import mentions, sender_and_group
from relay.messages import Role
from relay.store.db.engine import Store
from relay.store.operations import customers
from relay.store.operations.customers import StoredBody

STEP = 500  # bodies read at a time


@dataclass(frozen=True, slots=True)
class Traces:
    """What there is about one customer: their conversations; and, by ids of received bodies, their messages in other
    customers' conversations and what belongs to no conversation. `roles` are the roles they were found with.
    """

    conversations: tuple[int, ...]
    elsewhere: tuple[int, ...]
    loose: tuple[int, ...]
    roles: frozenset[Role]

    @property
    def is_nobody(self) -> bool:
        """True if nothing is known about them."""
        return not (self.conversations or self.elsewhere or self.loose or self.roles)

    @property
    def is_of_the_team(self) -> bool:
        """True for a bot or an agent: they write in everybody's chats."""
        return any(role.is_of_the_team for role in self.roles)


def trace(store: Store, user_id: str) -> Traces:
    """Find all of it. A chat is a customer's if its card is, or if they wrote in it and no other customer did.

    Who wrote first does not matter. Reads everything that is stored, in steps.
    """
    with store.read() as tx:
        roles = customers.roles_of(tx, user_id) | ({role_of(user_id, None)} - {Role.UNKNOWN})
        mine = customers.opened_by(tx, user_id)
    wrote: dict[int, list[int]] = defaultdict(list)
    for one in _bodies(store, loose=False):
        if one.conversation_id not in mine and sender_and_group(one.body)[0] == user_id:
            wrote[one.conversation_id or 0].append(one.id)
    with store.read() as tx:
        others = customers.of_others(tx, wrote, user_id)
        mine |= wrote.keys() - others
        groups = customers.groups_of(tx, mine)
    loose = [one.id for one in _bodies(store, loose=True) if _is_theirs(one, user_id, groups)]
    elsewhere = [received_id for chat in sorted(others) for received_id in wrote[chat]]
    return Traces(tuple(sorted(mine)), tuple(elsewhere), tuple(loose), frozenset(roles))


def _is_theirs(one: StoredBody, user_id: str, groups: set[str]) -> bool:
    if one.is_rejected:
        return mentions(one.body, frozenset({user_id, *groups}))
    sender, group = sender_and_group(one.body)
    return sender == user_id or group in groups


def _bodies(store: Store, *, loose: bool) -> Iterator[StoredBody]:
    after = 0
    while True:
        with store.read() as tx:
            found = customers.bodies(tx, after, STEP, loose=loose)
        if not found:
            return
        yield from found
        after = found[-1].id
