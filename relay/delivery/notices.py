"""The relay's own lines, as values to be drawn: what each is about, and whom it mentions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from relay.conversation import Holder
from relay.delivery import stored
from relay.delivery.calling import is_call
from relay.delivery.context import DeliveryContext
from relay.messages import ChatMessage, Fate, Person
from relay.routing.redact import Redactor
from relay.slack.files import file_name
from relay.slack.render import Line, Notice
from relay.slack.thread_notices import MENTIONING
from relay.store.db.rows import About, Claim, Waiting
from relay.vocabulary import CALLING, DeliveryState, ThreadNotice

NAMELESS = "A customer"


def to_notice(
    context: DeliveryContext, claim: Claim, row: Waiting, about: About, people: Mapping[str, Person]
) -> Notice:
    """The content of a line, as things are now."""
    if about.topic in CALLING:
        return _call(context, claim, about, people)
    if about.topic is ThreadNotice.NO_FILE:
        return Notice(about.topic, about.id, about.fate, _name_of_file(context, row, claim))
    return _of_reply(row, about, context.redact(claim.conversation.rule))


def _name_of_file(context: DeliveryContext, row: Waiting, claim: Claim) -> str:
    message = context.read(row.body, claim.conversation)
    file = message.attachment if isinstance(message, ChatMessage) else None
    return file_name(file) if file else ""


def spoken_of(claim: Claim) -> set[str]:
    """Whose names appear in lines that notify somebody."""
    sender = claim.conversation.state.opener_sender
    return {sender} if sender else set()


def called_agents(claim: Claim, lines: Sequence[Line]) -> list[str]:
    """The Kommunicate agents whom the lines notify."""
    state = claim.conversation.state
    calls = any(map(is_call, lines))
    return [state.assignee] if calls and state.holder is Holder.AGENT and state.assignee else []


def _call(context: DeliveryContext, claim: Claim, about: About, people: Mapping[str, Person]) -> Notice:
    """It notifies the agent who has the chat, otherwise whom the settings name."""
    state, members = claim.conversation.state, context.members_at(claim.conversation)
    holder = members.known(state.assignee or "") if state.holder is Holder.AGENT else None
    who = people[state.opener_sender].name if state.opener_sender in people else NAMELESS
    fate = Fate(DeliveryState.WAITING, cause=who, at=state.waits_since)
    return Notice(about.topic, about.id, fate, user_id=holder or context.reminding(claim.conversation.rule).mention)


def _of_reply(row: Waiting, about: About, redactor: Redactor | None) -> Notice:
    fate = about.fate if redactor is None else replace(about.fate, cause=redactor.clean(about.fate.cause))
    words = stored.words_of(about.words, redactor)
    told = Notice(about.topic, about.id, fate, words, about.is_edited, _is_back(about), links_ended=about.links_ended)
    if about.correction is not None and about.corrected is not None:
        sent = stored.words_of(about.correction_words, redactor)
        told = replace(told, correction=Notice(about.topic, about.correction, about.corrected, sent))
    return replace(told, user_id=_whose(row, about.topic))


def how_it_stands(about: About, *, of_change: bool) -> Notice:
    """What the line about a reply says, or with `of_change` the one about its last edit; without quoting anything."""
    if not of_change or not (about.is_edited or about.corrected):
        return Notice(ThreadNotice.FAILED, about.id, about.fate)
    told = Notice(ThreadNotice.EDITED, about.id, about.fate, is_edited=about.is_edited, is_back=_is_back(about))
    if about.correction is not None and about.corrected is not None:
        told = replace(told, correction=Notice(ThreadNotice.EDITED, about.correction, about.corrected))
    return told


def _is_back(about: About) -> bool:
    """True if the last edit says what the customer has: the correction, if there was one."""
    has = about.words if about.correction is None else about.correction_words
    edited = about.late_words
    return edited is not None and has is not None and stored.words_of(edited, None) == stored.words_of(has, None)


def _whose(row: Waiting, topic: ThreadNotice) -> str:
    """The person a line is about, if the line mentions them; otherwise ""."""
    if topic is ThreadNotice.SAID:
        said = stored.read_said(row.body)
        return (said.user_id or "") if said else ""
    click = stored.read_click(row.body) if topic in MENTIONING else None
    if click is None:
        return ""
    return click.value if topic is ThreadNotice.ASSIGNED else click.user_id
