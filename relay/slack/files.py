"""How a customer's file looks: as a picture, or as a line about it."""

from __future__ import annotations

from relay.files import Way
from relay.messages import Attachment
from relay.slack.blocks import MAX_FILE_NAME, Block, context, image, link_or_words, plain
from relay.slack.text import clean_line

_ENCRYPTED = "AWS-ENCRYPTED-"  # Kommunicate's prefix for the name of a private file
_NAMELESS = "file"
_MAX_TYPE = 60
_THOUSANDS = ("kB", "MB", "GB", "TB")
_ABSURD = 10**15  # a size is a claim; beyond this it means nothing


def file_block(attachment: Attachment, way: Way, dashboard_url: str) -> Block:
    """Shows the picture, or name, type, size and where to open it.

    The line links to the conversation and never to the file, whose address expires and gives access to anyone who has
    it.
    """
    picture = attachment.thumbnail_url if way is Way.PICTURE else None
    if picture is not None:
        return image(picture, file_name(attachment))
    return context(plain(describe(attachment)), link_or_words(dashboard_url))


def describe(attachment: Attachment) -> str:
    """Returns name, type and size in one line, as declared by the sender."""
    facts = (file_name(attachment), clean_line(attachment.content_type, _MAX_TYPE), _size(attachment.size))
    # The word in front keeps a file's name from looking like an author line.
    return "File: " + " · ".join(filter(None, facts))


def file_name(attachment: Attachment) -> str:
    """Returns its name, without Kommunicate's prefix."""
    return clean_line(attachment.name.removeprefix(_ENCRYPTED), MAX_FILE_NAME) or _NAMELESS


def _size(size: int | None) -> str:
    if size is None or not 0 <= size < _ABSURD:
        return ""
    if size < 1000:
        return f"{size} bytes"
    exponent = min((len(str(size)) - 1) // 3, len(_THOUSANDS))
    return f"{size / 1000**exponent:.1f} {_THOUSANDS[exponent - 1]}"
