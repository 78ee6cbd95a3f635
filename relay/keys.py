"""What comes from outside and becomes a key: text that every database can hold, index and compare."""

from __future__ import annotations

import re
from typing import Any

MAX_KEY = 255  # characters
UNHOLDABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # controls, and halves of characters


def key_of(value: Any, *, most: int = MAX_KEY) -> str | None:
    """Return `value` if it is text that can be a key; None for anything else, however strange."""
    if not isinstance(value, str) or not value.strip() or len(value) > most or UNHOLDABLE.search(value):
        return None
    return value
