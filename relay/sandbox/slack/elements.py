"""Block Kit's smaller objects: text objects, buttons, menus, pictures."""

from __future__ import annotations

from typing import Any

from relay.sandbox.slack.schema import (
    Check,
    Problems,
    array,
    boolean,
    both,
    choice,
    complain,
    exactly_one,
    integer,
    record,
    string,
    url,
    variants,
)


def plain_text(most: int = 3000) -> Check:
    """A plain_text object of 1 to `most` characters."""
    return variants({"plain_text": record({"text": string(most)}, {"emoji": boolean})})


def any_text(most: int = 3000) -> Check:
    """A plain_text or mrkdwn object of 1 to `most` characters."""
    return variants(
        {
            "plain_text": record({"text": string(most)}, {"emoji": boolean}),
            "mrkdwn": record({"text": string(most)}, {"verbatim": boolean}),
        }
    )


BLOCK_ID = string(255)
ACTION_ID = string(255)
SLACK_FILE = both(record({}, {"id": string(255), "url": url()}), exactly_one("id", "url"))
CONFIRM = record(
    {"title": plain_text(100), "text": any_text(300), "confirm": plain_text(30), "deny": plain_text(30)},
    {"style": choice("primary", "danger")},
)
OPTION = record({"text": plain_text(75), "value": string(150)}, {"description": plain_text(75), "url": url(3000)})
OPTIONS = array(OPTION, 100)

BUTTON = record(
    {"text": plain_text(75)},
    {
        "action_id": ACTION_ID,
        "url": url(3000),
        "value": string(2000),
        "style": choice("primary", "danger"),
        "confirm": CONFIRM,
        "accessibility_label": string(75),
    },
)
OVERFLOW = record({"options": array(OPTION, 5)}, {"action_id": ACTION_ID, "confirm": CONFIRM})
STATIC_SELECT = record(
    {"options": OPTIONS},
    {
        "action_id": ACTION_ID,
        "placeholder": plain_text(150),
        "initial_option": OPTION,
        "confirm": CONFIRM,
        "focus_on_load": boolean,
    },
)
USERS_SELECT = record(
    {},
    {
        "action_id": ACTION_ID,
        "placeholder": plain_text(150),
        "initial_user": string(255),
        "confirm": CONFIRM,
        "focus_on_load": boolean,
    },
)
CONVERSATIONS_SELECT = record(
    {},
    {
        "action_id": ACTION_ID,
        "placeholder": plain_text(150),
        "initial_conversation": string(255),
        "default_to_current_conversation": boolean,
        "confirm": CONFIRM,
        "filter": record(
            {},
            {
                "include": array(choice("im", "mpim", "private", "public"), 4),
                "exclude_external_shared_channels": boolean,
                "exclude_bot_users": boolean,
            },
        ),
        "focus_on_load": boolean,
    },
)
IMAGE_ELEMENT = both(
    record({"alt_text": string(2000)}, {"image_url": url(3000), "slack_file": SLACK_FILE}),
    exactly_one("image_url", "slack_file"),
)
PLAIN_TEXT_INPUT = record(
    {},
    {
        "action_id": ACTION_ID,
        "initial_value": string(3000, 0),
        "multiline": boolean,
        "min_length": integer(0, 3000),
        "max_length": integer(1, 3000),
        "placeholder": plain_text(150),
        "focus_on_load": boolean,
    },
)

INTERACTIVE = {
    "button": BUTTON,
    "overflow": OVERFLOW,
    "static_select": STATIC_SELECT,
    "users_select": USERS_SELECT,
    "conversations_select": CONVERSATIONS_SELECT,
}


def distinct_action_ids(value: Any, at: str, problems: Problems) -> None:
    """No two elements of one block may share an action_id."""
    elements = value.get("elements") if isinstance(value, dict) else None
    seen: set[str] = set()
    for element in elements if isinstance(elements, list) else []:
        name = element.get("action_id") if isinstance(element, dict) else None
        if isinstance(name, str) and name in seen:
            complain(problems, f"`action_id` {name} already exists", at)
        if isinstance(name, str):
            seen.add(name)
