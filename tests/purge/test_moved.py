"""A chat that has moved is erased where it was, and where it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.harness import timeline, words
from tests.purge.conftest import Purge, report
from tests.replies.desk import GROUP, Desk
from tests.replies.test_showing import asks, bot, customer, said

Make = Callable[..., Desk]
JANE = f"customer-{GROUP}"
VIP: dict[str, Any] = {"name": "vip", "when": {"metadata.plan": "gold"}, "channel": "C0VIP", "follow": True}


@pytest.fixture
def moved(make_desk: Make) -> Desk:
    desk = make_desk(channels={}, default_channel="C0SUPPORT", routes=[VIP])
    customer(desk, "m1 hello")
    return desk


def of_relay(desk: Desk) -> list[str]:
    return [words(message) for message in timeline(desk.server) if message["bot_id"]]


def test_in_both_channels(moved: Desk, purge: Purge) -> None:
    customer(moved, "m2 I have bought it", plan="gold")
    result = purge("--customer", JANE, "--slack", "--yes", "--json")
    assert (result.exit_code, report(result)["stays_in_slack"], of_relay(moved)) == (0, [], [])
    customer(moved, "m3 again")
    assert len(moved.roots()) == 1
    assert "Continued from" not in words(moved.roots()[0])


def test_on_its_way(moved: Desk, purge: Purge) -> None:
    """The channel that it goes to takes nothing: there is no thread."""
    moved.sandbox.slack.archive("C0VIP")
    customer(moved, "m2 I have bought it", plan="gold")
    purge("--customer", JANE, "--slack", "--yes", "--json")
    assert not any("m1" in said or "Jane" in said for said in of_relay(moved))
    moved.sandbox.slack.archive("C0VIP", archived=False)
    moved.run(600)
    customer(moved, "m3 again")
    (root,) = [root for root in moved.roots() if root["channel"] == "C0VIP"]
    assert "Continued from" not in words(root)


def test_a_card_that_stays_names_nobody_afterwards(moved: Desk, purge: Purge) -> None:
    """Without --slack: what was to be drawn is drawn without what is erased."""
    moved.sandbox.slack.archive("C0VIP")
    customer(moved, "m2 I have bought it", plan="gold")
    purge("--customer", JANE, "--yes", "--json")
    moved.sandbox.slack.archive("C0VIP", archived=False)
    moved.run(600)
    customer(moved, "m3 again")
    moved.run(60)
    assert words(moved.roots()[0]).endswith("a newer thread>")


def test_what_was_left_to_a_bot_does_not_come_back(make_desk: Make, purge: Purge) -> None:
    desk = make_desk(show="handoff")
    asks(desk, "m1 question")
    bot(desk, "b1 answer")
    purge("--customer", JANE, "--slack", "--yes", "--json")
    asks(desk, "m2 hello")
    bot(desk, "b2 I call somebody", KM_ASSIGN_TO="")
    desk.run(30)
    assert said(desk) == ["m2", "b2"]
