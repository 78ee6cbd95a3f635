"""What a route can test: one table that reads the file and generates its schema and its messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Annotated, Any

from pydantic import PlainValidator, ValidationError, WithJsonSchema
from pydantic_core import InitErrorDetails, PydanticCustomError

from relay.settings import matchers
from relay.settings.matchers import Matcher
from relay.settings.wrong import shown, wrong

METADATA = "metadata."
WHEN = "When"  # its place in the JSON Schema


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that a route can test: how one of its values is read, its description, and an example.

    `choices` are all its values, if there are few.
    """

    name: str
    parse: Callable[[Any], Matcher]
    says: str
    example: str
    choices: tuple[str, ...] = ()


CONDITIONS: Mapping[str, Condition] = {
    one.name: one
    for one in (
        Condition(
            "account", matchers.parse_matcher, "the account of Kommunicate's; `default` for the plain one", "shop"
        ),
        Condition("group_id", matchers.parse_group, "Kommunicate's id of the conversation", "1000-1999"),
        Condition("client_group_id", matchers.parse_matcher, "the id that your own app gave it", "shop-*"),
        Condition("group_name", matchers.parse_matcher, "its title", "Orders"),
        Condition("title", matchers.parse_matcher, "the same as `group_name`", "Orders"),
        Condition(METADATA, matchers.parse_matcher, "a value of the first message's metadata, also inside", "pro"),
        Condition("message", matchers.parse_matcher, "the words of the first message", "/refund|money back/i"),
        Condition("from", matchers.parse_matcher, "the user id of whoever wrote first", "*@example.com"),
        Condition("role", matchers.parse_role, "who wrote first", "customer", matchers.ROLES),
        Condition("has_file", matchers.parse_yes, "whether the first message has a file", "true", matchers.YES_OR_NO),
        Condition("language", matchers.parse_language, "the language of the customer's widget", "de"),
        Condition("hours", matchers.parse_within, "when the chat begins", "18:00-09:00 Europe/Berlin"),
        Condition("days", matchers.parse_day, "on which day it begins", "Sat-Sun Europe/Berlin"),
    )
}


class Join(StrEnum):
    """How conditions are combined: all, at least one, or none must hold."""

    ALL = "all"
    ANY = "any"
    NOT = "not"


@dataclass(frozen=True, slots=True)
class Asks:
    """One condition: one of the values is present."""

    name: str
    values: tuple[Matcher, ...]


@dataclass(frozen=True, slots=True)
class Joined:
    """Several conditions."""

    join: Join
    parts: tuple[Asks | Joined, ...]


Part = Asks | Joined


def parse_when(value: Any) -> Joined:
    """All conditions of a route; raises pydantic's `ValidationError`, each problem at its place."""
    if isinstance(value, Joined):
        return value
    problems: list[InitErrorDetails] = []
    parts = _parts(value, (), problems)
    if problems:
        raise ValidationError.from_exception_data("when", problems)
    return Joined(Join.ALL, parts)


def names_in(part: Part) -> Iterator[str]:
    """The names of everything that is tested, at any depth."""
    if isinstance(part, Asks):
        yield part.name
    else:
        for inner in part.parts:
            yield from names_in(inner)


_Place = tuple[str | int, ...]


def _parts(value: Any, place: _Place, problems: list[InitErrorDetails]) -> tuple[Part, ...]:
    """The conditions of one block, all of which must hold."""
    if not isinstance(value, dict):
        message = f"{shown(value)} cannot stand here; this must be a block of `name: value` lines."
        _note(problems, wrong("wrong_type", message, "Write `metadata.plan: enterprise`."), place, value)
        return ()
    if not value:
        hint = "Write `when: {metadata.plan: enterprise}`; for everything else there is `default_channel`."
        _note(problems, wrong("empty_when", "Without a condition it would take everything.", hint), place, value)
    return tuple(part for key, asked in value.items() for part in _part(key, asked, (*place, key), problems))


def _part(key: str, asked: Any, place: _Place, problems: list[InitErrorDetails]) -> list[Part]:
    if key in set(Join):
        return [_joined(Join(key), asked, place, problems)]
    condition = CONDITIONS.get(METADATA if key.startswith(METADATA) else key)
    if condition is None or key in (METADATA, METADATA + "."):
        unknown = wrong("unknown_condition", f"A route cannot ask for {shown(key)}.", _known(key))
        _note(problems, unknown, (*place, "[key]"), asked)
        return []
    values = []
    for one, where in _each(asked, place):
        try:
            values.append(condition.parse(one))
        except PydanticCustomError as error:
            _note(problems, error, where, one)
    if asked == []:
        empty = wrong("empty_list", "This list is empty, so nothing could match.", "Write one value or more.")
        _note(problems, empty, place, asked)
    return [Asks(key, tuple(values))]


def _joined(join: Join, asked: Any, place: _Place, problems: list[InitErrorDetails]) -> Joined:
    """A block, or a list of blocks: the conditions of each block must hold together."""
    blocks = [Joined(Join.ALL, _parts(one, where, problems)) for one, where in _each(asked, place)]
    if not blocks:
        _note(problems, wrong("empty_list", "This list is empty.", "Write one block or more."), place, asked)
    if join is Join.ANY and isinstance(asked, dict):
        return Joined(join, blocks[0].parts)
    return Joined(join, tuple(blocks))


def _each(asked: Any, place: _Place) -> list[tuple[Any, _Place]]:
    """One value, or each of a list, with its position."""
    if isinstance(asked, list):
        return [(one, (*place, number)) for number, one in enumerate(asked)]
    return [(asked, place)]


def _note(problems: list[InitErrorDetails], error: PydanticCustomError, place: _Place, value: Any) -> None:
    problems.append(InitErrorDetails(type=error, loc=place, input=value))


def _known(key: str) -> str:
    names = [*(METADATA + "<name>" if name == METADATA else name for name in CONDITIONS), *Join]
    close = get_close_matches(key[:40], [name for name in names if "<" not in name], n=1)
    meant = f"Did you mean `{close[0]}`? " if close else ""
    return f"{meant}It can ask for {', '.join(f'`{name}`' for name in names[:-1])} and `{names[-1]}`."


When = Annotated[Joined, PlainValidator(parse_when), WithJsonSchema({"$comment": WHEN})]
