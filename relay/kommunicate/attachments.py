"""Kommunicate's file object, cleaned: what is junk in it is left out, and it is never a reason to refuse."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from relay.jsontext import loads_leniently
from relay.kommunicate.text import one_line, web_url
from relay.messages import Attachment

ENCRYPTED = "AWS-ENCRYPTED-"  # how the name of a file begins whose link must be signed first
MAX_NAME = 255
_FIELDS = ("name", "url", "contentType", "size", "thumbnailUrl", "blobKey")


def attachment_of(*candidates: Any) -> Attachment | None:
    """Return the first candidate that describes a file (an object, or a string holding one); else None."""
    for candidate in candidates:
        value = loads_leniently(candidate)
        if isinstance(value, dict) and any(value.get(name) not in (None, "") for name in _FIELDS):
            return _clean(value)
    return None


def _clean(file: Mapping[str, Any]) -> Attachment:
    return Attachment(
        name=_name(file.get("name")),
        content_type=_content_type(file.get("contentType")),
        size=_size(file.get("size")),
        url=web_url(file.get("url"), ("https",)),
        thumbnail_url=web_url(file.get("thumbnailUrl"), ("https",)),
    )


def _name(value: Any) -> str:
    base = re.split(r"[/\\]", one_line(value) if isinstance(value, str) else "")[-1]
    name = base.strip().removeprefix(ENCRYPTED)[:MAX_NAME].strip()
    return name if name.strip(".") else "file"


def _content_type(value: Any) -> str:
    return one_line(value, MAX_NAME) if isinstance(value, str) else ""


def _size(value: Any) -> int | None:
    """Return bytes; None unless it is a whole number from 0 that a database column holds."""
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,18}\s*", value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 2**63:
        return None
    return int(value) if float(value).is_integer() else None
