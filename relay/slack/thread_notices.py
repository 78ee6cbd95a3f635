"""The relay's own lines in a thread: what became of an agent's action.

A line about a reply shows the reply's current state. It is redrawn whenever that changes, and has a button only while
there is something to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

from relay.messages import Fate
from relay.slack.blocks import (
    MAX_TEXT,
    WAITING,
    Block,
    actions,
    button,
    called,
    channel_name,
    channels,
    context,
    date,
    date_token,
    line_with_button,
    plain,
    rich_text,
    utc_minute,
    words,
)
from relay.slack.text import clean, clean_line, clean_name
from relay.vocabulary import CALLING, CHANGE, FATE, DeliveryState, Mark, ThreadNotice

SEND_AGAIN, SEND_CORRECTION, TELL_CUSTOMER = "send_again", "send_correction", "tell_customer"
MENTIONING = (ThreadNotice.TAKEN, ThreadNotice.ASSIGNED)  # so that the thread is shown to the chat's agent
SEND_TO_CUSTOMER, KEEP_INSIDE, TAKE_ANYWAY = "send_to_customer", "keep_inside", "take_anyway"
MOVE_TO = "move_to"
RETRY = "Retry"
BUTTONS = {
    SEND_AGAIN: "Send again",
    SEND_CORRECTION: "Send correction",
    TELL_CUSTOMER: "Tell the customer",
    SEND_TO_CUSTOMER: "Send to the customer",
    KEEP_INSIDE: "Keep internal",
    TAKE_ANYWAY: "Take it anyway",
    MOVE_TO: "Move",
}
_PART = "."  # between what a question is about and the number of its line
MARK = "• "  # no author line begins so
MAX_CAUSE = 200
MAX_WORDS = 80
_WHEN = "\0"  # placeholder for a moment in a sentence
_TIME = "{time}"
TO_CUSTOMER = " to the customer:"


def where_to(about: int, places: Sequence[str], *, more: bool) -> tuple[Block, ...]:
    """The channels that a chat can be moved to, a line each; with `more` a menu of all that there are in Slack.

    A click on one of them comes back with what it is `about`.
    """
    lines = [
        line_with_button(channel_name(place), button(MOVE_TO, "Move here", place), f"{about}{_PART}{number}")
        for number, place in enumerate(places)
    ]
    others = [actions(channels(MOVE_TO, "Another channel"), block_id=str(about))] if more else []
    return (*lines, *others)


def asked_about(block_id: str) -> str:
    """Returns what the line of such a question is about."""
    return block_id.partition(_PART)[0]


@dataclass(frozen=True, slots=True)
class Notice:
    """One line. `about` is the id of the delivery it is about, on which its button acts; `fate` is the delivery's
    state, and `words` its text.

    `is_edited`: there is an unsent edit; `is_back`: it says again what the customer has. `links_ended`: it had files,
    whose links no longer work. `correction` is the line about what was sent to correct it, if anything was. `user_id`
    is the Slack id of the person who acted, if known.
    """

    topic: ThreadNotice
    about: int
    fate: Fate = field(default_factory=lambda: Fate(DeliveryState.DEAD))
    words: str = ""
    is_edited: bool = False
    is_back: bool = False
    correction: Notice | None = None
    user_id: str = ""
    links_ended: bool = False


class _Now(Enum):
    """The state of what a line is about: the sentence, and the action and label of its button."""

    FAILED = "Not sent to the customer: {cause}.", SEND_AGAIN, RETRY
    UNSURE = "May not have arrived: {cause}.", SEND_AGAIN, BUTTONS[SEND_AGAIN]
    DELAYED = "Not sent yet: {cause}.", "", ""
    DELAYED_UNTIL = "Not sent yet: {cause}. Trying again until {when}", "", ""
    ON_ITS_WAY = "On its way to the customer{by}.", "", ""
    SENT = "Sent {when}{by}", "", ""
    KEPT = (
        "Kept internal: {cause}, and nobody confirmed that it goes to the customer.",
        SEND_TO_CUSTOMER,
        BUTTONS[SEND_TO_CUSTOMER],
    )
    KEPT_BY = "Kept internal{by}.", "", ""
    WITHDRAWN = "Deleted before it was sent.", "", ""
    WITHDRAWN_UNSURE = "Deleted, but it may have reached the customer.", "", ""
    EDITED = (
        "Edited after it was sent: the customer still has the earlier version.",
        SEND_CORRECTION,
        BUTTONS[SEND_CORRECTION],
    )
    EDITED_IF_SENT = (
        "Edited while it was on its way: if it arrived, the customer has the earlier version.",
        SEND_CORRECTION,
        BUTTONS[SEND_CORRECTION],
    )
    EDITED_BACK = "Edited after it was sent: the customer has these words.", "", ""
    EDITED_INTO_NOTE = (
        "Made a note after it was sent: the customer still has the earlier version.",
        TELL_CUSTOMER,
        BUTTONS[TELL_CUSTOMER],
    )
    DELETED_IF_SENT = (
        "Deleted while it was on its way: if it arrived, the customer has it.",
        TELL_CUSTOMER,
        BUTTONS[TELL_CUSTOMER],
    )
    DELETED = "Deleted after it was sent: the customer still has it.", TELL_CUSTOMER, BUTTONS[TELL_CUSTOMER]
    DELETED_WITH_FILES = (
        "Deleted after it was sent: links to its files no longer work, but the customer still has the rest.",
        TELL_CUSTOMER,
        BUTTONS[TELL_CUSTOMER],
    )
    FILES = "Only part of it was sent: {cause}.", "", ""
    FILE_DELETED = (
        "One of its files was deleted: the customer can no longer open it, but may have opened it before.",
        "",
        "",
    )
    NO_FILE = "The file could not be fetched: {cause}.", "", ""
    FILE_COMES = "The file is being fetched again.", "", ""
    FILE_CAME = "The file arrived {when}", "", ""
    TAKEN = "{who} took over this chat.", "", ""
    ASSIGNED = "{who} has this chat now{by}.", "", ""
    RELEASED = "Released {when}{by}", "", ""
    RESOLVED = "Resolved {when}{by}", "", ""
    MOVED = "Moved here {when}{by}", "", ""
    REMINDER = "{who} has been waiting since {when}", "", ""
    STALE = "Released because nobody answered: {who} has been waiting since {when}", "", ""
    REFUSED = "Not done: {cause}.", "", ""


_NO_CAUSE = {ThreadNotice.FILES: "files do not reach the customer"}  # as version 0.1 stored it
_CORRECTION = "Correction: "


def notice_text(told: Notice) -> str:
    """Returns the line as plain text."""
    sentence, moment = _sentence(told)
    if told.topic is ThreadNotice.SAID:
        sentence = f"{sentence} {clean(told.words)[:MAX_TEXT]}"
    return MARK + sentence.replace(_WHEN, "" if moment is None else utc_minute(moment))


def notice_blocks(told: Notice) -> tuple[Block, ...]:
    """Returns the line with its button, if it has one; a mention makes Slack show the thread to that person."""
    sentence, moment = _sentence(told)
    if told.topic in MENTIONING and told.user_id:
        rest = str(_Now[told.topic.name].value[0]).format(who="", by=_by(told.fate))
        return (words([{"type": "user", "user_id": told.user_id}, {"type": "text", "text": rest}]),)
    if told.topic in CALLING:
        return (words([*called(told.user_id), *_in_rich_text(sentence, moment)]),)
    line = context(*_elements(MARK + sentence, moment))
    now, target = _now(told)
    _, action, label = now.value
    controls = (actions(button(action, label, str(target.about))),) if action else ()
    return (*_said_whole(told), line, *controls)


def _in_rich_text(sentence: str, moment: float | None) -> Iterator[Block]:
    for index, piece in enumerate(sentence.split(_WHEN)):
        if index and moment is not None:
            yield date(moment, WAITING)
        if piece:
            yield {"type": "text", "text": piece}


def _said_whole(told: Notice) -> Iterator[Block]:
    """What was written in a form, because nobody saw it in the thread."""
    if told.topic is not ThreadNotice.SAID:
        return
    who = {"type": "user", "user_id": told.user_id} if told.user_id else {"type": "text", "text": clean_name("")}
    yield words([{"type": "text", "text": MARK}, who, {"type": "text", "text": TO_CUSTOMER}])
    if said := clean(told.words):
        yield rich_text([{"type": "rich_text_quote", "elements": [{"type": "text", "text": said[:MAX_TEXT]}]}])


def what_happened(fate: Fate) -> str:
    """Returns the state of an agent's action, for a person who presses a button again."""
    return notice_text(Notice(ThreadNotice.FAILED, 0, fate)).removeprefix(MARK)


