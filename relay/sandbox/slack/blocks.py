"""Slack's validation of a message's blocks: all of its limits, and the pictures that it would fetch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from relay.sandbox.slack.elements import (
    BLOCK_ID,
    IMAGE_ELEMENT,
    INTERACTIVE,
    PLAIN_TEXT_INPUT,
    SLACK_FILE,
    any_text,
    distinct_action_ids,
    plain_text,
)
from relay.sandbox.slack.rich_text import RICH_TEXT
from relay.sandbox.slack.schema import (
    Check,
    Problems,
    array,
    at_least_one,
    boolean,
    both,
    complain,
    exactly_one,
    record,
    string,
    units,
    url,
    variants,
)

MAX_BLOCKS = 50
MAX_MODAL_BLOCKS = 100
MAX_TOTAL_TEXT = 13_200

SECTION = both(
    record(
        {},
        {
            "text": any_text(3000),
            "fields": array(any_text(2000), 10),
            "accessory": variants({**INTERACTIVE, "image": IMAGE_ELEMENT}),
            "expand": boolean,
            "block_id": BLOCK_ID,
        },
    ),
    at_least_one("text", "fields"),
)
IMAGE = both(
    record(
        {"alt_text": string(2000)},
        {"image_url": url(3000), "slack_file": SLACK_FILE, "title": plain_text(2000), "block_id": BLOCK_ID},
    ),
    exactly_one("image_url", "slack_file"),
)
ACTIONS = both(record({"elements": array(variants(INTERACTIVE), 25)}, {"block_id": BLOCK_ID}), distinct_action_ids)


def _text_or_image(value: Any, at: str, problems: Problems) -> None:
    is_image = isinstance(value, dict) and value.get("type") == "image"
    (IMAGE_ELEMENT if is_image else any_text(3000))(value, at, problems)


MESSAGE_BLOCKS: dict[str, Check] = {
    "section": SECTION,
    "header": record({"text": plain_text(150)}, {"block_id": BLOCK_ID}),
    "context": record({"elements": array(_text_or_image, 10)}, {"block_id": BLOCK_ID}),
    "actions": ACTIONS,
    "divider": record({}, {"block_id": BLOCK_ID}),
    "image": IMAGE,
    "rich_text": RICH_TEXT,
    "markdown": record({"text": string(12_000)}, {"block_id": BLOCK_ID}),
}
MODAL_BLOCKS: dict[str, Check] = {
    **MESSAGE_BLOCKS,
    "input": record(
        {
            "label": plain_text(2000),
            "element": variants({**INTERACTIVE, "plain_text_input": PLAIN_TEXT_INPUT}),
        },
        {"hint": plain_text(2000), "optional": boolean, "dispatch_action": boolean, "block_id": BLOCK_ID},
    ),
}


def problems_of(blocks: list[Any], *, modal: bool = False) -> Problems:
    """Everything that Slack would refuse in these blocks, in its wording; empty if they are fine."""
    problems: Problems = []
    table, most = (MODAL_BLOCKS, MAX_MODAL_BLOCKS) if modal else (MESSAGE_BLOCKS, MAX_BLOCKS)
    array(variants(table), most, least=0)(blocks, "/view/blocks" if modal else "/blocks", problems)
    _check_block_ids(blocks, problems)
    return problems


def _check_block_ids(blocks: list[Any], problems: Problems) -> None:
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        name = block.get("block_id") if isinstance(block, dict) else None
        if isinstance(name, str) and name in seen:
            complain(problems, f"`block_id` {name} already exists", f"/blocks/{index}/block_id")
        if isinstance(name, str):
            seen.add(name)


def walk(value: Any, at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object inside, with its JSON pointer, outermost first."""
    if isinstance(value, dict):
        yield at, value
        for name, each in value.items():
            yield from walk(each, f"{at}/{name}")
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from walk(each, f"{at}/{index}")


def total_text(blocks: list[Any]) -> int:
    """All text of all blocks in UTF-16 units, counted conservatively."""
    total = 0
    for _, each in walk(blocks):
        total += sum(units(each[name]) for name in ("text", "alt_text") if isinstance(each.get(name), str))
        if each.get("type") == "link" and "text" not in each:
            total += units(str(each.get("url", "")))
    return total


def images_of(blocks: list[Any]) -> Iterator[tuple[str, str]]:
    """JSON pointer and address of every picture that Slack would download."""
    for at, each in walk(blocks, "/blocks"):
        if isinstance(each.get("image_url"), str):
            yield f"{at}/image_url", each["image_url"]


def files_of(blocks: list[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """JSON pointer and reference of every uploaded file that is shown."""
    for at, each in walk(blocks, "/blocks"):
        if isinstance(each.get("slack_file"), dict):
            yield f"{at}/slack_file", each["slack_file"]
