"""The content of a post: text, blocks and metadata, accepted or refused as Slack does."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from relay.sandbox.slack.args import Args
from relay.sandbox.slack.blocks import MAX_TOTAL_TEXT, files_of, images_of, problems_of, total_text
from relay.sandbox.slack.schema import complain, is_unicode, units
from relay.sandbox.slack.values import SlackError
from relay.sandbox.slack.workspace import SlackWorkspace

MAX_TEXT = 40_000  # a longer text of a post is cut, and posted
MAX_UPDATE_TEXT = 4_000  # a longer one in an update is refused
MAX_METADATA = 8_000  # Slack documents the error but no number


@dataclass(frozen=True)
class Content:
    """What was given; None if an argument was left out, which chat.update leaves as it was."""

    text: str | None
    blocks: list[Any] | None
    metadata: dict[str, Any] | None
    truncated: bool = False


def read_content(slack: SlackWorkspace, args: Args, *, update: bool = False) -> Content:
    """Checks everything; raises Slack's error for the first mistake."""
    text = args.text("text") if args.given("text") else None
    blocks = _read_blocks(slack, args)
    metadata = _read_metadata(args)
    if not (text and text.strip()) and not blocks:
        raise SlackError("no_text")
    if update and units(text or "") > MAX_UPDATE_TEXT:
        raise SlackError("msg_too_long")
    if units(text or "") > MAX_TEXT:
        return Content((text or "")[:MAX_TEXT], blocks, metadata, truncated=True)
    return Content(text, blocks, metadata)


def _read_blocks(slack: SlackWorkspace, args: Args) -> list[Any] | None:
    blocks = args.parsed("blocks", "invalid_blocks_format")
    if blocks is None:
        return None
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    problems = problems_of(blocks)
    if problems:
        raise refused(problems)
    if total_text(blocks) > MAX_TOTAL_TEXT:
        raise SlackError("msg_blocks_too_long")
    problems = _pictures_that_fail(slack, blocks)
    if problems:
        raise refused(problems)
    return blocks


def refused(problems: list[str]) -> SlackError:
    """`invalid_blocks` with its complaints in both places where Slack puts them."""
    messages = [f"[ERROR] {words}" for words in problems]
    return SlackError("invalid_blocks", errors=problems, response_metadata={"messages": messages})


def _pictures_that_fail(slack: SlackWorkspace, blocks: list[Any]) -> list[str]:
    problems: list[str] = []
    for at, address in images_of(blocks):
        if not slack.pictures.fetchable(address):
            complain(problems, "downloading image failed", at)
    for at, reference in files_of(blocks):
        file = slack.cabinet.files.get(str(reference.get("id")))
        if file is None or not file.readable:
            complain(problems, "invalid slack file", at)
    return problems


def _read_metadata(args: Args) -> dict[str, Any] | None:
    metadata = args.parsed("metadata", "invalid_metadata_format")
    if metadata is None:
        return None
    if not isinstance(metadata, dict):
        raise SlackError("invalid_metadata_format")
    kind, payload = metadata.get("event_type"), metadata.get("event_payload")
    if metadata and (not isinstance(kind, str) or not kind or not isinstance(payload, dict)):
        raise SlackError("invalid_metadata_schema")
    text = json.dumps(metadata, ensure_ascii=False)
    if not is_unicode(text):
        raise SlackError("invalid_metadata_format")
    if len(text.encode()) > MAX_METADATA:
        raise SlackError("metadata_too_large")
    return metadata
