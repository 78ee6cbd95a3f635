"""Reports what is wrong with a value, without ever printing a secret."""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic_core import PydanticCustomError

_SECRET = re.compile(r"xox|xapp-|hooks\.slack\.com|://[^/]*@|(?=.*[0-9])[A-Za-z0-9_+/=-]{32,}", re.IGNORECASE)
_LONGEST = 60


def wrong(code: str, message: str, hint: str) -> PydanticCustomError:
    """A validation error with a stable code, a sentence and what to do about it."""
    sentence = message[:1].upper() + message[1:]
    return PydanticCustomError("relay", "{message}", {"code": code, "message": sentence, "hint": hint})


def shown(value: Any) -> str:
    """A value as one short quoted text; anything that looks like a token or a password is left out."""
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, dict):
        return "a block of `key: value` lines"
    if value is None:
        return "an empty value"
    text = str(value)
    if looks_secret(text):
        return "a value that looks like a secret (not shown)"
    return json.dumps(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…", ensure_ascii=False)


def looks_secret(text: str) -> bool:
    """True for a possible token, password in an address or random key: better hidden once too often."""
    return bool(_SECRET.search(text[: 4 * _LONGEST]))
