"""What agents write in forms: saved replies, and a correction in their own words for what they took back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from relay.delivery.at_once import NOT_SHOWN
from relay.sandbox.slack.interactions import choose, submit, use_shortcut
from relay.slack.forms import MAX_WORDS
from relay.store.db.tables import received
from tests.replies.desk import GROUP, Desk
from tests.store.shelf import rows

SAVED = {
    "Refund": "Your money is on its way.",
    "Hours": {"text": "When suits you?", "suggestions": ["Morning", "Evening"]},
    "Help": {"text": "See here:", "buttons": {"Help pages": "https://help.example.com/a?b=1"}},
    "Map": {"text": "Here we are.", "picture": "https://www.example.com/map.png"},
}


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    """A desk with saved replies, whose customer has written."""
    desk = make_desk(saved_replies=SAVED)
    desk.customer("hello")
    return desk


def opened(desk: Desk) -> dict[str, Any]:
    """The form that is open."""
    (view,) = [one for one in desk.sandbox.slack.views if not one.get("closed")]
    return view


def open_saved(desk: Desk, ts: str | None = None, user: str = "U0SAM") -> None:
    use_shortcut(desk.sandbox.slack, "C0SUPPORT", ts or desk.thread, "saved_replies", user=user)
    assert set(desk.carry()) == {200}


def send_off(desk: Desk, name: str, text: str | None = None, user: str = "U0SAM") -> None:
    """Choose a saved reply, perhaps change its words, and send it."""
    choose(desk.sandbox.slack, opened(desk)["id"], "choose", name, user=user)
    assert set(desk.carry()) == {200}
    submit(desk.sandbox.slack, opened(desk)["id"], {} if text is None else {"words": text}, user=user)
    assert set(desk.carry()) == {200}


def in_form(desk: Desk) -> str | None:
    """The words that stand in the form's field."""
    fields = [block["element"] for block in opened(desk)["blocks"] if block["type"] == "input"]
    return fields[0].get("initial_value") if fields else None


def metadata(desk: Desk) -> dict[str, str]:
    return desk.sandbox.kommunicate.conversation(GROUP).lines[-1].metadata


@pytest.mark.parametrize("code", ["expired_trigger_id", "ratelimited", "internal_error"])
def test_who_clicked_is_told_that_a_form_did_not_open(desk: Desk, code: str) -> None:
    """Slack opens none more than three seconds after the click, for instance."""
    desk.sandbox.faults.add("views.open", "error", code=code)
    open_saved(desk)
    assert desk.sandbox.slack.views == []
    assert desk.whispers() == [("U0SAM", NOT_SHOWN)]


def test_a_saved_reply_is_chosen_changed_and_sent(desk: Desk) -> None:
    """Once; the thread shows who wrote it and what, because nobody sees it there else."""
    open_saved(desk)
    assert in_form(desk) is None
    choose(desk.sandbox.slack, opened(desk)["id"], "choose", "Hours", user="U0SAM")
    desk.carry()
    assert in_form(desk) == "When suits you?"
    send_off(desk, "Refund", "Your money is on its way, Jane.")
    desk.run(10)
    assert desk.reached() == ["Your money is on its way, Jane."]
    line = desk.shown()[-1]
    assert "U0SAM" in str(desk.roots_and_replies()[-1]["blocks"])
    assert "Your money is on its way, Jane." in line
    assert "Sent" in line
    assert len([one for one in desk.shown() if "money" in one]) == 1, "its echo is not shown besides"
    assert desk.marks() == {}


@pytest.mark.parametrize(
    ("name", "template", "payload"),
    [
        ("Hours", "6", [{"title": "Morning", "message": "Morning"}, {"title": "Evening", "message": "Evening"}]),
        ("Help", "3", [{"type": "link", "name": "Help pages", "url": "https://help.example.com/a?b=1"}]),
        ("Map", "9", [{"url": "https://www.example.com/map.png"}]),
    ],
)
def test_it_may_bring_suggestions_links_or_a_picture(desk: Desk, name: str, template: str, payload: object) -> None:
    """As Kommunicate's rich messages, whose metadata is text throughout."""
    open_saved(desk)
    send_off(desk, name)
    desk.run(10)
    told = metadata(desk)
    assert (told["contentType"], told["templateId"]) == ("300", template)
    assert json.loads(told["payload"]) == payload
    assert desk.reached() == [SAVED[name]["text"]]  # type: ignore[index]


def test_it_can_be_opened_on_any_message_of_the_thread(desk: Desk) -> None:
    """It is the thread's all the same."""
    post = next(one for one in desk.roots_and_replies() if one["thread_ts"])
    open_saved(desk, post["ts"])
    send_off(desk, "Refund")
    desk.run(10)
    assert desk.reached() == ["Your money is on its way."]


