"""What looks like a note is asked about before it is sent; nothing goes out and nothing overtakes it meanwhile."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from relay.store.conversations.questions import ASKED_FOR
from relay.store.db.tables import received
from tests.replies.desk import Desk
from tests.store.shelf import rows

NOTE = "(note) he has called three times"
KEPT = "Kept internal: it begins like a note, and nobody confirmed that it goes to the customer."


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    """A desk whose customer has written."""
    desk = make_desk()
    desk.customer("hello")
    return desk


def test_its_author_alone_is_asked_and_it_is_sent_when_they_say_so(desk: Desk) -> None:
    """And the question goes away."""
    desk.says(NOTE)
    desk.run(60)
    assert (desk.reached(), len(desk.asked())) == ([], 1)
    assert desk.asked()[0]["user"] == "U0ALEX"
    assert NOTE in desk.asked()[0]["text"]
    desk.answer("send_to_customer")
    desk.run(3)
    assert (desk.reached(), desk.asked(), desk.marks()) == ([NOTE], [], {NOTE: ["sent"]})


def test_it_stays_inside_when_they_say_so(desk: Desk) -> None:
    """It bears the mark of a note, and the thread has no line about it."""
    desk.says(NOTE)
    desk.run(5)
    shown = len(desk.shown())
    desk.answer("keep_inside")
    desk.run(ASKED_FOR + 60)
    assert (desk.reached(), desk.marks(), len(desk.shown())) == ([], {NOTE: ["note"]}, shown)


def test_silence_keeps_it_inside_and_says_so(desk: Desk) -> None:
    """Whoever missed the question finds a line with a button, which sends it and then says that it was sent."""
    desk.says(NOTE)
    desk.run(ASKED_FOR - 5)
    assert (desk.marks(), desk.reached()) == ({NOTE: []}, [])
    desk.run(10)
    assert (desk.marks(), desk.reached()) == ({NOTE: ["note"]}, [])
    line = desk.roots_and_replies()[-1]
    assert KEPT in desk.shown()[-1]
    desk.press(line["ts"], "send_to_customer", user="U0SAM")
    desk.carry()
    desk.run(5)
    assert (desk.marks(), desk.reached()) == ({NOTE: ["sent"]}, [NOTE])
    assert "Sent" in desk.shown()[-1]
    assert "(sam)" in desk.shown()[-1]
    assert "send_to_customer" not in str(desk.roots_and_replies()[-1]["blocks"])


def test_what_comes_after_waits_and_its_author_is_told(desk: Desk) -> None:
    """The order of the thread is kept."""
    desk.says(NOTE)
    desk.agent("and I say hello", user="U0SAM")
    desk.carry()
    desk.run(30)
    assert desk.reached() == []
    assert [who for who, text in desk.whispers() if text.startswith("Your reply waits")] == ["U0SAM"]
    assert desk.marks() == {NOTE: [], "and I say hello": ["pending"]}
    desk.answer("send_to_customer")
    desk.run(10)
    assert desk.reached() == [NOTE, "and I say hello"]


def test_those_behind_it_go_on_when_it_stays_inside(desk: Desk) -> None:
    """And nobody is told twice that they wait."""
    desk.says(NOTE, "one", "two")
    desk.run(60)
    desk.answer("keep_inside")
    desk.run(10)
    assert desk.reached() == ["one", "two"]
    assert len([text for _, text in desk.whispers() if text.startswith("Your reply waits")]) == 2


def test_a_question_holds_up_no_button(desk: Desk) -> None:
    """The chat is taken over while somebody is asked."""
    desk.says(NOTE)
    desk.run(5)
    desk.use("take_over", user="U0SAM")
    desk.carry()
    desk.run(5)
    assert "with sam" in desk.roots()[-1]["text"]
    assert len(desk.asked()) == 1


def test_an_edit_may_make_it_a_reply_or_a_note(desk: Desk) -> None:
    """What it says now counts, and with that what is to be asked."""
    first, second = desk.agent(NOTE), desk.agent("internal he is right")
    desk.carry()
    desk.run(5)
    desk.sandbox.slack.human_edits("C0SUPPORT", first.ts, "You have called three times.")
    desk.sandbox.slack.human_edits("C0SUPPORT", second.ts, "note: he is right")
    desk.carry()
    desk.run(5)
    assert desk.reached() == ["You have called three times."]
    assert desk.marks() == {"You have called three times.": ["sent"], "note: he is right": ["note"]}


def test_an_edit_in_time_may_raise_the_question(desk: Desk) -> None:
    """Before it went out, it became what looks like a note."""
    message = desk.agent("he has called three times")
    desk.carry()
    desk.sandbox.slack.human_edits("C0SUPPORT", message.ts, NOTE)
    desk.carry()
    desk.run(60)
    assert (desk.reached(), len(desk.asked())) == ([], 1)


def test_an_edit_that_comes_first_raises_it_too(desk: Desk) -> None:
    """Slack keeps no order."""
    message = desk.agent("he has called three times")
    desk.sandbox.slack.human_edits("C0SUPPORT", message.ts, NOTE)
    desk.carry(*desk.mail[::-1])
    desk.run(60)
    assert (desk.reached(), len(desk.asked())) == ([], 1)


def test_what_was_deleted_meanwhile_is_not_sent(desk: Desk) -> None:
    """Whoever presses all the same learns why."""
    message = desk.agent(NOTE)
    desk.carry()
    desk.run(5)
    desk.sandbox.slack.human_deletes("C0SUPPORT", message.ts)
    desk.carry()
    desk.run(5)
    desk.answer("send_to_customer")
    desk.run(5)
    assert desk.reached() == []
    assert "Deleted before it was sent" in desk.whispers()[-1][1]


def test_two_presses_send_it_once(desk: Desk) -> None:
    """The second learns what came of the first."""
    desk.says(NOTE)
    desk.run(5)
    ts = desk.asked()[0]["ts"]
    desk.press(ts, "send_to_customer")
    desk.press(ts, "keep_inside")
    desk.carry()
    desk.run(5)
    assert (desk.reached(), desk.marks()) == ([NOTE], {NOTE: ["sent"]})
    assert "nothing is left to do" in desk.whispers()[-1][1]


def test_who_cannot_be_asked_finds_a_line(desk: Desk) -> None:
    """Slack does not show it to them: it stays inside, and the thread says so."""
    desk.fault("error", "chat.postEphemeral", code="user_not_in_channel")
    desk.says(NOTE)
    desk.run(5)
    assert (desk.reached(), desk.marks()) == ([], {NOTE: ["note"]})
    assert KEPT in desk.shown()[-1]


@pytest.mark.parametrize("text", [">> (note) it is", ">> @sam, hello"])
def test_the_sign_in_front_spares_the_question(desk: Desk, text: str) -> None:
    """Whoever writes it has been asked by themselves."""
    desk.says(text)
    desk.run(10)
    assert (desk.reached(), desk.asked()) == ([text.removeprefix(">> ")], [])


def test_it_can_be_switched_off(make_desk: Callable[..., Desk]) -> None:
    """Then only what is a note stays inside."""
    desk = make_desk(replies={"ask": False})
    desk.customer("hello")
    desk.says(NOTE)
    desk.run(10)
    assert (desk.reached(), desk.asked()) == ([NOTE], [])


def test_a_colleagues_name_in_front_is_asked_about_and_the_customers_is_not(desk: Desk) -> None:
    """Sam is known, because he has written; Jane is whom the chat is with."""
    desk.agent("hello from me", user="U0SAM")
    desk.carry()
    desk.run(10)
    desk.says("Hi Jane, all is well.", "Sam, is that so?")
    desk.run(10)
    assert desk.reached() == ["hello from me", "Hi Jane, all is well."]
    assert "It speaks to a colleague" in desk.asked()[0]["text"]


def test_what_is_stored_of_a_press_cannot_be_used_to_answer(desk: Desk) -> None:
    """The address that came with it is a key, and is not kept."""
    desk.says(NOTE)
    desk.run(5)
    desk.answer("send_to_customer")
    bodies = [row.body for row in rows(desk.store, received) if row.kind == "click"]
    assert len(bodies) == 1
    assert b"response_url" not in bodies[0]
    assert b"trigger_id" not in bodies[0]


def test_an_answer_in_time_counts_however_late_it_is_heard(desk: Desk) -> None:
    """Nothing could be done for a while; what was written first goes first."""
    desk.says(NOTE, "and another thing")
    desk.run(60)
    desk.answer("send_to_customer")
    desk.clock.advance(ASKED_FOR)
    desk.run(10)
    assert desk.reached() == [NOTE, "and another thing"]
    assert KEPT not in str(desk.shown())


def test_a_rate_limit_is_waited_for_and_then_its_author_is_asked(desk: Desk) -> None:
    """Meanwhile nothing overtakes it, what was written before it goes out, and buttons work."""
    desk.fault("ratelimited", "chat.postEphemeral", retry_after="30")
    desk.says("hello", NOTE, "and another thing")
    desk.use("take_over")
    desk.carry()
    desk.run(20)
    assert (desk.reached(), desk.whispers()) == (["hello"], [])
    assert "with alex" in desk.roots()[-1]["text"]
    desk.run(20)
    assert (len(desk.asked()), len([text for _, text in desk.whispers() if text.startswith("Your reply waits")])) == (
        1,
        1,
    )
    first, again, *_ = desk.times("chat.postEphemeral")
    assert again - first >= 30
    desk.answer("send_to_customer")
    desk.run(10)
    assert desk.reached() == ["hello", NOTE, "and another thing"]
    assert KEPT not in str(desk.shown())


@pytest.mark.parametrize(("seconds", "times"), [("3600", 1), ("50", None)])
def test_who_cannot_be_asked_for_long_because_of_a_limit_finds_a_line(
    desk: Desk, seconds: str, times: int | None
) -> None:
    desk.fault("ratelimited", "chat.postEphemeral", retry_after=seconds, times=times)
    desk.says(NOTE)
    desk.run(10 if times else ASKED_FOR + 120)
    assert (desk.reached(), desk.marks(), desk.asked()) == ([], {NOTE: ["note"]}, [])
    assert KEPT in desk.shown()[-1]