def question(reason: str, said: str, about: int, minutes: int) -> tuple[str, tuple[Block, ...]]:
    """Returns the question about a message that looks like a note, and the buttons for the answer."""
    asked = f"Does this go to the customer? {reason[:1].upper()}{reason[1:]}. {_quoted(said)}".rstrip()
    silence = f"Nothing is sent until you answer; after {minutes} minutes it stays internal."
    send = button(SEND_TO_CUSTOMER, BUTTONS[SEND_TO_CUSTOMER], str(about))
    return f"{asked} {silence}", (send, button(KEEP_INSIDE, BUTTONS[KEEP_INSIDE], str(about)))


def _now(told: Notice) -> tuple[_Now, Notice]:
    """The state, and of which of the two: what the line is about, or what was sent to correct it."""
    if told.topic is ThreadNotice.NO_FILE:
        return _of_file(told.fate), told
    if told.topic not in (*FATE, *CHANGE):
        return _Now[told.topic.name], told
    if told.topic not in CHANGE:
        return _of_reply(told), told
    if told.is_edited and not told.is_back:
        return _Now.EDITED_IF_SENT if _may_have_arrived(told.fate) else _Now.EDITED, told
    return (_of_change(told), told) if told.correction is None else (_of_reply(told.correction), told.correction)


