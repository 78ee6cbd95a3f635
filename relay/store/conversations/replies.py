"""What agents want of Kommunicate: taken in order of writing, sent once, and told on.

Lock order: conversation, lane. Only `sending` can become unsure, and nothing that is unsure is sent again by itself.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass, replace

from sqlalchemy import ColumnElement, and_, insert, select, update

from relay.conversation import answered
from relay.store.conversations.state import Step, update_state
from relay.store.conversations.thread_notices import add_notice
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim, Send
from relay.store.db.tables import deliveries, lanes, received, send_parts, sends
from relay.store.intake.echoes import SENT, take_key
from relay.store.queue.arming import CARD, REPLIES, arm, lock
from relay.store.queue.lanes import give_back, hold, of_claim, to_send
from relay.store.queue.sends import next_seq

FAILED, UNSURE, PENDING = "failed", "unsure", "pending"  # marks; the first two are topics too
FILES = "files"  # the topic of the line that says they stayed here
SOON = 3.0  # seconds; what takes no longer needs no mark that says it is on its way


@dataclass(frozen=True, slots=True)
class Reply:
    """What a lane has to do next: its delivery, Slack's event, and the event of its last edit, if any.

    `topic` is "" for a reply; `key` is the received thing's.
    """

    id: int
    topic: str
    key: str
    body: bytes | None
    words_id: int | None = None
    edit: bytes | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """One call to Kommunicate, ready to be frozen; `agent` is who wrote it, `files` whether files stay behind."""

    text: str
    sender: str
    agent: str = ""
    files: bool = False


def next_reply(tx: Tx, held: Claim) -> Reply | None:
    """What was wanted first and is not to be undone any more; without one the lane is given back."""
    edit = received.alias()
    row = tx.conn.execute(
        select(
            deliveries.c.id,
            deliveries.c.topic,
            deliveries.c.not_before,
            received.c.key,
            received.c.body,
            deliveries.c.words_id,
            edit.c.body.label("edit"),
        )
        .join(received, received.c.id == deliveries.c.received_id)
        .outerjoin(edit, edit.c.id == deliveries.c.words_id)
        .where(_of_lane(held), deliveries.c.state == "waiting")
        .order_by(deliveries.c.written_at, deliveries.c.id)
        .limit(1)
    ).one_or_none()
    if row is None or row.not_before > tx.now:
        give_back(tx, held, wait=None if row is None else row.not_before - tx.now)
        return None
    return Reply(row.id, row.topic, row.key, row.body, row.words_id, row.edit)


def freeze_reply(tx: Tx, held: Claim, reply: Reply, draft: Draft, *, lease: float) -> Send | None:
    """Store the call as it will go out; None if the agent has changed the message meanwhile. Raises Fenced."""
    hold(tx, held, lease=lease)
    taken = tx.conn.execute(
        update(deliveries)
        .where(
            deliveries.c.id == reply.id,
            deliveries.c.state == "waiting",
            deliveries.c.words_id.is_not_distinct_from(reply.words_id),
        )
        .values(state="sending")
        .returning(deliveries.c.id)
    ).one_or_none()
    if taken is None:
        give_back(tx, held)
        return None
    send_id = uuid.uuid4().hex
    row = tx.conn.execute(
        insert(sends)
        .values(
            id=send_id,
            conversation_id=held.conversation.id,
            lane=held.lane,
            seq=next_seq(tx, held),
            kind="reply",
            payload=json.dumps(asdict(draft)),
            channel=held.conversation.key.account,
            created_at=tx.now,
        )
        .returning(sends)
    ).one()
    tx.conn.execute(insert(send_parts).values(send_id=send_id, delivery_id=reply.id, part=0, live=True))
    return to_send(row)


def start_reply(tx: Tx, held: Claim, send: Send, *, lease: float) -> Send:
    """The last write before the call; raises Fenced."""
    hold(tx, held, lease=lease)
    tx.conn.execute(update(sends).where(sends.c.id == send.id).values(state="sending", started_at=tx.now))
    return replace(send, state="sending", started_at=tx.now)


def reply_sent(tx: Tx, held: Claim, send: Send, key: str | None) -> None:
    """Kommunicate took it, under `key`; None where its echo has told the key already."""
    mine = held.conversation.id
    lock(tx, mine)
    hold(tx, held)
    _end(tx, send, "delivered", key=key)
    _set_delivery(tx, send.id, state="delivered", mark=SENT, settled_at=tx.now)
    update_state(tx, mine, lambda now: answered(now, name=send.payload.get("agent", "")))
    if send.payload.get("files"):
        add_notice(tx, mine, _carried(tx, send), FILES)
    arm(tx, mine, CARD, 0.0)
    give_back(tx, held)


def now_stands(tx: Tx, held: Claim, step: Step) -> None:
    """The conversation stands differently now; what waits comes next."""
    lock(tx, held.conversation.id)
    hold(tx, held)
    update_state(tx, held.conversation.id, step)
    give_back(tx, held)


def reply_again(tx: Tx, held: Claim, send: Send, wait: float, cause: str, *, at_gate: bool = False) -> None:
    """Certainly not done: the same again. A wait `at_gate` uses up no attempt and does not count towards giving up."""
    lock(tx, held.conversation.id)
    hold(tx, held)
    tx.conn.execute(update(sends).where(sends.c.id == send.id).values(state="frozen", cause=cause))
    _wait(tx, held, _carried(tx, send), wait, at_gate=at_gate)


def put_off(tx: Tx, held: Claim, delivery_id: int, wait: float, cause: str, *, at_gate: bool = False) -> None:
    """Not even ready to be sent: again in `wait` seconds; `at_gate` as above."""
    lock(tx, held.conversation.id)
    hold(tx, held)
    tx.conn.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(cause=cause))
    _wait(tx, held, delivery_id, wait, at_gate=at_gate)


def _wait(tx: Tx, held: Claim, delivery_id: int, wait: float, *, at_gate: bool) -> None:
    if at_gate or held.spent + wait > SOON:
        its_own = and_(deliveries.c.id == delivery_id, deliveries.c.topic == "")
        tx.conn.execute(update(deliveries).where(its_own).values(mark=PENDING))
        arm(tx, held.conversation.id, CARD, 0.0)
    attempts, spent = (held.attempts, held.spent) if at_gate else (held.attempts + 1, held.spent + wait)
    give_back(tx, held, wait=wait, attempts=attempts, spent=spent)


def reply_unsure(tx: Tx, held: Claim, send: Send, wait: float, cause: str) -> None:
    """Kommunicate may have it: nothing else of this lane moves until its echo, or until `wait` seconds are over."""
    lock(tx, held.conversation.id)
    hold(tx, held)
    tx.conn.execute(
        update(sends).where(sends.c.id == send.id, sends.c.ts.is_(None)).values(state="unsure", cause=cause)
    )
    _set_delivery(tx, send.id, state="unsure", mark=PENDING)
    arm(tx, held.conversation.id, CARD, 0.0)
    echoed = has_echoed(tx, send)
    give_back(tx, held, wait=0.0 if echoed else wait, looking=True, attempts=held.attempts, spent=held.spent)


def has_echoed(tx: Tx, send: Send) -> bool:
    """True when Kommunicate's webhook has shown this reply."""
    return tx.conn.execute(select(sends.c.ts).where(sends.c.id == send.id)).scalar_one() is not None


