"""The Home tab and `/chats`: who waits, whose the chats are, what failed, and whether all is well."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from relay.delivery.at_once import NOT_SHOWN
from relay.sandbox.slack.interactions import click, open_home, type_command, use_home
from relay.sandbox.slack.values import TEAM_ID
from relay.slack.identity import Identity
from relay.store.operations.chats import overview
from tests.replies.desk import Desk

SEND = "/rest/ws/message/v2/send"
WORKSPACE = "https://sandbox.slack.com/"


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    """A desk in three chats: Jane waits first, Priya is Alex's, and Tom has been answered by Sam."""
    desk = make_desk(channels={"1": "C0SUPPORT", "2": "C0SUPPORT", "3": "C0VIP"})
    desk.client.application.extensions["relay"].identity = Identity(TEAM_ID, "U0RELAY", "B0RELAY", None, WORKSPACE)
    for group, name in (("1", "Jane"), ("2", "Priya"), ("3", "Tom")):
        desk.sandbox.kommunicate.customer_writes(group, f"hello from {name}", name=name)
        desk.carry()
        desk.run(3)
    roots = {one["text"].split(" ")[0]: one for one in desk.roots()}
    desk.press(roots["Priya"]["ts"], "take_over")
    desk.sandbox.slack.human_writes("C0VIP", "hi Tom", user="U0SAM", thread_ts=roots["Tom"]["ts"])
    desk.carry()
    desk.run(10)
    return desk


def home(desk: Desk, user: str = "U0ALEX") -> list[str]:
    """The rows of somebody's Home tab, without dates."""
    open_home(desk.sandbox.slack, user=user)
    assert set(desk.carry()) == {200}
    return rows_of(desk.sandbox.slack.homes[user]["blocks"])


def rows_of(blocks: list[dict[str, Any]]) -> list[str]:
    rich = [block["elements"][0]["elements"] for block in blocks if block["type"] == "rich_text"]
    return ["".join(one.get("text") or one.get("channel_id") or "" for one in row) for row in rich]


def test_it_shows_ones_own_chats_first_and_then_who_waits_longest(desk: Desk) -> None:
    assert home(desk) == [
        "All is well. 2 customers are waiting.",
        "Priya · waiting since  · yours · C0SUPPORT",
        "Jane · waiting since  · C0SUPPORT",
        "Tom · answered · with sam · C0VIP",
    ]
    assert f"{WORKSPACE}archives/C0SUPPORT/p" in json.dumps(desk.sandbox.slack.homes)


def test_what_is_resolved_is_no_open_chat(desk: Desk) -> None:
    for root in desk.roots():
        desk.sandbox.kommunicate.notice({"Jane": "1", "Priya": "2"}.get(root["text"].split(" ")[0], "3"), "Resolved",
                                        {"KM_STATUS": "closed"})  # fmt: skip
    desk.carry()
    desk.run(5)
    assert home(desk) == ["All is well. Nobody is waiting."]


def test_a_reply_that_failed_can_be_tried_again_there(desk: Desk) -> None:
    """Once; the line in its thread says so."""
    failed_reply(desk)
    first, failed, *_ = home(desk)
    assert (first, failed) == (
        "2 customers are waiting.",
        "Not sent to Jane: Kommunicate refused it: scripted by the sandbox",
    )
    button = next(block for block in desk.sandbox.slack.homes["U0ALEX"]["blocks"] if block["type"] == "actions")
    use_home(desk.sandbox.slack, "send_again", button["elements"][0]["value"])
    assert desk.carry() == [200]
    assert "Not sent" not in str(desk.sandbox.slack.homes["U0ALEX"]), "the tab changes at once"
    desk.run(10)
    lines = desk.sandbox.kommunicate.conversation("1").lines
    assert [line.text for line in lines if line.source == 4] == ["hi Jane"]
    assert "Not sent" not in "".join(home(desk))


