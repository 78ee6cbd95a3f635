"""What a route may ask for: each condition, what it takes and what it refuses."""

from __future__ import annotations

import pytest

from relay.routing.facts import Facts
from relay.routing.rules import holds
from relay.settings import check_config
from relay.settings.conditions import CONDITIONS, Asks, Join, names_in, parse_when
from relay.settings.hours import parse_moment


def wrong(when: str) -> list[tuple[str, int]]:
    """Code of every finding, and the characters before its place in the condition."""
    before = "routes: [{name: a, channel: C0X, when: "
    findings = check_config(f"{before}{when}}}]", "c")[1]
    return [(finding.code, int(finding.where.removeprefix("c:1:")) - 1 - len(before)) for finding in findings]


@pytest.mark.parametrize(("name", "condition"), CONDITIONS.items())
def test_each_condition_takes_its_example(name: str, condition) -> None:
    when = parse_when({name + "plan" if name.endswith(".") else name: condition.example})
    assert when.join is Join.ALL
    assert isinstance(when.parts[0], Asks)


@pytest.mark.parametrize(
    ("when", "code", "column"),
    [
        ("{}", "empty_when", 0),
        ("vip", "wrong_type", 0),
        ("{plan: x}", "unknown_condition", 1),
        ("{metadata: {plan: x}}", "unknown_condition", 1),
        ("{group_id: }", "not_text", 10),
        ("{group_id: []}", "empty_list", 11),
        ("{group_id: 9-1}", "empty_range", 11),
        ("{group_id: [1, [2]]}", "not_text", 15),
        ("{role: boss}", "wrong_value", 7),
        ("{has_file: maybe}", "wrong_value", 11),
        ("{language: german language}", "bad_language", 11),
        ("{hours: always}", "bad_hours", 8),
        ("{hours: 25:00-26:00 UTC}", "bad_hours", 8),
        ("{hours: 09:00-18:00 Nowhere/Land}", "bad_zone", 8),
        ("{days: Sat-Sun}", "bad_days", 7),
        ("{message: /(/}", "bad_pattern", 10),
        ("{message: '/(?=x)x/'}", "bad_pattern", 10),
        ("{message: '/(.{1,99}x){9}/'}", "large_pattern", 10),
        ("{any: []}", "empty_list", 6),
        ("{any: [{}]}", "empty_when", 7),
        ("{not: {all: [{role: boss}]}}", "wrong_value", 20),
        ("{all: x}", "wrong_type", 6),
    ],
)
def test_what_cannot_be_asked_is_told_at_its_place(when: str, code: str, column: int) -> None:
    assert wrong(when) == [(code, column)]


def test_every_mistake_is_told_at_once() -> None:
    codes = [code for code, _ in wrong("{role: boss, any: [{days: never}, {wen: 1}], message: '/[/'}")]
    assert codes == ["wrong_value", "bad_days", "unknown_condition", "bad_pattern"]


def test_names_are_found_however_deep() -> None:
    when = parse_when({"any": [{"language": "de"}, {"not": {"message": "x"}}], "role": "bot"})
    assert list(names_in(when)) == ["language", "message", "role"]


def test_a_secret_in_a_pattern_that_is_none_is_not_repeated() -> None:
    findings = check_config("routes: [{name: a, channel: C0X, when: {message: '/(xoxb-1234567890-abcdef/'}}]", "c")[1]
    assert "xoxb" not in "".join(map(str, findings))


def test_a_moment_at_the_end_of_the_calendar_is_within_no_hours() -> None:
    when = parse_when({"days": "Mon-Sun Asia/Tokyo"})
    assert not holds(when, Facts("1", moment=parse_moment("9999-12-31 23:59 America/New_York")))
