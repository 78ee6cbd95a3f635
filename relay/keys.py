"""What comes from outside and becomes a key: text that every database can hold, index and compare."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

MAX_KEY = 255  # characters
MAX_SEARCHED = 100  # characters of a name that count in a search: an index takes no more than some hundred
PIECE = "piece:"  # before the key of a message that came in pieces, for one of them
# Characters that show nothing and reorder or hide what stands beside them: overrides and isolates of direction, widths
# of zero, tags. Not the joiners, which Persian and emoji need, and of tags those of a flag.
_INVISIBLE = re.compile(
    "(\U0001f3f4[\U000e0020-\U000e007e]{1,10}\U000e007f)"
    "|[\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
    "|[\U000e0000-\U000e0fff]"
)
UNHOLDABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # controls, and halves of characters


def key_of(value: Any, *, most: int = MAX_KEY) -> str | None:
    """Return `value` if it is text that can be a key; None for anything else, however strange."""
    if not isinstance(value, str) or not value.strip() or len(value) > most or UNHOLDABLE.search(value):
        return None
    return value


def without_invisible(text: str) -> str:
    """Return the text without characters that show nothing and could make it read as something else."""
    return _INVISIBLE.sub(lambda found: found[1] or "", text)


def search_words(text: str) -> str:
    """Return text as it is searched: without capitals, invisible characters and doubled blanks."""
    plain = without_invisible(UNHOLDABLE.sub(" ", unicodedata.normalize("NFKC", text)))
    return " ".join(plain.casefold().split())


def search_names(name: str) -> tuple[str, str]:
    """Return a name as it is searched, and the same with its last word first: "" where it has one word."""
    words = search_words(name)[:MAX_SEARCHED]
    first, _, last = words.rpartition(" ")
    return words, f"{last} {first}" if first else ""