def _of_change(told: Notice) -> _Now:
    if told.is_back:
        return _Now.EDITED_BACK
    if told.topic is ThreadNotice.EDITED:
        return _Now.EDITED_INTO_NOTE
    if _may_have_arrived(told.fate):
        return _Now.DELETED_IF_SENT
    return _Now.DELETED_WITH_FILES if told.links_ended else _Now.DELETED


def _may_have_arrived(fate: Fate) -> bool:
    on_its_way = fate.state in (DeliveryState.SENDING, DeliveryState.UNSURE)
    return on_its_way or (fate.state is DeliveryState.DEAD and fate.mark is Mark.UNSURE)


def _of_file(fate: Fate) -> _Now:
    if fate.state is DeliveryState.DELIVERED:
        return _Now.FILE_CAME
    return _Now.NO_FILE if fate.state in (DeliveryState.DEAD, DeliveryState.IGNORED) else _Now.FILE_COMES


def _of_reply(told: Notice) -> _Now:
    fate = told.fate
    if fate.state is DeliveryState.DELIVERED:
        return _Now.SENT
    if fate.state is DeliveryState.DEAD:
        return _Now.UNSURE if fate.mark is Mark.UNSURE else _Now.FAILED
    if fate.state is DeliveryState.IGNORED:
        if fate.mark is Mark.NOTE:
            return _Now.KEPT_BY if fate.by else _Now.KEPT
        return _Now.WITHDRAWN_UNSURE if fate.mark is Mark.UNSURE else _Now.WITHDRAWN
    if not fate.cause or fate.state is DeliveryState.UNSURE:
        return _Now.ON_ITS_WAY
    return _Now.DELAYED if fate.until is None else _Now.DELAYED_UNTIL


def _sentence(told: Notice) -> tuple[str, float | None]:
    """The text of the line, with a placeholder for the moment it names, and that moment."""
    now, target = _now(told)
    fate, sentence = target.fate, now.value[0]
    cause = clean_line(fate.cause.rstrip("."), MAX_CAUSE) or _NO_CAUSE.get(told.topic, "no reason was given")
    who = fate.by if told.topic is ThreadNotice.TAKEN else fate.cause
    said = sentence.format(cause=cause, when=_WHEN, by=_by(fate), who=clean_name(who))
    if target is not told:
        said = _CORRECTION + said[0].lower() + said[1:]
    said = said if told.topic is ThreadNotice.SAID else f"{said} {_quoted(target.words)}".rstrip()
    return said, fate.until if now is _Now.DELAYED_UNTIL else fate.at


def _by(fate: Fate) -> str:
    return f" ({clean_name(fate.by)})" if fate.by else ""


def _quoted(said: str) -> str:
    line = clean_line(said, MAX_WORDS)
    return f"\u201c{line}\u201d" if line else ""


def _elements(sentence: str, moment: float | None) -> Iterator[Block]:
    """The sentence in plain text, with the moment as Slack shows it to each reader."""
    for index, piece in enumerate(sentence.split(_WHEN)):
        if index and moment is not None:
            yield date_token(moment, _TIME)
        if piece.strip():
            yield plain(piece.strip() if index else piece.rstrip())
