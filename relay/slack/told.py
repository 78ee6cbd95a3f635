"""The lines in which the relay itself speaks in a thread: what became of what an agent did."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from relay.slack.blocks import Block, actions, button, context, plain, words
from relay.slack.text import clean_line, clean_name

SEND_AGAIN, SEND_CORRECTION = "send_again", "send_correction"
MARK = "• "  # no author line begins so
MAX_CAUSE = 200


class Topic(StrEnum):
    """What the line is about."""

    FAILED = "failed"
    UNSURE = "unsure"
    EDITED = "edited"
    DELETED = "deleted"
    FILES = "files"
    TAKEN = "taken"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Told:
    """One line. `about` is the id of the delivery that its button acts on; `cause` is a reason or, where a chat was
    taken over, the name of the agent whose Slack id is `user_id`.
    """

    topic: Topic
    about: int
    cause: str = ""
    user_id: str = ""


_SENTENCES = {
    Topic.FAILED: "Not sent to the customer: {cause}.",
    Topic.UNSURE: "May not have arrived: {cause}.",
    Topic.EDITED: "Edited after it was sent: the customer still has the earlier words.",
    Topic.DELETED: "Taken back after it was sent: the customer still has it.",
    Topic.FILES: "Only the words were sent: files do not reach the customer yet.",
    Topic.TAKEN: "{cause} has taken this chat over.",
    Topic.REFUSED: "Not done: {cause}.",
}
_BUTTONS = {
    Topic.FAILED: (SEND_AGAIN, "Retry"),
    Topic.UNSURE: (SEND_AGAIN, "Send again"),
    Topic.EDITED: (SEND_CORRECTION, "Send correction"),
}


def told_text(told: Told) -> str:
    """Returns the line as plain words."""
    if told.topic is Topic.TAKEN:
        return MARK + _SENTENCES[told.topic].format(cause=clean_name(told.cause))
    reason = clean_line(told.cause.rstrip("."), MAX_CAUSE) or "no reason was given"
    return MARK + _SENTENCES[told.topic].format(cause=reason)


def told_blocks(told: Told) -> tuple[Block, ...]:
    """Returns the line with its button, if it has one; a mention makes Slack show the thread to whom it names."""
    if told.topic is Topic.TAKEN and told.user_id:
        rest = _SENTENCES[Topic.TAKEN].format(cause="")
        return (words([{"type": "user", "user_id": told.user_id}, {"type": "text", "text": rest}]),)
    line = context(plain(told_text(told)))
    if told.topic not in _BUTTONS:
        return (line,)
    action, label = _BUTTONS[told.topic]
    return (line, actions(button(action, label, str(told.about))))