def test_the_command_shows_the_same_to_whoever_typed_it(desk: Desk) -> None:
    type_command(desk.sandbox.slack, "C0GENERAL", user="U0SAM")
    assert set(desk.carry()) == {200}
    shown = desk.sandbox.slack.ephemerals[-1]
    assert (shown["channel"], shown["user"]) == ("C0GENERAL", "U0SAM")
    assert rows_of(shown["blocks"])[1] == "Tom · answered · yours · C0VIP"


def failed_reply(desk: Desk) -> None:
    """One to Jane, which Kommunicate has refused."""
    desk.fault("error", SEND, code="INVALID_PARAMETER")
    ts = next(one["ts"] for one in desk.roots() if one["text"].startswith("Jane"))
    desk.sandbox.slack.human_writes("C0SUPPORT", "hi Jane", thread_ts=ts)
    desk.carry()
    desk.run(10)


@pytest.mark.parametrize("channel", ["C0SUPPORT", "C0GENERAL"])
def test_a_reply_that_is_sent_again_by_the_answer_to_the_command_leaves_the_rest_of_it(
    desk: Desk, channel: str
) -> None:
    """Wherever it was typed; another person's answer is their own."""
    failed_reply(desk)
    for user in ("U0SAM", "U0ALEX"):
        type_command(desk.sandbox.slack, channel, user=user)
    desk.carry()
    others, shown = desk.sandbox.slack.ephemerals[-2:]
    before = rows_of(shown["blocks"])
    click(desk.sandbox.slack, channel, shown["ts"], "send_again")
    assert set(desk.carry()) == {200}
    assert rows_of(shown["blocks"])[1:] == [row for row in before[1:] if "Not sent" not in row]
    assert (shown["gone"], rows_of(others["blocks"])[1]) == (False, before[1])
    desk.run(10)
    lines = desk.sandbox.kommunicate.conversation("1").lines
    assert [line.text for line in lines if line.source == 4] == ["hi Jane"]
    click(desk.sandbox.slack, channel, others["ts"], "send_again", user="U0SAM")
    desk.carry()
    desk.run(10)
    assert desk.whispers()[-1][0] == "U0SAM"
    assert "nothing is left to do: Sent" in desk.whispers()[-1][1]
    assert not others["gone"]


@pytest.mark.parametrize("on_home", [True, False])
def test_the_page_stays_the_same_when_a_reply_is_sent_again_there(desk: Desk, on_home: bool) -> None:
    failed_reply(desk)
    for number in range(20):
        desk.sandbox.kommunicate.customer_writes(f"{number + 10}", "hello", name=f"Customer {number}")
        desk.carry()
        desk.run(3)
    if on_home:
        home(desk)
        use_home(desk.sandbox.slack, "page-on", "20")
    else:
        type_command(desk.sandbox.slack, "C0GENERAL")
        desk.carry()
        click(desk.sandbox.slack, "C0GENERAL", desk.sandbox.slack.ephemerals[-1]["ts"], "page-on")
    desk.carry()
    before = rows_of(shown(desk, on_home))
    if on_home:
        use_home(desk.sandbox.slack, "send_again")
    else:
        click(desk.sandbox.slack, "C0GENERAL", desk.sandbox.slack.ephemerals[-1]["ts"], "send_again")
    desk.carry()
    assert rows_of(shown(desk, on_home))[1:] == before[2:]


def shown(desk: Desk, on_home: bool) -> list[dict[str, Any]]:
    slack = desk.sandbox.slack
    found: list[dict[str, Any]] = (slack.homes["U0ALEX"] if on_home else slack.ephemerals[-1])["blocks"]
    return found


@pytest.mark.parametrize("fault", [{"kind": "error", "code": "missing_scope"}, {"kind": "ratelimited"}])
def test_who_cannot_be_shown_the_chats_is_told_to_try_again(desk: Desk, fault: dict[str, Any]) -> None:
    """And sees no longer what was true at another time."""
    home(desk)
    desk.fault(method="users.info", times=2, **fault)
    type_command(desk.sandbox.slack, "C0GENERAL")
    desk.carry()
    assert desk.whispers()[-1] == ("U0ALEX", NOT_SHOWN)
    assert home(desk) == [NOT_SHOWN]


