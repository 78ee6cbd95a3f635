"""What a card tells of its customer: what the settings allow, plainly, and nothing else; on both databases."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from relay.kommunicate.facts import facts_in
from relay.sandbox.kommunicate.values import AGENT, CUSTOMER, Person
from tests.privacy.conftest import Wire
from tests.privacy.corpus import ALL
from tests.replies.desk import GROUP, Desk

MAIL, NUMBER = "jane@example.com", "+49 171 1234567"
CONTEXT = {"KM_CHAT_CONTEXT": json.dumps({"kmUserLocale": "de", "shop": {"size": "large"}}), "plan": "gold"}


def told(desk: Desk) -> list[str]:
    """The facts of the newest card."""
    blocks = [block for block in desk.roots()[-1]["blocks"] if block["type"] == "context"]
    return [
        one["text"]
        for block in blocks
        for one in block["elements"]
        if ": " in one["text"] and "Began" not in one["text"]
    ]


def jane(desk: Desk, **more: Any) -> None:
    desk.sandbox.kommunicate.people["jane"] = Person("jane", "Jane", CUSTOMER, **more)


def test_it_tells_what_is_allowed_in_that_order(make_desk: Callable[..., Desk]) -> None:
    names = ["locale", "email", "phone", "metadata.plan", "metadata.KM_CHAT_CONTEXT.shop.size", "page"]
    desk = make_desk(facts=names)
    jane(desk, email=MAIL, phone=NUMBER)
    page = {"GROUP_CREATION_URL": "https://shop.example/cart"}
    desk.webhook("jane", message="hello", metadata={**CONTEXT, **page, "other": "not told"})
    assert told(desk) == [
        "Language: de",
        f"E-mail: {MAIL}",
        f"Phone: {NUMBER}",
        "plan: gold",
        "KM_CHAT_CONTEXT.shop.size: large",
        "Page: https://shop.example/cart",
    ]


def test_nothing_is_told_that_is_not_allowed(make_desk: Callable[..., Desk], wire: Wire) -> None:
    desk = make_desk()
    jane(desk, email=MAIL, phone=NUMBER)
    desk.webhook("jane", message="hello", metadata=CONTEXT)
    assert told(desk) == []
    assert [piece for piece in (MAIL, NUMBER, "gold", "large") if piece in str(wire)] == []


def test_what_is_not_shown_is_not_stored_either(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(facts=["locale"])
    jane(desk, email=MAIL, phone=NUMBER)
    desk.webhook("jane", message="hello")
    with desk.store.read() as tx:
        person = desk.out.authors.known(tx, "default", ["jane"]).people["jane"]
    assert (person.name, person.email, person.phone) == ("Jane", "", "")


def test_what_comes_later_is_told_once_it_is_there(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(facts=["metadata.plan"])
    desk.webhook("jane", message="hello")
    assert told(desk) == []
    desk.webhook("jane", message="by the way", metadata={"plan": "gold"})
    desk.run(60)
    assert told(desk) == ["plan: gold"]
    desk.webhook("jane", message="now", metadata={"plan": "silver"})
    desk.run(60)
    assert told(desk) == ["plan: silver"]


def test_what_came_long_ago_is_still_told(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(facts=["metadata.plan"])
    desk.webhook("jane", message="hello")
    desk.webhook("jane", message="again", metadata={"plan": "gold"})
    for number in range(30):
        desk.webhook("jane", message=f"word {number}")
    desk.run(60)
    assert told(desk) == ["plan: gold"]


def test_a_card_that_looks_the_same_is_not_sent(make_desk: Callable[..., Desk], wire: Wire) -> None:
    desk = make_desk(facts=["metadata.plan"])
    desk.sandbox.kommunicate.people["helper"] = Person("helper", "Helper", AGENT)
    desk.webhook("jane", message="same", metadata={"plan": "gold"})
    desk.webhook("helper", message="answer", metadata={"plan": "gold"})
    desk.run(120)
    wire.heard.clear()
    desk.webhook("helper", message="more", metadata={"plan": "gold"})
    desk.run(120)
    assert [said for said in wire.heard if "chat.update" in said] == []


@pytest.mark.parametrize(
    "value",
    [
        "<!channel> <@U0ALEX>",
        "*bold* `code`",
        "a\nb\nc",
        "\u202egold",
        "x" * 5000,
        "<https://evil.example|Open>",
        "·" * 50,
    ],
)
def test_a_hostile_value_is_text_on_one_short_line(make_desk: Callable[..., Desk], value: str) -> None:
    desk = make_desk(facts=["metadata.plan"])
    desk.webhook("jane", message="hello", metadata={"plan": value})
    (block,) = [one for one in desk.roots()[-1]["blocks"] if one["type"] == "context" and "plan" in str(one)]
    (element,) = block["elements"]
    assert element["type"] == "plain_text"
    assert len(element["text"]) <= 210
    assert "\n" not in element["text"]
    assert "\u202e" not in element["text"]


@pytest.mark.parametrize("value", [None, "", " ", {"a": 1}, [], [[1]], {"plan": {"deep": 1}}])
def test_what_says_nothing_is_left_out(value: Any) -> None:
    assert facts_in({"plan": value}, ["metadata.plan"]) == {}


@pytest.mark.parametrize(
    ("metadata", "name", "said"),
    [
        ({"plan": 7}, "metadata.plan", "7"),
        ({"plan": True}, "metadata.plan", "yes"),
        ({"plan": ["a", 2, "c"]}, "metadata.plan", "a, 2, c"),
        ({"KM_CHAT_CONTEXT": {"kmUserLocale": "fr"}}, "locale", "fr"),
        ({"KM_CHAT_CONTEXT": {"kmUserLanguageCode": "it"}}, "locale", "it"),
        ({"kmUserLocale": "es"}, "locale", "es"),
        ({"a": '{"b": "{\\"c\\": 5}"}'}, "metadata.a.b.c", "5"),
    ],
)
def test_where_a_fact_is_found(metadata: dict[str, Any], name: str, said: str) -> None:
    assert facts_in(metadata, [name]) == {name: said}


def test_an_address_that_is_allowed_is_shown_whole_and_all_else_is_redacted(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(facts=["email", "phone", "metadata.note"], redact=ALL)
    jane(desk, email=MAIL, phone=NUMBER)
    desk.webhook("jane", message=f"I am {MAIL}", metadata={"note": f"card 4111 1111 1111 1111, {MAIL}"})
    assert told(desk) == [
        f"E-mail: {MAIL}", f"Phone: {NUMBER}", "note: card [payment card hidden], [e-mail address hidden]",
    ]  # fmt: skip
    assert "I am [e-mail address hidden]" in desk.roots()[-1]["text"]


def test_nothing_is_told_of_one_of_the_team(make_desk: Callable[..., Desk], wire: Wire) -> None:
    desk = make_desk(facts=["email"])
    desk.sandbox.kommunicate.people["eve"] = Person("eve", "Eve", AGENT, "eve@example.com")
    desk.webhook("eve", message="hello")
    assert "E-mail" not in str(wire)


def test_a_route_tells_more_or_less_than_the_others(make_desk: Callable[..., Desk]) -> None:
    route = {"name": "vip", "when": {"group_id": ["7"]}, "channel": "C0VIP", "facts": ["metadata.plan"]}
    desk = make_desk(routes=[route], facts=["locale"])
    desk.webhook("jane", message="hello", metadata=CONTEXT, groupId=7)
    assert told(desk) == ["plan: gold"]
    desk.webhook("jane", message="hello", metadata=CONTEXT, groupId=int(GROUP))
    assert told(desk) == ["Language: de"]


def test_a_card_as_text_alone_tells_them_too(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(facts=["metadata.plan"])
    desk.fault("error", code="invalid_blocks", times=1)
    desk.webhook("jane", message="hello", metadata={"plan": "gold & <!here>"})
    assert "plan: gold &amp; &lt;!here&gt;" in desk.roots()[-1]["text"]
