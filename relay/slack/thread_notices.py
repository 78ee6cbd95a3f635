"""The lines in which the relay itself speaks in a thread: what became of what an agent did."""

from __future__ import annotations

from dataclasses import dataclass

from relay.slack.blocks import Block, actions, button, context, plain, words
from relay.slack.text import clean_line, clean_name
from relay.vocabulary import ThreadNotice

SEND_AGAIN, SEND_CORRECTION = "send_again", "send_correction"
BUTTONS = {SEND_AGAIN: "Send again", SEND_CORRECTION: "Send correction"}
MARK = "• "  # no author line begins so
MAX_CAUSE = 200


@dataclass(frozen=True, slots=True)
class Notice:
    """One line. `about` is the id of the delivery that its button acts on; `cause` is a reason or, where a chat was
    taken over, the name of the agent whose Slack id is `user_id`.
    """

    topic: ThreadNotice
    about: int
    cause: str = ""
    user_id: str = ""


_SENTENCES = {
    ThreadNotice.FAILED: "Not sent to the customer: {cause}.",
    ThreadNotice.UNSURE: "May not have arrived: {cause}.",
    ThreadNotice.EDITED: "Edited after it was sent: the customer still has the earlier words.",
    ThreadNotice.DELETED: "Taken back after it was sent: the customer still has it.",
    ThreadNotice.FILES: "Only the words were sent: {cause} do not reach the customer yet.",
    ThreadNotice.TAKEN: "{cause} has taken this chat over.",
    ThreadNotice.REFUSED: "Not done: {cause}.",
}
_NO_CAUSE = {ThreadNotice.FILES: "files"}  # as version 0.1 stored it
_BUTTON_OF = {
    ThreadNotice.FAILED: (SEND_AGAIN, "Retry"),
    ThreadNotice.UNSURE: (SEND_AGAIN, BUTTONS[SEND_AGAIN]),
    ThreadNotice.EDITED: (SEND_CORRECTION, BUTTONS[SEND_CORRECTION]),
}


def notice_text(told: Notice) -> str:
    """Returns the line as plain words."""
    if told.topic is ThreadNotice.TAKEN:
        return MARK + _SENTENCES[told.topic].format(cause=clean_name(told.cause))
    reason = clean_line(told.cause.rstrip("."), MAX_CAUSE) or _NO_CAUSE.get(told.topic, "no reason was given")
    return MARK + _SENTENCES[told.topic].format(cause=reason)


def notice_blocks(told: Notice) -> tuple[Block, ...]:
    """Returns the line with its button, if it has one; a mention makes Slack show the thread to whom it names."""
    if told.topic is ThreadNotice.TAKEN and told.user_id:
        rest = _SENTENCES[ThreadNotice.TAKEN].format(cause="")
        return (words([{"type": "user", "user_id": told.user_id}, {"type": "text", "text": rest}]),)
    line = context(plain(notice_text(told)))
    if told.topic not in _BUTTON_OF:
        return (line,)
    action, label = _BUTTON_OF[told.topic]
    return (line, actions(button(action, label, str(told.about))))