def test_the_answer_to_the_command_has_pages(desk: Desk) -> None:
    for number in range(20):
        desk.sandbox.kommunicate.customer_writes(f"{number + 10}", "hello", name=f"Customer {number}")
        desk.carry()
        desk.run(3)
    type_command(desk.sandbox.slack, "C0GENERAL")
    desk.carry()
    shown = desk.sandbox.slack.ephemerals[-1]
    assert len(rows_of(shown["blocks"])) == 21
    for action, first in (("page-on", "Tom · answered"), ("page", "Priya")):
        click(desk.sandbox.slack, "C0GENERAL", shown["ts"], action)
        assert set(desk.carry()) == {200}
        assert desk.sandbox.slack.ephemerals[-1] is shown
        assert any(row.startswith(first) for row in rows_of(shown["blocks"]))
        assert not shown["gone"]


def test_trouble_that_needs_a_person_is_the_first_sentence(desk: Desk) -> None:
    desk.sandbox.slack.archive("C0VIP")
    desk.sandbox.kommunicate.customer_writes("3", "and now?", name="Tom")
    desk.carry()
    desk.run(10)
    assert home(desk)[0].startswith("Something needs attention:")
    assert "the channel is archived" in home(desk)[0]


def test_who_has_answered_nobody_sees_no_chats(desk: Desk) -> None:
    """They may not even be in those channels."""
    assert len(home(desk, "U0KIM")) == 1


def test_a_guest_sees_no_chats(desk: Desk) -> None:
    desk.sandbox.slack.users["U0KIM"] = replace(desk.sandbox.slack.users["U0KIM"], is_restricted=True)
    assert len(home(desk, "U0KIM")) == 1


def test_whom_the_settings_let_answer_alone_sees_chats(make_desk: Callable[..., Desk]) -> None:
    """An e-mail address in a Slack profile proves nothing: who is known, has been looked up."""
    desk = make_desk(replies={"agents": "known_only"})
    desk.customer("hello")
    assert home(desk, "U0KIM") == ["The chats are shown to people who have answered one."]
    desk.use("take_over")
    desk.carry()
    desk.run(5)
    assert len(home(desk, "U0ALEX")) == 2


def test_five_thousand_open_chats_are_paged(desk: Desk) -> None:
    """Twenty at a time, and back again; each page is quick to make."""
    with desk.store.begin() as tx:
        tx.conn.exec_driver_sql(
            "INSERT INTO conversations (account, group_id, channel, channel_id, thread_ts, opener_sender, since,"
            " created_at, waits_since)"
            " SELECT 'default', 'g' || n, 'C0VIP', 'C0VIP', '9.' || n, 'x', 1, 1, 2000000000 + n"
            " FROM (WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 5000)"
            " SELECT n FROM counted) AS numbers"
        )
    assert home(desk)[0] == "All is well. 5002 customers are waiting."
    assert len(desk.sandbox.slack.homes["U0ALEX"]["blocks"]) <= 45
    for action, value, first in (("page-on", "20", "21 to 40 of 5003"), ("page", "0", "1 to 20 of 5003")):
        use_home(desk.sandbox.slack, action, value)
        desk.carry()
        assert first in json.dumps(desk.sandbox.slack.homes["U0ALEX"])
    with desk.store.read() as tx:
        last = overview(tx, "alex@sandbox.test", offset=5000, limit=20)
    assert (len(last.chats), last.open) == (3, 5003)


def test_a_reply_that_was_not_answered_is_not_said_to_be_unsent(desk: Desk) -> None:
    desk.sandbox.kommunicate.echo = "off"
    desk.fault("reset_after", SEND)
    ts = next(one["ts"] for one in desk.roots() if one["text"].startswith("Jane"))
    desk.sandbox.slack.human_writes("C0SUPPORT", "hi Jane", thread_ts=ts)
    desk.carry()
    desk.run(60)
    assert home(desk)[1] == "May not have reached Jane: Kommunicate did not answer"
    buttons = [block for block in desk.sandbox.slack.homes["U0ALEX"]["blocks"] if block["type"] == "actions"]
    assert buttons[0]["elements"][0]["text"]["text"] == "Send again"
