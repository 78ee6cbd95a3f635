"""The forms (Slack's modals) in which an agent writes to a customer: what they show, and what was written in them.

A form carries the thread it was opened for, and the message it is about, in its `private_metadata`, which only Slack
and we see. https://docs.slack.dev/surfaces/modals
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from relay.jsontext import NotJson, loads
from relay.slack.blocks import Block, context, option, plain
from relay.slack.text import clean_line

TELL_CUSTOMER, SAVED_REPLIES = "tell_customer", "saved_replies"
CHOOSE, WORDS = "choose", "words"  # the actions of the menu and the field
MAX_WORDS = 2500  # characters; Slack: 3,000
MAX_OPTION = 75
EMPTY = "Write the message for the customer."
_TITLES = {TELL_CUSTOMER: "Tell the customer", SAVED_REPLIES: "Saved replies"}


@dataclass(frozen=True, slots=True)
class Place:
    """What a form was opened for: a thread, the id of the delivery it corrects, and the saved reply it started with.

    `about` is None and `saved` "" if there is none.
    """

    channel: str
    thread_ts: str
    about: int | None = None
    saved: str = ""

    def stored(self) -> str:
        """Returns it as a form carries it."""
        return json.dumps({"c": self.channel, "t": self.thread_ts, "a": self.about, "s": self.saved})


def place_of(metadata: str) -> Place | None:
    """Returns what one of our forms carries; None for another's."""
    try:
        match loads(metadata):
            case {"c": str(channel), "t": str(thread_ts), "a": int() | None as about, "s": str(saved)}:
                return Place(channel, thread_ts, about, saved)
    except NotJson:
        pass
    return None


def tell_form(place: Place) -> Block:
    """Returns the form for a correction in the agent's own words."""
    said = "What you write here is sent to the customer as a new message. It does not change what they have."
    return _form(TELL_CUSTOMER, place, [context(plain(said)), _field(WORDS, "")])


def saved_form(place: Place, texts: Mapping[str, str]) -> Block:
    """Returns the form that offers saved replies, and with `place.saved` the text of one, to be edited and sent."""
    chosen = {"initial_option": _option(place.saved)} if place.saved in texts else {}
    menu = {
        "type": "static_select",
        "action_id": CHOOSE,
        "placeholder": plain("Search and choose"),
        "options": [_option(name) for name in texts],
        **chosen,
    }
    blocks: list[Block] = [{"type": "section", "block_id": CHOOSE, "text": plain("Saved reply"), "accessory": menu}]
    if chosen:
        # Slack keeps the contents of a field while its id stays the same.
        blocks.append(_field(f"{WORDS}-{list(texts).index(place.saved)}", texts[place.saved]))
    return _form(SAVED_REPLIES, place, blocks)


def written(values: Mapping[str, Any]) -> tuple[str, str]:
    """Returns the text in the field of a form, and the field's id; "" for both if there is none."""
    for field, actions in values.items():
        match actions:
            case {"words": {"value": said}}:
                return said if isinstance(said, str) else "", field
    return "", ""


def _form(kind: str, place: Place, blocks: Sequence[Block]) -> Block:
    can_be_sent = any(block["type"] == "input" for block in blocks)
    return {
        "type": "modal",
        "callback_id": kind,
        "title": plain(_TITLES[kind]),
        "close": plain("Cancel"),
        **({"submit": plain("Send")} if can_be_sent else {}),
        "private_metadata": place.stored(),
        "blocks": list(blocks),
    }


def _field(block_id: str, words: str) -> Block:
    field: Block = {"type": "plain_text_input", "action_id": WORDS, "multiline": True, "max_length": MAX_WORDS}
    if words:
        field["initial_value"] = words[:MAX_WORDS]
    return {"type": "input", "block_id": block_id, "label": plain("To the customer"), "element": field}


def _option(name: str) -> Block:
    return option(name, clean_line(name, MAX_OPTION) or "-")