def test_elsewhere_and_without_any_there_is_no_form(desk: Desk, make_desk: Callable[..., Desk]) -> None:
    """Whoever tries is told why."""
    message = desk.sandbox.slack.human_writes("C0SUPPORT", "lunch?")
    desk.carry()
    open_saved(desk, message.ts)
    assert desk.sandbox.slack.views == []
    assert "not in a customer's thread" in desk.whispers()[-1][1]


def test_without_saved_replies_it_says_where_they_belong(make_desk: Callable[..., Desk]) -> None:
    """The shortcut is there all the same."""
    desk = make_desk()
    desk.customer("hello")
    open_saved(desk)
    assert "saved_replies" in desk.whispers()[-1][1]


@pytest.mark.parametrize("text", ["   ", "\n"])
def test_nothing_is_not_sent(desk: Desk, text: str) -> None:
    """The form stays open and says what is missing."""
    open_saved(desk)
    choose(desk.sandbox.slack, opened(desk)["id"], "choose", "Refund", user="U0SAM")
    desk.carry()
    submit(desk.sandbox.slack, opened(desk)["id"], {"words": text}, user="U0SAM")
    item = desk.mail.pop()
    response = desk.client.post("/slack/interactions", data=item.body, headers=dict(item.headers))
    assert response.json["response_action"] == "errors"
    desk.run(10)
    assert desk.reached() == []


def test_what_is_sent_off_twice_reaches_the_customer_once(desk: Desk) -> None:
    """Slack may repeat what it could not bring."""
    open_saved(desk)
    choose(desk.sandbox.slack, opened(desk)["id"], "choose", "Refund", user="U0SAM")
    desk.carry()
    submit(desk.sandbox.slack, opened(desk)["id"], {}, user="U0SAM")
    item = desk.mail.pop()
    assert desk.carry(item, item) == [200, 200]
    desk.run(10)
    assert desk.reached() == ["Your money is on its way."]
    assert len([row for row in rows(desk.store, received) if row.kind == "form"]) == 1


def test_what_is_refused_says_so_and_can_be_tried_again(desk: Desk) -> None:
    """By the line that shows it."""
    desk.fault("error", "/rest/ws/message/v2/send", code="INVALID_PARAMETER")
    open_saved(desk)
    send_off(desk, "Refund")
    desk.run(20)
    assert "Not sent to the customer" in desk.shown()[-1]
    desk.press(desk.roots_and_replies()[-1]["ts"], "send_again")
    desk.carry()
    desk.run(10)
    assert desk.reached() == ["Your money is on its way."]
    assert "Not sent" not in desk.shown()[-1]


def test_signs_of_slack_are_plain_words_in_a_form(desk: Desk) -> None:
    """What is typed there is typed."""
    open_saved(desk)
    send_off(desk, "Refund", "a < b & <@U0ALEX> *c*")
    desk.run(10)
    assert desk.reached() == ["a < b & <@U0ALEX> *c*"]


def test_the_longest_words_fit(desk: Desk) -> None:
    """In the form, and in the line that shows them."""
    open_saved(desk)
    send_off(desk, "Refund", "x" * MAX_WORDS)
    desk.run(10)
    assert [len(one) for one in desk.reached()] == [MAX_WORDS]
    assert "Sent" in desk.shown()[-1]


def test_what_was_taken_back_is_corrected_in_ones_own_words(desk: Desk) -> None:
    """The line about it says that, and who did it; a second press offers nothing."""
    message = desk.agent("at 5 pm")
    desk.carry()
    desk.run(10)
    desk.sandbox.slack.human_deletes("C0SUPPORT", message.ts)
    desk.carry()
    desk.run(5)
    line = desk.roots_and_replies()[-1]
    assert "Deleted after it was sent" in desk.shown()[-1]
    assert "\u201cat 5 pm\u201d" in desk.shown()[-1]
    desk.press(line["ts"], "tell_customer", user="U0SAM")
    desk.carry()
    submit(desk.sandbox.slack, opened(desk)["id"], {"words": "Please forget my last words."}, user="U0SAM")
    desk.carry()
    desk.run(10)
    assert desk.reached() == ["at 5 pm", "Please forget my last words."]
    assert desk.roots_and_replies()[-1]["ts"] == line["ts"]
    assert desk.shown()[-1].startswith("\u2022 Correction: sent")
    assert "tell_customer" not in str(desk.roots_and_replies()[-1]["blocks"])


def test_a_form_of_another_app_is_ignored(desk: Desk) -> None:
    """Its answer is 200, because that is all Slack wants to hear."""
    open_saved(desk)
    opened(desk)["private_metadata"] = "{}"
    submit(desk.sandbox.slack, opened(desk)["id"], {}, user="U0SAM")
    assert set(desk.carry()) == {200}
    desk.run(5)
    assert desk.reached() == []
