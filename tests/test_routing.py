"""Which channel a conversation goes to, and why."""

from __future__ import annotations

import pytest

from relay.routing.facts import Facts
from relay.routing.rules import Router
from relay.settings import check_config

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
