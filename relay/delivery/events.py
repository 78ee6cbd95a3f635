"""What the messages about to be shown say about the state of their conversation, each counted once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial

from relay.conversation import ConversationState, Words, assigned, handed_over, reopened, resolved, spoke
from relay.delivery.members import Members
from relay.kommunicate.closing import closes
from relay.kommunicate.people import answers_customers
from relay.messages import Assigned, ChatMessage, MessageKind, News, Person, Role
from relay.slack.render import Line
from relay.store.conversations.state import update_state
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim, Waiting
from relay.store.queue.lanes import conversation

Shown = Sequence[tuple[Waiting, Line]]


def believed(message: ChatMessage, people: Mapping[str, Person]) -> ChatMessage:
    """How far a message is trusted: anybody who can write can forge a notice, and only the team's count.

    Anybody else's is shown as their text, under their name.
    """
    author = people.get(message.sender)
    if author is None or author.role.is_of_the_team:
        return message
    return replace(message, kind=MessageKind.MESSAGE, news=None, text=message.own_words)


def subjects(messages: Mapping[int, ChatMessage]) -> set[str]:
    """Everybody whose name and role must be known: authors, and assignees."""
    found = {one.sender for one in messages.values()}
    found |= {one.news.user_id for one in messages.values() if isinstance(one.news, Assigned)}
    return found - {""}


def assigned_to(line: Line, people: Mapping[str, Person]) -> str:
    """The agent to whom this line gives the chat; "" if it is nobody, or a bot."""
    match line.message.news:
        case Assigned(user_id) if people[user_id].role is Role.AGENT:
            return user_id
    return ""


def mention(
    members: Members, claim: Claim, lines: Sequence[Line], people: Mapping[str, Person]
) -> tuple[list[Line], str | None]:
    """The lines, each with a mention of the agent it gives the chat to, so that Slack shows them the thread; and the
    last one.

    The agent whom the thread mentioned last is not mentioned again.
    """
    last, found = claim.mentioned, []
    for line in lines:
        agent = assigned_to(line, people)
        member = members.known(agent) if agent else None
        found.append(replace(line, mention=member) if member and member != last else line)
        last = member or (line.told.user_id if line.told else "") or last
    return found, last if last != claim.mentioned else None


def changes_state(claim: Claim, lines: Shown, people: Mapping[str, Person], closing: Collection[str]) -> bool:
    """True if these messages change the conversation's state in a way that has not been applied yet.

    `closing` are further words by which a customer asks for nothing.
    """
    before = replace(claim.conversation.state, broadcast_from=claim.broadcast_from)
    return _all_applied(before, claim, lines, people, closing) != before


def apply_events(tx: Tx, claim: Claim, lines: Shown, people: Mapping[str, Person], closing: Collection[str]) -> Claim:
    """Apply what they say; returns the claim with the conversation's new state. Conversation and lane are held."""
    step = partial(_all_applied, claim=claim, lines=lines, people=people, closing=closing)
    _, after = update_state(tx, claim.conversation.id, step)
    now_at = conversation(tx, claim.conversation.id)
    return replace(claim, conversation=now_at, broadcast_from=after.broadcast_from)


def _all_applied(
    now: ConversationState, claim: Claim, lines: Shown, people: Mapping[str, Person], closing: Collection[str]
) -> ConversationState:
    for row, line in lines:
        if row.id > claim.events_applied_to and row.about is None and row.lost is None:
            now = _applied(now, row, line, people, claim.at, closing)
    return now


def _applied(
    now: ConversationState,
    row: Waiting,
    line: Line,
    people: Mapping[str, Person],
    moment: float,
    closing: Collection[str],
) -> ConversationState:
    message = line.message
    if message.kind is MessageKind.MESSAGE:
        author, answers = line.author, answers_customers(message.sender, message.metadata)
        may_close = now.waits_since is None and message.attachment is None
        ends = may_close and closes(message.own_words, message.metadata, closing)
        words = Words(author.role, author.user_id, author.name, row.received_id, message.sent_at, answers, ends)
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
