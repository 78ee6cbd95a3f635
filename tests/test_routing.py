"""Which channel a conversation goes to, and why."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from relay.messages import Role
from relay.routing.facts import Facts
from relay.routing.rules import Router, holds
from relay.settings import Config, check_config
from relay.settings.conditions import parse_when

CONFIG = """
channels: {123: C0LISTED, "0123": C0OCTAL}
routes:
  - {name: enterprise, when: {metadata.plan: enterprise}, channel: C0VIP}
  - {name: nested, when: {metadata.shop.country.code: [DE, AT]}, channel: C0DACH}
  - {name: both, when: {title: Orders, metadata.paid: true}, channel: C0PAID}
  - {name: count, when: {metadata.seats: 3}, channel: C0SEATS}
  - {name: named, when: {group_name: Orders}, channel: C0ORDERS}
  - {name: one, when: {group_id: 777}, channel: C0ONE}
"""


def decide(extra: str = "default_channel: C0REST", *, group_id: str = "9", title: str = "", **metadata: object):
    config, _ = check_config(CONFIG + extra, "c")
    assert config is not None
    return Router(config).choose(Facts(group_id, title, metadata=metadata))


@pytest.mark.parametrize(
    ("conversation", "channel", "rule"),
    [
        ({"group_id": "123"}, "C0LISTED", "channels"),
        ({"group_id": "0123"}, "C0OCTAL", "channels"),
        ({"group_id": "83"}, "C0REST", "default_channel"),
        ({"group_id": "123", "plan": "enterprise"}, "C0LISTED", "channels"),
        ({"plan": "enterprise"}, "C0VIP", "routes:enterprise"),
        ({"plan": "Enterprise"}, "C0REST", "default_channel"),
        ({"plan": ["trial", "enterprise"]}, "C0VIP", "routes:enterprise"),
        ({"plan": '{"enterprise": true}'}, "C0REST", "default_channel"),
        ({"plan": None}, "C0REST", "default_channel"),
        ({"plan": "enterprise", "seats": 3}, "C0VIP", "routes:enterprise"),
        ({"shop": {"country": {"code": "AT"}}}, "C0DACH", "routes:nested"),
        ({"shop": {"country": "AT"}}, "C0REST", "default_channel"),
        ({"shop": "AT"}, "C0REST", "default_channel"),
        ({"title": "Orders", "paid": True}, "C0PAID", "routes:both"),
        ({"title": "Orders", "paid": "true"}, "C0PAID", "routes:both"),
        ({"title": "Orders", "paid": False}, "C0ORDERS", "routes:named"),
        ({"title": "orders"}, "C0REST", "default_channel"),
        ({"seats": 3}, "C0SEATS", "routes:count"),
        ({"seats": "3"}, "C0SEATS", "routes:count"),
        ({"group_id": "777"}, "C0ONE", "routes:one"),
    ],
)
def test_the_mapping_comes_first_then_routes_in_order_then_the_default(conversation, channel, rule):
    decision = decide(**conversation)
    assert (decision.channel, decision.rule) == (channel, rule)


def test_a_conversation_nothing_names_waits_and_says_what_to_add():
    decision = decide("", group_id="555")
    assert (decision.channel, decision.rule) == (None, "unmapped")
    assert "`555: <channel>` under `channels`" in decision.why


@pytest.mark.parametrize(
    ("conversation", "why"),
    [
        ({"group_id": "123"}, "`channels` lists 123."),
        ({"plan": "enterprise"}, "metadata.plan is enterprise in route enterprise."),
        ({"title": "Orders", "paid": True}, "title is Orders and metadata.paid is true in route both."),
        ({"shop": {"country": {"code": "AT"}}}, "metadata.shop.country.code is DE or AT in route nested."),
        ({}, "Nothing names 9, so it goes to `default_channel`."),
    ],
)
def test_it_says_why(conversation, why):
    assert decide(**conversation).why == why


MONDAY_NOON = 1_736_769_600.0  # 13 January 2025, 12:00 UTC


def asks(when: dict[str, object], **facts: object) -> bool:
    """Whether a route that asks this takes such a conversation."""
    values: dict[str, object] = {"group_id": "1", "moment": MONDAY_NOON, **facts}
    return holds(parse_when(when), Facts(**values))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("when", "facts", "takes"),
    [
        ({"group_id": "1000-1999"}, {"group_id": "1000"}, True),
        ({"group_id": "1000-1999"}, {"group_id": "1999"}, True),
        ({"group_id": "1000-1999"}, {"group_id": "2000"}, False),
        ({"group_id": "1000-"}, {"group_id": "999999"}, True),
        ({"group_id": "1000-1999"}, {"group_id": "12٣4"}, False),
        ({"group_id": ["7", "1000-1999"]}, {"group_id": "7"}, True),
        ({"group_id": "shop-*"}, {"group_id": "shop-12"}, True),
        ({"client_group_id": "shop-?"}, {"client_group_id": "shop-1"}, True),
        ({"client_group_id": "shop-?"}, {"client_group_id": "shop-12"}, False),
        ({"group_name": "[VIP] *"}, {"title": "[VIP] Orders"}, True),
        ({"group_name": "[VIP] *"}, {"title": "V Orders"}, False),
        ({"message": "*refund*"}, {"message": "I want\na refund\nnow"}, True),
        ({"message": "refund"}, {"message": "I want a refund"}, False),
        ({"message": "/REFUND|money back/i"}, {"message": "my money\nback? a refund!"}, True),
        ({"message": "/REFUND/"}, {"message": "a refund"}, False),
        ({"message": "/^order [0-9]+$/"}, {"message": "order 12"}, True),
        ({"from": "*@example.com"}, {"sender": "ann@example.com"}, True),
        ({"role": "customer"}, {"role": Role.CUSTOMER}, True),
        ({"role": ["agent", "bot"]}, {"role": Role.CUSTOMER}, False),
        ({"has_file": "true"}, {"has_file": True}, True),
        ({"has_file": "false"}, {"has_file": True}, False),
        ({"language": "de"}, {"language": "de-AT"}, True),
        ({"language": "de"}, {"language": "DE_at"}, True),
        ({"language": "pt-BR"}, {"language": "pt"}, False),
        ({"language": "de"}, {"language": "den"}, False),
        ({"language": "de"}, {}, False),
        ({"hours": "09:00-18:00 Europe/Berlin"}, {}, True),
        ({"hours": "Tue-Fri 09:00-18:00 Europe/Berlin"}, {}, False),
        ({"hours": "20:00-22:00 Asia/Tokyo"}, {}, True),
        ({"hours": "22:00-06:00 UTC"}, {"moment": MONDAY_NOON + 11 * 3600}, True),
        ({"hours": "Mon 22:00-06:00 UTC"}, {"moment": MONDAY_NOON + 17 * 3600}, True),
        ({"hours": "Tue 22:00-06:00 UTC"}, {"moment": MONDAY_NOON + 17 * 3600}, False),
        ({"days": "Mon Europe/Berlin"}, {"moment": MONDAY_NOON + 11.5 * 3600}, False),
        ({"days": "Sat-Sun UTC"}, {}, False),
        ({"metadata.tags": "vip"}, {"metadata": {"tags": ["new", "vip"]}}, True),
        ({"metadata.KM_TAGS.name": "vip"}, {"metadata": {"KM_TAGS": '[{"name": "vip"}]'}}, True),
        ({"metadata.a.b": "1"}, {"metadata": {"a.b": 1}}, True),
        ({"metadata.context.shop": "*.de"}, {"metadata": {"context": '{"shop": "example.de"}'}}, True),
        ({"any": [{"language": "de"}, {"metadata.land": "DE"}]}, {"metadata": {"land": "DE"}}, True),
        ({"any": {"language": "de", "metadata.land": "DE"}}, {"metadata": {"land": "DE"}}, True),
        ({"all": [{"language": "de"}, {"metadata.land": "DE"}]}, {"metadata": {"land": "DE"}}, False),
        ({"not": {"language": "de"}}, {"language": "de"}, False),
        ({"not": [{"language": "de"}, {"language": "fr"}]}, {"language": "en"}, True),
        ({"not": {"metadata.plan": "*"}}, {}, True),
    ],
)
def test_a_condition_holds_for_what_it_says(when: dict[str, object], facts: dict[str, object], takes: bool) -> None:
    assert asks(when, **facts) is takes


VALUES = st.text("ab1-*?/. ", min_size=1, max_size=6).filter(str.strip)
ASKED = st.dictionaries(
    st.sampled_from(["group_id", "group_name", "metadata.a", "message", "from"]),
    st.lists(VALUES, min_size=1, max_size=3),
    min_size=1,
    max_size=3,
)


@given(st.lists(ASKED, min_size=1, max_size=12), st.lists(st.text("ab1-. ", max_size=8), min_size=5, max_size=5))
@example([{"group_name": ["ab*"]}], ["1", "ab", "", "", ""])
@example([{"group_id": ["1-11"]}], ["1", "", "", "", ""])
def test_the_first_route_that_holds_decides_however_many_there_are(asked, texts) -> None:
    """The index leaves out no route that holds: it is compared with asking each."""
    config = config_of(asked)
    if config is None:
        return
    group_id, title, inside, message, sender = texts
    facts = Facts(group_id, title, metadata={"a": inside}, message=message, sender=sender)
    first = next((f"routes:{route.name}" for route in config.routes if holds(route.when, facts)), "unmapped")
    assert Router(config).choose(facts).rule == first


def config_of(asked: list[dict[str, object]]) -> Config | None:
    """Routes that ask these things; None where one of them cannot be asked."""
    routes = [{"name": str(number), "when": when, "channel": "C0X"} for number, when in enumerate(asked)]
    try:
        return Config.model_validate({"routes": routes})
    except ValidationError:
        return None


HOSTILE = ["a" * 262_000, "ab" * 131_000, "x" * 131_000 + "é" * 60_000, "a b " * 65_000, " " * 262_000]


@pytest.mark.parametrize("asked", ["/(a+a+)+$/", "/(?:a?){80}a{80}$/", "/(.{0,70}x)+y/i", "/([^b]{1,20} ){4}$/"])
def test_no_pattern_and_no_message_holds_a_worker_up(asked: str) -> None:
    """100 ms at most are asked for: five times as many are a defect on any machine."""
    for text in HOSTILE:
        begun = time.perf_counter()
        asks({"message": asked}, message=text)
        assert time.perf_counter() - begun < 0.5


def test_stars_hold_nobody_up() -> None:
    begun = time.perf_counter()
    for text in HOSTILE:
        asks({"message": "*a" * 30 + "*z"}, message=text)
    assert time.perf_counter() - begun < 0.5


@pytest.mark.parametrize("name", ["message", "metadata.note"])
def test_half_a_character_of_a_customers_is_no_trouble_for_patterns(name: str) -> None:
    facts = Facts("1", message="\ud800 refund", metadata={"note": "\ud800 refund"})
    assert holds(parse_when({name: "/refund/"}), facts)


def test_a_text_longer_than_patterns_read_is_found_by_its_whole() -> None:
    long = "x" * 4100 + "end"
    routes = f"routes: [{{name: a, channel: C0X, when: {{message: ['some*thing', {long}]}}}}]"
    config, _ = check_config(routes, "c")
    assert config is not None
    assert Router(config).choose(Facts("1", message=long)).channel == "C0X"


def test_what_it_says_of_a_text_is_what_may_be_shown_of_it_before_it_is_cut() -> None:
    """Sixty characters are shown: half of a card's number would be left of one that ends behind them."""
    routes = [{"name": "r", "when": {"message": "*refund*"}, "channel": "C0R"}]
    router = Router(Config.model_validate({"routes": routes, "default_channel": "C0X"}))
    said = Facts("9", message=f"{'x' * 50} 4111 1111 1111 1111")
    tried = list(router.explain(said, lambda text: text.replace("4111 1111 1111 1111", "[hidden]")))
    assert "4111" not in str(tried)
    assert "[hidden]" in tried[1].why
