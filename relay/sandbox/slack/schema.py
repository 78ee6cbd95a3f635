"""Small checks that name each mistake as Slack does, with its JSON pointer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Problems = list[str]
Check = Callable[[Any, str, Problems], None]
Fields = Mapping[str, Check]

SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:\S+")


def complain(problems: Problems, words: str, at: str) -> None:
    """Adds one complaint in Slack's wording."""
    problems.append(f"{words} [json-pointer:{at}]")


def units(text: str) -> int:
    """Length in UTF-16 units: Slack does not say what it counts, and this is never less than in code points."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def is_unicode(text: str) -> bool:
    """False for lone surrogates, which UTF-8 cannot encode."""
    return not any(0xD800 <= ord(letter) <= 0xDFFF for letter in text)


def string(most: int, least: int = 1) -> Check:
    """A string of `least` to `most` UTF-16 units."""

    def check(value: Any, at: str, problems: Problems) -> None:
        if not isinstance(value, str):
            complain(problems, "must provide a string", at)
        elif not is_unicode(value):
            complain(problems, "must be valid unicode", at)
        elif units(value) < least:
            complain(problems, f"must be more than {least - 1} characters", at)
        elif units(value) > most:
            complain(problems, f"must be less than {most + 1} characters", at)

    return check


def url(most: int = 3000) -> Check:
    """A string that begins with a scheme."""
    well_sized = string(most)

    def check(value: Any, at: str, problems: Problems) -> None:
        well_sized(value, at, problems)
        if isinstance(value, str) and value and not SCHEME.fullmatch(value):
            complain(problems, "must be a valid url", at)

    return check


def boolean(value: Any, at: str, problems: Problems) -> None:
    """JSON true or false."""
    if not isinstance(value, bool):
        complain(problems, "must be a boolean", at)


def integer(low: int, high: int) -> Check:
    """A JSON integer within bounds."""

    def check(value: Any, at: str, problems: Problems) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            complain(problems, "must be an integer", at)
        elif not low <= value <= high:
            complain(problems, f"must be between {low} and {high}", at)

    return check


def choice(*allowed: str) -> Check:
    """One of a few strings."""

    def check(value: Any, at: str, problems: Problems) -> None:
        if value not in allowed:
            complain(problems, "must be a valid enum value", at)

    return check


def array(item: Check, most: int, least: int = 1) -> Check:
    """A list whose items all pass `item`."""

    def check(value: Any, at: str, problems: Problems) -> None:
        if not isinstance(value, list):
            complain(problems, "must provide an array", at)
            return
        if len(value) < least:
            complain(problems, f"no less than {least} items allowed", at)
        if len(value) > most:
            complain(problems, f"no more than {most} items allowed", at)
        for index, each in enumerate(value):
            item(each, f"{at}/{index}", problems)

    return check


def record(required: Fields, optional: Fields | None = None) -> Check:
    """An object with these fields and no others (`variants` checks `type`)."""
    known = {**required, **(optional or {})}

    def check(value: Any, at: str, problems: Problems) -> None:
        if not isinstance(value, dict):
            complain(problems, "must provide an object", at)
            return
        for name in required:
            if name not in value:
                complain(problems, f"missing required field: {name}", at)
        for name, each in value.items():
            if name in known:
                known[name](each, f"{at}/{name}", problems)
            elif name != "type":
                complain(problems, f"invalid additional property: {name}", at)

    return check


def variants(table: Mapping[str, Check]) -> Check:
    """An object whose `type` selects the check."""

    def check(value: Any, at: str, problems: Problems) -> None:
        if not isinstance(value, dict):
            complain(problems, "must provide an object", at)
        elif "type" not in value:
            complain(problems, "missing required field: type", at)
        elif not isinstance(value["type"], str) or value["type"] not in table:
            complain(problems, f"unsupported type: {value['type']}", f"{at}/type")
        else:
            table[value["type"]](value, at, problems)

    return check


def both(*checks: Check) -> Check:
    """All of these."""

    def check(value: Any, at: str, problems: Problems) -> None:
        for each in checks:
            each(value, at, problems)

    return check


def exactly_one(*names: str) -> Check:
    """Exactly one of these fields."""

    def check(value: Any, at: str, problems: Problems) -> None:
        if isinstance(value, dict) and sum(name in value for name in names) != 1:
            complain(problems, f"must provide exactly one of: {', '.join(names)}", at)

    return check


def at_least_one(*names: str) -> Check:
    """At least one of these fields."""

    def check(value: Any, at: str, problems: Problems) -> None:
        if isinstance(value, dict) and not any(name in value for name in names):
            complain(problems, f"must provide one of: {', '.join(names)}", at)

    return check
