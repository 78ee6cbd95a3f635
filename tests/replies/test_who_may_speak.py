"""S17: in Slack only active members of the app's own workspace speak to customers and press buttons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from relay.routing.speaking import GUEST, NO_PERSON, OUTSIDER, STRANGER
from relay.sandbox.slack.interactions import use_shortcut
from relay.sandbox.slack.values import TEAM_ID, User
from relay.store.db.tables import deliveries
from tests.harness import words
from tests.replies.desk import GROUP, Desk
from tests.store.shelf import rows

WHO = User("U0WHO", "who", "Who Ever", "who@team.test")
OPEN: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "guests too": {"guests": True},
    "other workspaces too": {"other_workspaces": True},
    "known ones only": {"agents": "known_only"},
}
# Who it is, and why they may not speak, by what the settings allow: as it comes, guests, others, known ones only.
PEOPLE: dict[str, tuple[User, tuple[str | None, ...]]] = {
    "a member": (WHO, (None, None, None, STRANGER)),
    "a member whom Kommunicate knows": (replace(WHO, email="sam@sandbox.test"), (None, None, None, None)),
    "a guest": (replace(WHO, is_restricted=True), (GUEST, None, GUEST, GUEST)),
    "a guest of one channel": (replace(WHO, is_ultra_restricted=True), (GUEST, None, GUEST, GUEST)),
    "somebody of another company": (replace(WHO, team="T0PARTNER"), (OUTSIDER, OUTSIDER, None, OUTSIDER)),
    "one with a colleague's address": (
        replace(WHO, team="T0PARTNER", email="sam@sandbox.test"), (OUTSIDER, OUTSIDER, None, OUTSIDER)),
    "a colleague of another workspace": (
        replace(WHO, team="T0SISTER", teams=(TEAM_ID, "T0SISTER")), (None, None, None, STRANGER)),
    "somebody who has left": (replace(WHO, deleted=True), (NO_PERSON,) * 4),
    "a bot": (replace(WHO, is_bot=True), (NO_PERSON,) * 4),
}  # fmt: skip


@pytest.fixture
def desk_for(make_desk: Callable[..., Desk]) -> Callable[[User, str], Desk]:
    """A desk with one more user of Slack, and with these settings."""

    def made(user: User, settings: str) -> Desk:
        desk = make_desk(replies={"undo_seconds": 0, **OPEN[settings]})
        desk.sandbox.slack.users[user.id] = user
        desk.sandbox.slack.channels["C0SUPPORT"].members.add(user.id)
        desk.customer("m1")
        return desk

    return made


CASES = [
    pytest.param(user, settings, causes[number], id=f"{name}, {settings}")
    for name, (user, causes) in PEOPLE.items()
    for number, settings in enumerate(OPEN)
]


@pytest.mark.parametrize(("user", "settings", "cause"), CASES)
def test_who_may_reply(desk_for: Callable[..., Desk], user: User, settings: str, cause: str | None) -> None:
    desk = desk_for(user, settings)
    desk.agent("Hello!", user=user.id)
    desk.carry()
    desk.run(5)
    told = [sentence for who, sentence in desk.whispers() if who == user.id]
    if cause is None:
        assert [text.rpartition(": ")[2] for text in desk.reached()] == ["Hello!"]
        assert told == []
    else:
        assert desk.reached() == []
        assert told == [f"Not sent to the customer: {cause}."]
        assert "with" not in words(desk.roots()[-1])


OFFERED_AFTER = {"release": "take_over", "reopen": "resolve"}  # by a colleague
STATUS_AFTER = {"resolve": 2, "reopen": 0}


@pytest.mark.parametrize(("user", "settings", "cause"), CASES)
@pytest.mark.parametrize("action", ["take_over", "release", "resolve", "reopen"])
def test_who_may_press(
    desk_for: Callable[..., Desk], user: User, settings: str, cause: str | None, action: str
) -> None:
    desk = desk_for(user, settings)
    if action in OFFERED_AFTER:
        desk.use(OFFERED_AFTER[action])
        desk.carry()
        desk.run(5)
    before, status = words(desk.roots()[-1]), desk.sandbox.kommunicate.conversation(GROUP).status
    desk.use(action, user=user.id)
    desk.carry()
    desk.run(5)
    told = [sentence for who, sentence in desk.whispers() if who == user.id]
    if cause is not None:
        assert len(told) == 1
        assert cause in told[0]
        assert words(desk.roots()[-1]) == before
        assert desk.sandbox.kommunicate.conversation(GROUP).status == status
    elif action in STATUS_AFTER:
        assert desk.sandbox.kommunicate.conversation(GROUP).status == STATUS_AFTER[action]


@pytest.mark.parametrize(("user", "settings", "cause"), CASES)
def test_who_may_edit(desk_for: Callable[..., Desk], user: User, settings: str, cause: str | None) -> None:
    """While it can be changed, and after it was sent: then by the button of the line that tells of it."""
    desk = desk_for(user, settings)
    message = desk.agent("Helo!", user=user.id)
    desk.sandbox.slack.human_edits("C0SUPPORT", message.ts, "Hello!")
    desk.carry()
    desk.run(10)
    assert [text.rpartition(": ")[2] for text in desk.reached()] == ([] if cause else ["Hello!"])


@pytest.mark.parametrize(("user", "settings", "cause"), CASES)
def test_who_may_send_a_colleagues_correction(
    desk_for: Callable[..., Desk], user: User, settings: str, cause: str | None
) -> None:
    desk = desk_for(user, settings)
    message = desk.agent("1000 euros")
    desk.carry()
    desk.run(10)
    desk.sandbox.slack.human_edits("C0SUPPORT", message.ts, "10 euros")
    desk.carry()
    desk.run(10)
    notice = next(one for one in desk.roots_and_replies() if "Edited after it was sent" in words(one))
    desk.press(notice["ts"], "send_correction", user=user.id, value=button(notice))
    desk.carry()
    desk.run(10)
    assert [text.rpartition(": ")[2] for text in desk.reached()] == ["1000 euros", *([] if cause else ["10 euros"])]
    assert [who for who, _ in desk.whispers()] == ([user.id] if cause else [])


@pytest.mark.parametrize(("user", "settings", "cause"), CASES)
def test_who_may_send_a_colleagues_reply_again(
    desk_for: Callable[..., Desk], user: User, settings: str, cause: str | None
) -> None:
    desk = desk_for(user, settings)
    desk.sandbox.faults.add("/rest/ws/message/v2/send", "error", status=400, code="INVALID_PARAMETER")
    desk.says("Hello!")
    desk.run(20)
    notice = next(one for one in desk.roots_and_replies() if "Not sent to the customer" in words(one))
    desk.press(notice["ts"], "send_again", user=user.id, value=button(notice))
    desk.carry()
    desk.run(10)
    assert len(desk.reached()) == (0 if cause else 1)
    assert [who for who, _ in desk.whispers()] == ([user.id] if cause else [])


@pytest.mark.parametrize("who", ["a guest", "somebody of another company", "somebody who has left"])
def test_who_may_not_reply_sends_nobodys_reply_again(desk_for: Callable[..., Desk], who: str) -> None:
    desk = desk_for(PEOPLE[who][0], "as it comes")
    desk.sandbox.faults.add("/rest/ws/message/v2/send", "error", status=400, code="INVALID_PARAMETER")
    desk.says("Hello!")
    desk.run(20)
    assert desk.marks() == {"Hello!": ["failed"]}
    notice = next(one for one in desk.roots_and_replies() if "Not sent to the customer" in words(one))
    for user, reached in ((WHO.id, 0), ("U0ALEX", 1)):
        desk.press(notice["ts"], "send_again", user=user, value=button(notice))
        desk.carry()
        desk.run(10)
        assert len(desk.reached()) == reached
    ((told, sentence),) = desk.whispers()
    assert told == WHO.id
    assert sentence.startswith("Send again: not done, because ")


def test_whoever_sends_a_guests_reply_off_sees_why_it_does_not_go(desk_for: Callable[..., Desk]) -> None:
    """The guest alone was told when it was written."""
    desk = desk_for(replace(WHO, is_restricted=True), "as it comes")
    message = desk.agent("Hello!", user=WHO.id)
    desk.carry()
    desk.run(5)
    use_shortcut(desk.sandbox.slack, "C0SUPPORT", message.ts, "send_to_customer", user="U0ALEX")
    desk.carry()
    desk.run(10)
    assert (desk.reached(), desk.marks()) == ([], {"Hello!": ["failed"]})
    assert [who for who, _ in desk.whispers()] == [WHO.id]
    assert f"Not sent to the customer: {GUEST}." in desk.shown()[-1]


def test_a_button_that_names_a_reply_of_another_thread_does_nothing(desk_for: Callable[..., Desk]) -> None:
    desk = desk_for(WHO, "as it comes")
    desk.sandbox.faults.add("/rest/ws/message/v2/send", "error", status=400, code="INVALID_PARAMETER")
    desk.says("Hello!")
    desk.run(20)
    notice = next(one for one in desk.roots_and_replies() if "Not sent to the customer" in words(one))
    (reply,) = rows(desk.store, "deliveries", lane="replies")
    desk.webhook("jane", message="somebody else", groupId=999)
    with desk.store.begin() as tx:
        elsewhere = update(deliveries).where(deliveries.c.id == reply.id).values(conversation_id=2)
        tx.conn.execute(elsewhere)
    desk.press(notice["ts"], "send_again", value=button(notice))
    desk.carry()
    desk.run(10)
    assert desk.reached() == []
    assert [row.state for row in rows(desk.store, "deliveries", lane="replies")] == ["dead", "ignored"]


def button(notice: dict[str, Any]) -> str:
    (value,) = (one["value"] for block in notice["blocks"] for one in block["elements"] if one["type"] == "button")
    return str(value)


def test_slackbot_is_nobody(desk_for: Callable[..., Desk]) -> None:
    """A reminder in a thread bears neither a bot's id nor a subtype."""
    desk = desk_for(User("USLACKBOT", "slackbot", "Slackbot"), "other workspaces too")
    before = words(desk.roots()[-1])
    desk.agent("Reminder: the wifi password is hunter2", user="USLACKBOT")
    desk.carry()
    desk.run(5)
    assert desk.reached() == []
    assert words(desk.roots()[-1]) == before


