"""What one person is asked privately, with the controls for their answer."""

from __future__ import annotations

from collections.abc import Sequence

from relay.slack.blocks import Block, actions, button, channel_name, channels, line_with_button
from relay.slack.thread_notices import BUTTONS, KEEP_INSIDE, MOVE_TO, SEND_TO_CUSTOMER, quoted

_PART = "."  # between what a question is about and the number of its line


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


def note_or_reply(reason: str, said: str, about: int, minutes: int) -> tuple[str, tuple[Block, ...]]:
    """Returns the question about a message that looks like a note, and the buttons for the answer."""
    asked = f"Does this go to the customer? {reason[:1].upper()}{reason[1:]}. {quoted(said)}".rstrip()
    silence = f"Nothing is sent until you answer; after {minutes} minutes it stays internal."
    send = button(SEND_TO_CUSTOMER, BUTTONS[SEND_TO_CUSTOMER], str(about))
    return f"{asked} {silence}", (send, button(KEEP_INSIDE, BUTTONS[KEEP_INSIDE], str(about)))
