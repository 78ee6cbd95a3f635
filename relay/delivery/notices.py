"""The lines in which the relay itself speaks, as values to be drawn: what each tells of, and whom it mentions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from relay.conversation import Holder
from relay.delivery import stored
from relay.delivery.context import DeliveryContext
from relay.messages import ChatMessage, Fate, Person
from relay.slack.files import file_name
from relay.slack.render import Line, Notice
from relay.slack.thread_notices import CALLING, MENTIONING
from relay.store.db.rows import About, Claim, Waiting
from relay.vocabulary import DeliveryState, ThreadNotice

NAMELESS = "A customer"


def to_notice(
    context: DeliveryContext, claim: Claim, row: Waiting, about: About, people: Mapping[str, Person]
) -> Notice:
    """What a line about something tells, as things are now."""
    if about.topic in CALLING:
        return _call(context, claim, about, people)
    if about.topic is ThreadNotice.NO_FILE:
        return Notice(about.topic, about.id, about.fate, _name_of_file(row, claim.conversation.key.account))
    return _of_reply(row, about)


def _name_of_file(row: Waiting, account: str) -> str:
    message = stored.read_message(row.body, account)
    file = message.attachment if isinstance(message, ChatMessage) else None
    return file_name(file) if file else ""


def spoken_of(claim: Claim) -> set[str]:
    """Whose name the lines say that call somebody."""
    sender = claim.conversation.state.opener_sender
    return {sender} if sender else set()


def called_agents(claim: Claim, lines: Sequence[Line]) -> list[str]:
    """The agents of Kommunicate's whom the lines call."""
    state = claim.conversation.state
    calls = any(line.told is not None and line.told.topic in CALLING for line in lines)
    return [state.assignee] if calls and state.holder is Holder.AGENT and state.assignee else []


def calls_in_vain(line: Line) -> bool:
    """True for a line that should call somebody and has nobody to call: its channel must see it."""
    return line.told is not None and line.told.topic in CALLING and not line.told.user_id


def _call(context: DeliveryContext, claim: Claim, about: About, people: Mapping[str, Person]) -> Notice:
    """It calls whoever has the chat, else whom the settings name."""
    state = claim.conversation.state
    holder = context.members.known(state.assignee or "") if state.holder is Holder.AGENT else None
    who = people[state.opener_sender].name if state.opener_sender in people else NAMELESS
    fate = Fate(DeliveryState.WAITING, cause=who, at=state.waits_since)
    return Notice(about.topic, about.id, fate, user_id=holder or context.reminding.mention)


def _of_reply(row: Waiting, about: About) -> Notice:
    told = Notice(
        about.topic, about.id, about.fate, stored.words_of(about.words), about.is_edited, links_ended=about.links_ended
    )
    if about.correction is not None and about.corrected is not None:
        sent = stored.words_of(about.correction_words)
        told = replace(told, correction=Notice(about.topic, about.correction, about.corrected, sent))
    return replace(told, user_id=_whose(row, about.topic))


def _whose(row: Waiting, topic: ThreadNotice) -> str:
    """Who did what a line tells of, where the line mentions them; "" where it does not."""
    if topic is ThreadNotice.SAID:
        said = stored.read_said(row.body)
        return (said.user_id or "") if said else ""
    click = stored.read_click(row.body) if topic in MENTIONING else None
    if click is None:
        return ""
    return click.value if topic is ThreadNotice.ASSIGNED else click.user_id