@pytest.mark.parametrize("code", ["user_not_found", "user_not_visible"])
@pytest.mark.parametrize("team", ["T0PARTNER", TEAM_ID])
def test_whom_slack_does_not_know_is_no_member(desk_for: Callable[..., Desk], team: str, code: str) -> None:
    """Somebody of another company in a shared channel may be unknown to users.info, whatever the event says."""
    desk = desk_for(replace(WHO, team=team), "as it comes")
    desk.sandbox.faults.add("users.info", "error", code=code, times=9)
    desk.agent("Hello!", user=WHO.id)
    desk.carry()
    desk.run(5)
    assert desk.reached() == []
    assert desk.whispers() == [(WHO.id, f"Not sent to the customer: {OUTSIDER}.")]


def test_nothing_that_is_good_for_a_call_is_stored(desk_for: Callable[..., Desk]) -> None:
    desk = desk_for(WHO, "as it comes")
    desk.agent("Hello!", user=WHO.id)
    desk.use("resolve", user=WHO.id)
    desk.carry()
    with desk.store.read() as tx:
        bodies = b"".join(tx.conn.exec_driver_sql("SELECT body FROM received").scalars())
    assert b"Hello!" in bodies
    for name in (b"response_url", b"trigger_id", b'"token"', b"%22token%22"):
        assert name not in bodies
