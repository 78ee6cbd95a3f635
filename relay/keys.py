"""External ids that become keys: text that every database can store, index and compare."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

MAX_KEY = 255  # characters
MAX_SEARCHED = 100  # characters of a name that are searchable: an index entry holds some hundred
PIECE = "piece:"  # prefix of the key of one part of a message that arrived in several parts
# Characters that show nothing and reorder or hide what is beside them: direction overrides and isolates, zero width
# characters, tags. Not the joiners, which Persian and emoji need, nor the tags of a flag.
_INVISIBLE = re.compile(
    "(\U0001f3f4[\U000e0020-\U000e007e]{1,10}\U000e007f)"
    "|[\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
    "|[\U000e0000-\U000e0fff]"
)
UNHOLDABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # control characters, and lone surrogates


def key_of(value: Any, *, most: int = MAX_KEY) -> str | None:
    """Return `value` if it is text that can be a key, otherwise None."""
    if not isinstance(value, str) or not value.strip() or len(value) > most or UNHOLDABLE.search(value):
        return None
    return value


def without_invisible(text: str) -> str:
    """Return the text without invisible characters, which could make it read as something else."""
    return _INVISIBLE.sub(lambda found: found[1] or "", text)


def search_words(text: str) -> str:
    """Return text in its searchable form: lower case, without invisible characters or repeated spaces."""
    plain = without_invisible(UNHOLDABLE.sub(" ", unicodedata.normalize("NFKC", text)))
    return " ".join(plain.casefold().split())


def search_names(name: str) -> tuple[str, str]:
    """Return a name in its searchable form, and the same with the last word first: "" if it has one word."""
    words = search_words(name)[:MAX_SEARCHED]
    first, _, last = words.rpartition(" ")
    return words, f"{last} {first}" if first else ""
