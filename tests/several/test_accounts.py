"""Several accounts of Kommunicate: each has its webhook, its token, its key and its people, and meets no other's."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from relay.sandbox.slack.interactions import click
from relay.wiring import build_context
from tests.harness import auth, body, threads, words
from tests.replies.desk import GROUP
from tests.several.twins import Twins
from tests.store.shelf import rows

IN_VIP = {"shop": {"default_channel": "C0VIP"}}


@pytest.fixture
def twins(make_twins: Callable[..., Twins]) -> Twins:
    """A customer of each account has written, in conversations of the same id; the second one's are in #vip."""
    twins = make_twins(**IN_VIP)
    twins.both_write()
    return twins


def answer(twins: Twins, text: str, channel: str) -> None:
    """An agent answers in the thread of a channel of the plain workspace."""
    (thread,) = threads(twins.server, channel)
    twins.sandbox.slack.human_writes(channel, text, user="U0ALEX", thread_ts=thread)
    twins.carry()
    twins.run(10)
    twins.carry()


def post(twins: Twins, path: str, token: str, **fields: Any) -> int:
    sent = body(**{"key": "one", **fields})
    return twins.client.post(path, json=sent, headers=auth(token)).status_code


def test_replies_go_back_to_the_right_account_by_the_right_key(twins: Twins) -> None:
    answer(twins, "for Jane", "C0SUPPORT")
    answer(twins, "for Ines", "C0VIP")
    assert (twins.reached(), twins.reached_there()) == (["for Jane"], ["for Ines"])
    assert twins.there.sandbox.shown == {"shop-key"}
    assert twins.sandbox.shown == {"xoxb-sandbox", "sandbox-key"}


@pytest.mark.parametrize(
    ("path", "token", "status"),
    [
        ("/kommunicate/shop/webhook", "shop-token", 200),
        ("/kommunicate/shop/webhook", "sandbox-webhook-token", 401),
        ("/kommunicate/webhook", "shop-token", 401),
        ("/message/forward", "shop-token", 401),
        ("/kommunicate/default/webhook", "sandbox-webhook-token", 200),
        ("/kommunicate/default/webhook", "shop-token", 401),
        ("/kommunicate/nobody/webhook", "shop-token", 404),
        ("/kommunicate/shop%2F/webhook", "shop-token", 404),
    ],
)
def test_a_token_opens_its_own_webhook_alone(twins: Twins, path: str, token: str, status: int) -> None:
    assert post(twins, path, token) == status


def test_the_same_message_key_in_two_accounts_is_two_messages(twins: Twins) -> None:
    assert post(twins, "/kommunicate/webhook", "sandbox-webhook-token", message="m7") == 200
    assert post(twins, "/kommunicate/shop/webhook", "shop-token", message="m8") == 200
    twins.run(5)
    assert [words(one[-1]).split("\n")[-1] for one in threads(twins.server).values()] == ["m7", "m8"]


def test_names_come_from_the_account_that_somebody_wrote_to(twins: Twins) -> None:
    """The user ids are the same in both."""
    cards = {root["channel"]: words(root) for root in twins.roots()}
    assert "Jane" in cards["C0SUPPORT"]
    assert "Ines" in cards["C0VIP"]
    assert "Ines" not in cards["C0SUPPORT"]


def test_the_controls_of_a_card_act_in_its_account(twins: Twins) -> None:
    (thread,) = threads(twins.server, "C0VIP")
    click(twins.sandbox.slack, "C0VIP", thread, "take_over", user="U0ALEX")
    twins.carry()
    twins.run(5)
    taken = [one for one in twins.there.sandbox.calls if one["method"].endswith("/group/assignee/change")]
    assert [one["outcome"] for one in taken] == ["ok"]
    assert not [one for one in twins.sandbox.calls if one["method"].endswith("/group/assignee/change")]


