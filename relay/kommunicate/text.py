"""Small pieces of readable text: one line, one link, one safe address."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from relay.keys import UNHOLDABLE, without_invisible

_NOT_IN_A_URL = re.compile(r"[\x00-\x20\x7f-\xa0\ud800-\udfff\\<>\"|\s]")


def one_line(value: Any, limit: int | None = None) -> str:
    """Return a string or number as one trimmed line of at most `limit` characters; anything else as ""."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    line = " ".join(UNHOLDABLE.sub(" ", without_invisible(str(value))).split())
    return line[:limit].rstrip()


def flag(value: Any) -> bool:
    """Return True for true and for "true" in any case: Kommunicate's metadata holds strings."""
    return value is True or (isinstance(value, str) and value.strip().lower() == "true")


def web_url(value: Any, schemes: tuple[str, ...] = ("https", "http")) -> str | None:
    """Return an address a person can open: one of `schemes`, a host, no user in it, no blanks; else None."""
    if not isinstance(value, str) or _NOT_IN_A_URL.search(value.strip()):
        return None
    try:
        parts = urlsplit(value.strip())
        usable = bool(parts.hostname) and "@" not in parts.netloc and (parts.port is None or parts.port > 0)
    except ValueError:
        return None
    return value.strip() if usable and parts.scheme.lower() in schemes else None


def link(label: str, url: str | None) -> str:
    """Return "label (url)", or whichever of the two there is."""
    if not url or url == label:
        return label
    return f"{label} ({url})" if label else url