def reply_given_up(tx: Tx, held: Claim, send: Send, cause: str, mark: str) -> None:
    """Refused for good, or nobody knows: a dead letter, a mark, and a line in the thread with a way to go on."""
    lock(tx, held.conversation.id)
    hold(tx, held)
    delivery_id = _carried(tx, send)
    _end(tx, send, "refused", cause=cause)
    tx.conn.execute(update(send_parts).where(send_parts.c.send_id == send.id).values(live=False))
    bury_reply(tx, held, delivery_id, cause, mark)


def bury_reply(tx: Tx, held: Claim, delivery_id: int, cause: str, mark: str, *, told: bool = False) -> None:
    """The same for a reply that was not even frozen; without the line where the agent was `told` otherwise."""
    mine = held.conversation.id
    lock(tx, mine)
    hold(tx, held)
    values = {"state": "dead", "cause": cause, "mark": mark, "settled_at": tx.now}
    tx.conn.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(**values))
    arm(tx, mine, CARD, 0.0)
    give_back(tx, held)
    if not told:
        add_notice(tx, mine, delivery_id, mark)


def reply_came_late(tx: Tx, held: Claim, send: Send, key: str) -> None:
    """An answer came back to a lane that was taken over meanwhile: like an echo, it settles what it can."""
    lock(tx, held.conversation.id)
    tx.conn.execute(select(lanes.c.token).where(of_claim(held)).with_for_update())
    if not has_echoed(tx, send):
        take_key(tx, held.conversation.id, send.id, key)


def send_again(tx: Tx, delivery_id: int) -> bool:
    """Somebody wants a reply that was given up to be sent once more; False where there is nothing to send again."""
    conversation_id = lock_reply(tx, delivery_id)
    if conversation_id is None:
        return False
    again = tx.conn.execute(
        update(deliveries)
        .where(deliveries.c.id == delivery_id, deliveries.c.state == "dead")
        .values(state="waiting", cause="", mark=PENDING, not_before=tx.now)
        .returning(deliveries.c.id)
    ).one_or_none()
    if again is not None:
        arm(tx, conversation_id, CARD, 0.0)
        arm(tx, conversation_id, REPLIES, 0.0)
    return again is not None


def lock_reply(tx: Tx, delivery_id: int) -> int | None:
    """Lock the conversation that a reply belongs to, and return it; None where it is no reply."""
    conversation_id: int | None = tx.conn.execute(
        select(deliveries.c.conversation_id).where(deliveries.c.id == delivery_id, deliveries.c.lane == REPLIES)
    ).scalar_one_or_none()
    if conversation_id is not None:
        lock(tx, conversation_id)
    return conversation_id


def _carried(tx: Tx, send: Send) -> int:
    carried = select(send_parts.c.delivery_id).where(send_parts.c.send_id == send.id, send_parts.c.live)
    return int(tx.conn.execute(carried).scalar_one())


def _end(tx: Tx, send: Send, state: str, *, key: str | None = None, cause: str = "") -> None:
    named = {} if key is None else {"ts": key}
    tx.conn.execute(update(sends).where(sends.c.id == send.id).values(state=state, cause=cause, **named))


def _set_delivery(tx: Tx, send_id: str, **values: object) -> None:
    carried = select(send_parts.c.delivery_id).where(send_parts.c.send_id == send_id, send_parts.c.live)
    tx.conn.execute(update(deliveries).where(deliveries.c.id.in_(carried)).values(**values))


def _of_lane(held: Claim) -> ColumnElement[bool]:
    return and_(deliveries.c.conversation_id == held.conversation.id, deliveries.c.lane == held.lane)
