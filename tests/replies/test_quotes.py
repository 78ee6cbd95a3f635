"""A message that answers to another shows what to: whose words, and a link to them in Slack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update

from relay.sandbox.kommunicate.values import BOT, Person
from relay.store.db.tables import received
from tests.replies.desk import Desk
from tests.replies.test_withdrawn import SECRET, assert_forgotten, say, send, withdraw
from tests.store.shelf import rows

ANSWER = {"message": "that one", "metadata": {"AL_REPLY": "5-k1"}}


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    """A desk where somebody has asked something."""
    desk = make_desk()
    say(desk, "which\nof <!channel> them?", "5-k1", **{"from": "helper"})
    return desk


def blocks(desk: Desk) -> list[dict[str, Any]]:
    """Of the last post."""
    found: list[dict[str, Any]] = desk.roots_and_replies()[-1]["blocks"]
    return found


def quotes(desk: Desk) -> list[list[dict[str, Any]]]:
    """The elements of what is quoted in the last post."""
    found = [block["elements"] for block in blocks(desk) if block["type"] == "context"]
    return [elements for elements in found if elements[0]["text"].startswith("In reply")]


def quoted(desk: Desk) -> list[str]:
    return [elements[0]["text"] for elements in quotes(desk)]


def test_the_first_words_and_a_link(desk: Desk) -> None:
    asked = desk.roots_and_replies()[-1]["ts"]
    send(desk, "5-k2", ANSWER)
    desk.run(3)
    ((said, link),) = quotes(desk)
    assert said == {"type": "plain_text", "text": "In reply to helper: “which of <!channel> them?”", "emoji": False}
    assert f"p{asked.replace('.', '')}" in link["text"]
    assert [block["type"] for block in blocks(desk)] == ["context", "context", "rich_text"], "name, quote, words"


def test_an_agents_reply_that_was_written_in_slack(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(replies={"undo_seconds": 0})
    desk.customer("m1 hello")
    desk.says("r1 blue or red?")
    desk.run(10)
    desk.carry()
    written = next(one for one in desk.sandbox.slack.messages if one.text == "r1 blue or red?")
    (reply,) = rows(desk.store, "sends", kind="reply")
    desk.webhook("jane", message="blue", metadata={"AL_REPLY": f"5-{reply.ts}"})
    ((said, link),) = quotes(desk)
    assert said["text"].endswith(": “r1 blue or red?”")
    assert f"p{written.ts.replace('.', '')}" in link["text"]


@pytest.mark.parametrize("key", ["5-nobody", "", None, 7, {"a": 1}, ["5-k1"], "x" * 1000, "a\x00b", "\ud800"])
def test_what_nobody_knows_breaks_nothing(desk: Desk, key: Any) -> None:
    say(desk, "that one", "5-k2", metadata={"AL_REPLY": key})
    assert quotes(desk) == []
    assert "that one" in str(blocks(desk))


def test_what_stands_in_another_chat_is_not_quoted(desk: Desk) -> None:
    send(desk, "5-k2", {**ANSWER, "groupId": 999})
    desk.run(5)
    with desk.store.begin() as tx:
        tx.conn.execute(update(received).where(received.c.key == "k2").values(conversation_id=1))
    say(desk, "that", "5-k3", metadata={"AL_REPLY": "5-k2"}, groupId=999)
    assert quotes(desk) == []


def test_what_waits_beside_it_is_quoted_without_a_link(desk: Desk) -> None:
    send(desk, "5-k2", {"message": "first"})
    send(desk, "5-k3", {"message": "second", "metadata": {"AL_REPLY": "5-k2"}})
    desk.run(5)
    assert [len(elements) for elements in quotes(desk)] == [1]
    assert quoted(desk) == ["In reply to jane: “first”"]


def test_where_slack_has_no_link_the_words_stand_alone(desk: Desk) -> None:
    desk.fault("error", method="chat.getPermalink", times=None, code="message_not_found")
    send(desk, "5-k2", ANSWER)
    desk.run(3)
    assert [len(elements) for elements in quotes(desk)] == [1]


def test_what_is_no_longer_stored_is_named(desk: Desk) -> None:
    with desk.store.begin() as tx:
        tx.conn.execute(update(received).where(received.c.key == "k1").values(body=None))
    send(desk, "5-k2", ANSWER)
    desk.run(3)
    assert quoted(desk) == ["In reply to an earlier message"]


def test_a_file_is_quoted_by_its_name(desk: Desk) -> None:
    say(desk, "", "5-k2", file={"name": "mug.png", "url": "https://files.example/mug.png", "contentType": "image/png"})
    say(desk, "that one", "5-k3", metadata={"AL_REPLY": "5-k2"})
    assert quoted(desk) == ["In reply to jane: “mug.png”"]


def test_a_bots_markup_is_left_out(desk: Desk) -> None:
    desk.sandbox.kommunicate.people["robot"] = Person("robot", "Robot", BOT)
    say(desk, "**Hours**\n\n- `9` to 17\n- [more](https://a.example/h)", "5-k2", **{"from": "robot"})
    say(desk, "that one", "5-k3", metadata={"AL_REPLY": "5-k2"})
    assert quoted(desk) == ["In reply to Robot: “Hours 9 to 17 more (https://a.example/h)”"]


def test_long_words_are_shortened(desk: Desk) -> None:
    say(desk, "word " * 500, "5-k2")
    say(desk, "that one", "5-k3", metadata={"AL_REPLY": "5-k2"})
    assert len(quoted(desk)[0]) < 200


def test_in_plain_text_too(desk: Desk) -> None:
    desk.fault("error", code="invalid_blocks")
    send(desk, "5-k2", ANSWER)
    desk.run(30)
    lines = desk.roots_and_replies()[-1]["text"].splitlines()
    assert "&gt; In reply to helper: “which of &lt;!channel&gt; them?”" in lines


def test_what_was_withdrawn_is_not_quoted(desk: Desk) -> None:
    say(desk, SECRET, "5-k2")
    withdraw(desk, "5-k2")
    say(desk, "that one", "5-k3", metadata={"AL_REPLY": "5-k2"})
    assert quoted(desk) == ["In reply to a message that was withdrawn"]


def test_what_is_withdrawn_later_is_quoted_no_more(desk: Desk) -> None:
    say(desk, SECRET, "5-k2")
    say(desk, "that one", "5-k3", metadata={"AL_REPLY": "5-k2"})
    assert "s3cr3t" in quoted(desk)[0]
    withdraw(desk, "5-k2")
    desk.run(10)
    assert quoted(desk) == ["In reply to a message that was withdrawn"]
    assert "that one" in str(blocks(desk))
    assert_forgotten(desk)
