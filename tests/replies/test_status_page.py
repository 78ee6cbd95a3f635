"""What the status page shows of agents' messages is what stands in Slack now."""

from __future__ import annotations

import re
from pathlib import Path
from types import MappingProxyType

import pytest
from flask.testing import FlaskClient

from relay.doctor import channels
from relay.sandbox import SandboxServer
from relay.sandbox.slack.sharing import human_deletes_file
from relay.store.db.engine import Store
from relay.store.queue.closing import close_for_operator
from relay.vocabulary import GateScope
from relay.web.status.words import CHANGED, DELETED, EDITED, FILE_DELETED, GONE
from relay.wiring import build_setup
from tests.harness import FakeClock
from tests.replies.desk import Desk
from tests.replies.test_changes import edit, sent
from tests.replies.test_moves import move
from tests.web.status.conftest import PASSWORD, sign_in, token_in
from tests.web.status.test_views import words


class Watched(Desk):
    """A desk whose status page is open."""

    changes = MappingProxyType({"admin_password": PASSWORD})


@pytest.fixture
def desk(store: Store, server: SandboxServer, clock: FakeClock) -> Watched:
    """One where a customer has written."""
    desk = Watched(store, server, clock)
    assert sign_in(desk.client).status_code == 303
    desk.customer("m1 my mug is broken")
    return desk


def found(page: FlaskClient, words: str) -> bool:
    return 'data-key="c1"' in page.get("/conversations", query_string={"q": words, "in": "text"}).text


def test_what_an_agent_deleted_is_neither_shown_nor_found(desk: Watched) -> None:
    ts = sent(desk, "canary words")
    edit(desk, ts, "canary once more")
    assert found(desk.client, "canary")
    desk.sandbox.slack.human_deletes("C0SUPPORT", ts)
    desk.carry()
    page = desk.client
    assert "canary" not in page.get("/conversations").text
    shown = page.get("/conversations/1").text
    assert "canary" not in shown
    assert (shown.count(GONE), shown.count(DELETED)) == (2, 1)
    assert not found(page, "canary")
    assert found(page, "mug")


def test_that_an_agent_deleted_a_file_is_shown_with_the_words_that_stay(desk: Watched) -> None:
    file = desk.sandbox.slack.cabinet.put("bill.pdf")
    desk.agent("canary words", files=[file])
    desk.carry()
    human_deletes_file(desk.sandbox.slack, file.id, user="U0ALEX")
    desk.carry()
    shown = desk.client.get("/conversations/1").text
    assert (shown.count(FILE_DELETED), shown.count("canary words"), shown.count(EDITED)) == (1, 1, 0)


def test_of_what_an_agent_edited_the_newest_is_shown_and_found(desk: Watched) -> None:
    edit(desk, sent(desk, "canary one"), "canary two", "words three")
    page = desk.client
    shown = page.get("/conversations/1").text
    assert "canary" not in shown
    assert "words three" in shown
    assert (shown.count(CHANGED), shown.count(EDITED)) == (2, 1)
    assert (found(page, "canary"), found(page, "three")) == (False, True)


def test_other_messages_stay(desk: Watched) -> None:
    edit(desk, sent(desk, "first"), "changed")
    sent(desk, "second")
    assert "second" in desk.client.get("/conversations/1").text


@pytest.mark.parametrize(("kind", "may_have"), [("error", 0), ("reset_after", 1)])
def test_only_a_reply_that_was_not_answered_may_have_arrived(desk: Watched, kind: str, may_have: int) -> None:
    desk.sandbox.kommunicate.echo = "off"
    desk.fault(kind, "/rest/ws/message/v2/send", **({"code": "INVALID_PARAMETER"} if kind == "error" else {}))
    desk.says("hello")
    desk.run(60)
    shown = desk.client.get("/dead-letters").text
    assert (shown.count("Send again"), shown.count(">may have arrived<")) == (1, may_have)
    tried = desk.client.get("/conversations/1").text
    assert (tried.count(">refused<"), tried.count(">not answered<")) == (1 - may_have, may_have)
    (letter,) = re.findall(r'action="(/dead-letters/[0-9]+/replay)"', shown)
    said = desk.client.post(letter, data={"token": token_in(desk.client.get("/dead-letters"))}, follow_redirects=True)
    assert ("the customer may get it twice" in said.text, "cannot be shown twice" in said.text) == (
        bool(may_have),
        not may_have,
    )


def test_a_click_is_told_by_its_label_and_what_it_chose(desk: Watched) -> None:
    desk.press(desk.thread, "assign", value="U0KIM")
    desk.carry()
    desk.run(20)
    shown = words(desk.client, "/conversations/1")
    assert "Pressed Assign to." in shown
    assert ", by alex , to kim" in shown
    assert 'class="cause"' not in desk.client.get("/conversations/1").text


BY_NAME = {"alerts": {"channel": "#ops"}, "routes": [{"name": "v", "when": {"group_id": "9"}, "channel": "#vip"}]}


def test_a_channel_whose_name_only_alerts_or_a_move_use_is_one_row(
    store: Store, server: SandboxServer, clock: FakeClock
) -> None:
    """Also of a process that has posted there itself no alert, and moved no chat: its doctor has asked."""
    desk = Watched(store, server, clock, **BY_NAME)
    sign_in(desk.client)
    desk.customer("m1")
    move(desk, "#vip")
    with store.begin() as tx:
        close_for_operator(tx, GateScope.CHANNEL, "C0SUPPORT", cause="is archived", code="is_archived")
    desk.chores()
    assert shown_channels(desk) == ["C0GENERAL", "C0OPS", "C0SUPPORT", "C0VIP"]
    relay = Watched.assemble(desk, {"channels": {"123456": "C0SUPPORT"}, **BY_NAME})
    sign_in(desk.client)
    assert len(shown_channels(desk)) == 6
    setup = build_setup(relay.settings, store, {}, Path(), clock, channel_ids=relay.channel_ids)
    assert list(channels.look(setup)) == []
    assert shown_channels(desk) == ["C0GENERAL", "C0OPS", "C0SUPPORT", "C0VIP"]


def shown_channels(desk: Watched) -> list[str]:
    return sorted(re.findall(r'<li data-key="([^"]+)"', desk.client.get("/channels").text))
