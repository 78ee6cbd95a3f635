"""Whose a stored body is, read for those who look for everything of one customer; also one that was refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from relay.jsontext import NotJson, decode, loads, loads_leniently
from relay.kommunicate.body import whose


def sender_and_group(body: bytes) -> tuple[str, str]:
    """Return who wrote it, and in which conversation; "" for what it does not say."""
    fields = _read(body)
    return whose(fields) if isinstance(fields, Mapping) else ("", "")


def mentions(body: bytes, named: frozenset[str]) -> bool:
    """Tell whether one of these ids stands anywhere in a body, as a text or a number of its own.

    A body that was refused may say in any field, or in the wrong one, whose it is.
    """
    value = _read(body)
    if value is None:
        return any(one.encode("utf-8", "replace") in body for one in named)
    return any(one in named for one in _texts(value))


def _read(body: bytes) -> Any:
    try:
        return loads(decode(body))
    except NotJson:
        return None


def _texts(value: Any) -> Iterator[str]:
    """Every text and number of a JSON value, also those in JSON that a text holds."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            left += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            left += one
        elif isinstance(one, str):
            yield one.strip()
            inner = loads_leniently(one)
            left += [inner] if isinstance(inner, dict | list) else []
        elif isinstance(one, int | float) and not isinstance(one, bool):
            yield str(int(one)) if float(one).is_integer() else str(one)