def test_an_account_whose_key_is_refused_holds_up_no_other(twins: Twins) -> None:
    twins.there.sandbox.kommunicate.api_key = "another"
    answer(twins, "for Ines", "C0VIP")
    answer(twins, "for Jane", "C0SUPPORT")
    assert twins.reached() == ["for Jane"]
    assert [cause for _, cause in twins.waiting()] == [
        "the API key for Kommunicate is wrong: tell the relay's operator (SHOP_API_KEY)"
    ]
    twins.there.sandbox.kommunicate.api_key = "shop-key"
    twins.run(400)
    assert twins.reached_there() == ["for Ines"]


def test_a_user_who_is_refused_in_one_account_is_served_in_the_other(twins: Twins) -> None:
    """Alex has the same address in both."""
    del twins.there.sandbox.kommunicate.people["alex@sandbox.test"]
    answer(twins, "for Jane", "C0SUPPORT")
    assert twins.reached() == ["for Jane"]
    answer(twins, "for Ines", "C0VIP")
    assert twins.reached_there() == ["alex: for Ines"]
    answer(twins, "and more", "C0SUPPORT")
    assert twins.reached() == ["for Jane", "and more"]


def test_what_is_for_an_account_that_is_not_named_any_more_waits(twins: Twins) -> None:
    twins.rename(accounts=False)
    answer(twins, "for Ines", "C0VIP")
    answer(twins, "for Jane", "C0SUPPORT")
    assert twins.reached() == ["for Jane"]
    cause = "`kommunicate.accounts` no longer names this account, and a reply waits for it"
    assert twins.waiting() == [("waiting", cause)]
    assert twins.dead() == []
    twins.rename(**IN_VIP)
    twins.run(400)
    assert (twins.reached(), twins.reached_there()) == (["for Jane"], ["for Ines"])
    twins.assert_nothing_leaked()


def test_an_account_without_a_key_is_read_only(make_twins: Callable[..., Twins]) -> None:
    twins = make_twins(**IN_VIP)
    shop = twins.relay.settings.accounts["shop"]
    twins.relay.settings = replace(twins.relay.settings, accounts={"shop": replace(shop, api_key=None)})
    assert build_context(twins.relay).of("shop").replying is None
    assert build_context(twins.relay).of("default").replying is not None


@pytest.mark.parametrize(
    ("config", "channel"),
    [
        ({}, "C0GENERAL"),
        ({"shop": {"default_channel": "C0VIP"}}, "C0VIP"),
        ({"channels": {GROUP: "C0SUPPORT"}, "default_channel": "C0OPS"}, "C0OPS"),
        ({"channels": {f"shop/{GROUP}": "C0SUPPORT"}}, "C0SUPPORT"),
        ({"routes": [{"name": "a", "when": {"account": "shop"}, "channel": "C0VIP"}]}, "C0VIP"),
        ({"routes": [{"name": "a", "when": {"account": "default"}, "channel": "C0VIP"}]}, "C0GENERAL"),
        ({"shop": {"bots": ["b2"]}, "routes": [{"name": "a", "when": {"role": "bot"}, "channel": "C0OPS"}]}, "C0OPS"),
    ],
)
def test_a_chat_goes_where_its_account_says(make_twins: Callable[..., Twins], config: dict, channel: str) -> None:
    twins = make_twins(**config)
    assert post(twins, "/kommunicate/shop/webhook", "shop-token", **{"from": "b2"}) == 200
    twins.run(5)
    assert [root["channel"] for root in twins.roots()] == [channel]


def test_links_lead_to_the_dashboard_of_the_account(make_twins: Callable[..., Twins]) -> None:
    twins = make_twins(shop={"default_channel": "C0VIP", "dashboard_url": "https://eu.example.com"})
    twins.both_write()
    cards = {root["channel"]: json.dumps(root["blocks"]) for root in twins.roots()}
    assert "https://eu.example.com/conversations/" in cards["C0VIP"]
    assert "https://eu.example.com" not in cards["C0SUPPORT"]


def test_a_body_that_is_refused_is_kept_for_its_account(twins: Twins) -> None:
    headers = auth("shop-token")
    assert twins.client.post("/kommunicate/shop/webhook", json={"key": "x"}, headers=headers).status_code == 422
    assert [row.account for row in rows(twins.store, "received", outcome="rejected")] == ["shop"]
