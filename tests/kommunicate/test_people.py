"""Who is speaking: overrides first, then what Kommunicate says, else unknown."""

from __future__ import annotations

import pytest

from relay.kommunicate.people import person_of, role_of
from relay.messages import Person, Role


@pytest.mark.parametrize(
    ("user_id", "looked_up", "expected"),
    [
        ("helper", Role.CUSTOMER, Role.BOT),
        ("jane", Role.CUSTOMER, Role.AGENT),
        ("jane", None, Role.AGENT),
        ("other", Role.CUSTOMER, Role.CUSTOMER),
        ("other", None, Role.UNKNOWN),
        ("JANE", None, Role.UNKNOWN),
    ],
)
def test_the_configuration_wins_over_what_was_looked_up(user_id, looked_up, expected):
    assert role_of(user_id, looked_up, bots=["helper"], agents=["jane"]) is expected


def test_the_default_user_is_a_bot():
    assert role_of("bot", None) is Role.BOT


@pytest.mark.parametrize(
    ("role_type", "role"),
    [(1, Role.BOT), (3, Role.CUSTOMER), (8, Role.AGENT), (2, Role.AGENT), (4, Role.AGENT), (7, Role.AGENT),
     ("3", Role.CUSTOMER), (5, Role.UNKNOWN), (None, Role.UNKNOWN), (True, Role.UNKNOWN), ([], Role.UNKNOWN)],
)  # fmt: skip
def test_a_role_type_says_who_is_who(role_type, role):
    assert person_of({"userId": "u", "roleType": role_type}) == Person("u", "u", role)


@pytest.mark.parametrize(
    ("detail", "name"),
    [
        ({"displayName": "Jane", "userName": "j"}, "Jane"),
        ({"displayName": " ", "userName": "j"}, "j"),
        ({"displayName": None}, "u"),
        ({"displayName": "Ja\nne\x00"}, "Ja ne"),
        ({"displayName": {"x": 1}, "userName": []}, "u"),
    ],
)
def test_a_name_is_never_empty(detail, name):
    person = person_of({"userId": "u", **detail})
    assert person
    assert person.name == name


@pytest.mark.parametrize("detail", [None, [], "u", {}, {"userId": ""}, {"userId": None}, {"userId": True}])
def test_an_entry_that_names_nobody_is_nobody(detail):
    assert person_of(detail) is None


def test_a_numeric_id_is_text():
    assert person_of({"userId": 7}) == Person("7", "7")
