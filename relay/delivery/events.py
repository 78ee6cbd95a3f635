"""What the messages that are about to be shown say of how their conversation stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from relay.conversation import ConversationState, Words, assigned, handed_over, reopened, resolved, spoke
from relay.delivery.context import DeliveryContext
from relay.kommunicate.people import answers_customers
from relay.messages import Assigned, ChatMessage, MessageKind, News, Person
from relay.slack.render import Line
from relay.store.conversations.state import update_state
from relay.store.db.rows import Claim, Waiting
from relay.store.queue.lanes import conversation, hold, record_events_applied

Shown = Sequence[tuple[Waiting, Line]]


def subjects(messages: Mapping[int, ChatMessage]) -> set[str]:
    """Everybody whose name and role must be known: who wrote, and to whom the conversation was given."""
    found = {one.sender for one in messages.values()}
    found |= {one.news.user_id for one in messages.values() if isinstance(one.news, Assigned)}
    return found - {""}


def apply_events(out: DeliveryContext, held: Claim, lines: Shown, people: Mapping[str, Person]) -> Claim:
    """Take in what these messages say, each once; returns the claim with how the conversation stands now.

    Raises Fenced: whoever has the lane now has applied them, or will.
    """
    events = [
        (row, line) for row, line in lines if row.id > held.events_applied_to and row.about is None and row.lost is None
    ]

    def step(now: ConversationState) -> ConversationState:
        for row, line in events:
            now = _apply(now, row, line, people, held.at)
        return now

    before = replace(held.conversation.state, broadcast_from=held.broadcast_from)
    if step(before) == before:
        return held
    with out.store.begin("hear") as tx:
        _, after = update_state(tx, held.conversation.id, step)
        hold(tx, held)
        record_events_applied(tx, held, events[-1][0].id)
        return replace(held, conversation=conversation(tx, held.conversation.id), broadcast_from=after.broadcast_from)


def _apply(
    now: ConversationState, row: Waiting, line: Line, people: Mapping[str, Person], moment: float
) -> ConversationState:
    message = line.message
    if message.kind is MessageKind.MESSAGE:
        author, answers = line.author, answers_customers(message.sender, message.metadata)
        words = Words(author.role, author.user_id, author.name, row.received_id, message.sent_at, answers)
        now = spoke(now, words, moment=moment)
    match message.news:
        case Assigned(user_id, name):
            person = people[user_id]
            return assigned(now, person.role, user_id=user_id, name=name or person.name, moment=moment)
        case News.RESOLVED:
            return resolved(now, by="")
        case News.OPENED:
            return reopened(now)
        case News.HANDED_OVER:
            return handed_over(now, moment=moment)
    return now
