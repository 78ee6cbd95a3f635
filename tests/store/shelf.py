"""Short ways to bring a store into a state, each by the store's own functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from sqlalchemy import Table, select

from relay.messages import ChatMessage, ConversationKey, Decision, IgnoredMessage
from relay.store.conversations import threads
from relay.store.db.engine import Store, Tx
from relay.store.db.file_tables import metadata
from relay.store.db.rows import Claim, Draft, Receipt, Send
from relay.store.intake.webhooks import accept
from relay.store.queue import lanes, refusals, sends
from relay.store.queue.gates import Limits, Pace
from relay.store.queue.waiting import waiting
from relay.vocabulary import SendKind, SendState
from relay.wiring import slack_limits
from tests.harness import NOON, raw

GROUP = "123456"
MAPPED = Decision("C0SUPPORT", "channels", "`channels` lists it.")
UNMAPPED = Decision(None, "unmapped", "Nothing names it.")
LIMITS = slack_limits(Pace(burst=1000))  # the pace is of no concern here
LEASE = 30.0

T = TypeVar("T")


def message(key: str = "k1", group: str = GROUP) -> ChatMessage:
    """What the parser makes of a body."""
    return ChatMessage(ConversationKey("default", group), key, "customer-1", NOON, "Hello")


def ignored(key: str = "k1") -> IgnoredMessage:
    """What the parser makes of a body that is not shown."""
    return IgnoredMessage("hidden message", ConversationKey("default", GROUP), key)


def take_in(
    store: Store, key: str = "k1", group: str = GROUP, decision: Decision = MAPPED, body: bytes = b""
) -> Receipt:
    """Accept one message in a transaction of its own."""
    with store.begin() as tx:
        return accept(tx, message(key, group), body or raw(key, group), decision)


def claim(store: Store, owner: str = "me", *, limits: Limits = LIMITS, dead: Sequence[str] = ()) -> Claim | None:
    """Claim a lane in a transaction of its own."""
    with store.begin() as tx:
        return next(iter(lanes.claim(tx, owner, lease=LEASE, limits=limits, dead=dead)), None)


def claimed(store: Store, owner: str = "me") -> Claim:
    """The same where there must be one."""
    held = claim(store, owner)
    assert held is not None
    return held


def holding(store: Store, held: Claim, work: Callable[[Tx], T]) -> T:
    """Do something in a transaction that holds the lane."""
    with store.begin() as tx:
        lanes.hold(tx, held)
        return work(tx)


def give_back(store: Store, held: Claim, **how: Any) -> None:
    """End a lease."""
    with store.begin() as tx:
        lanes.give_back(tx, held, **how)


def started(store: Store, held: Claim, *parts_of_drafts: Sequence[tuple[int, int]]) -> Send:
    """One post that has set out for each list of parts; without any, one with the first part of all that waits."""

    def work(tx: Tx) -> Send:
        parts = parts_of_drafts or [[(one.id, 0) for one in waiting(tx, held)]]
        place = held.conversation
        channel = place.channel_id or ""
        drafts = [Draft(SendKind.POST, channel, place.thread_ts, {"text": "x"}, tuple(one)) for one in parts]
        return sends.store(tx, held, drafts)

    return holding(store, held, work)


def frozen(store: Store, held: Claim, *parts_of_drafts: Sequence[tuple[int, int]]) -> Send:
    """The same that certainly did not arrive."""
    send = started(store, held, *parts_of_drafts)
    holding(store, held, lambda tx: sends.freeze_again(tx, send, "try again"))
    return replace(send, state=SendState.FROZEN)


def start(store: Store, held: Claim, send: Send) -> Send:
    """It sets out once more."""
    return holding(store, held, lambda tx: sends.start(tx, send))


def settle(store: Store, held: Claim, send: Send, ts: str = "1712345678.000200") -> None:
    """Slack took it."""

    def work(tx: Tx) -> None:
        sends.mark_delivered(tx, send, ts)
        lanes.give_back(tx, held)

    holding(store, held, work)


def bury(store: Store) -> None:
    """What waits is posted, and refused for good."""
    held = claimed(store)
    send = started(store, held)

    def work(tx: Tx) -> None:
        refusals.bury(tx, held, send, "too long")
        lanes.give_back(tx, held)

    holding(store, held, work)


def root(store: Store, held: Claim) -> Send:
    """A root that has set out."""
    draft = Draft(SendKind.ROOT, held.conversation.channel_id or "", None, {"text": "card"})
    return holding(store, held, lambda tx: sends.store(tx, held, [draft]))


def open_thread(store: Store, group: str = GROUP, ts: str = "1712345678.000100") -> None:
    """A conversation with a thread and one message that waits."""
    take_in(store, f"first-of-{group}", group)
    held = claimed(store)
    send = root(store, held)
    with store.begin() as tx:
        assert threads.save_root(tx, held, send, ts, "as drawn")
        lanes.give_back(tx, held)


def rows(store: Store, table: str | Table, **where: Any) -> list[Any]:
    """Rows of a table, in the order of their first column."""
    kind = metadata.tables[table] if isinstance(table, str) else table
    with store.read() as tx:
        found = select(kind).filter_by(**where).order_by(*kind.primary_key.columns)
        return list(tx.conn.execute(found).all())


def everything_stored(store: Store) -> str:
    """What any table holds, as text."""
    found = [value for table in metadata.tables.values() for row in rows(store, table) for value in row]
    return "\n".join(bytes(one).decode() if isinstance(one, bytes | memoryview) else str(one) for one in found)


def states(store: Store) -> list[str]:
    """The states of all deliveries, in order."""
    return [row.state for row in rows(store, "deliveries")]


def lane(store: Store) -> Any:
    """The only lane."""
    (row,) = rows(store, "lanes")
    return row
