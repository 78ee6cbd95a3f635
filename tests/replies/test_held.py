"""What an agent writes before the thread is known, and takes back or changes, in whatever order Slack brings it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from relay.delivery.forgetting import forget_old
from relay.sandbox.slack.board import Message
from relay.sandbox.slack.sharing import human_deletes_file
from tests.replies.desk import Desk
from tests.statements import listed
from tests.store.shelf import rows

GROUP, CHANNEL = "999", "C0VIP"


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    """A second conversation, whose card stands in Slack although the relay does not know: its answer was lost."""
    desk = make_desk(channels={"123456": "C0SUPPORT", GROUP: CHANNEL})
    desk.customer("m1")
    desk.sandbox.kommunicate.open_conversation(GROUP, "Joe")
    desk.fault("reset_after", channel=CHANNEL)
    desk.write("m2 hello", group=GROUP)
    desk.run(0.5)
    return desk


def writes(desk: Desk, text: str) -> Message:
    """An agent writes under that card; the event is in the mail."""
    root = next(one["ts"] for one in desk.roots() if one["channel"] == CHANNEL)
    return desk.sandbox.slack.human_writes(CHANNEL, text, user="U0ALEX", thread_ts=root)


def reached(desk: Desk) -> list[str]:
    """What the customer was sent."""
    return [line.text for line in desk.sandbox.kommunicate.conversation(GROUP).lines if line.source == 4]


def held(desk: Desk) -> list[str]:
    return [row.kind for row in rows(desk.store, "received", outcome="held")]


def test_it_is_sent_as_soon_as_the_thread_is_known(desk: Desk) -> None:
    """Not at the next round of chores."""
    writes(desk, "quick")
    desk.carry()
    assert held(desk) == ["message"]
    desk.run(20)
    assert (reached(desk), held(desk)) == (["quick"], [])
    assert desk.marks() == {"quick": ["sent"]}


def test_it_is_kept_for_as_long_as_it_is_held(desk: Desk) -> None:
    """However short `retention` is, and however long its channel takes no card."""
    writes(desk, "quick")
    desk.carry()
    forget_old(desk.store, -1.0)
    desk.run(20)
    assert reached(desk) == ["quick"]


def test_what_was_deleted_meanwhile_never_reaches_the_customer(desk: Desk) -> None:
    """The secret price list."""
    message = writes(desk, "our secret price list")
    desk.carry()
    desk.sandbox.slack.human_deletes(CHANNEL, message.ts)
    assert set(desk.carry()) == {200}
    writes(desk, "hello")
    desk.carry()
    desk.run(60)
    assert reached(desk) == ["hello"]


def test_a_file_that_was_deleted_meanwhile_is_not_sent(desk: Desk) -> None:
    """The words are."""
    root, file = desk.roots()[-1]["ts"], desk.sandbox.slack.cabinet.put("prices.pdf")
    desk.sandbox.slack.human_writes(CHANNEL, "our prices", thread_ts=root, files=[file])
    desk.carry()
    human_deletes_file(desk.sandbox.slack, file.id, user="U0ALEX")
    assert set(desk.carry()) == {200}
    assert held(desk) == ["message", "edit"]
    desk.run(60)
    assert (reached(desk), held(desk)) == (["our prices"], [])


@pytest.mark.parametrize("order", [1, -1], ids=["in order", "the other way round"])
def test_what_was_changed_meanwhile_is_sent_as_it_reads_now(desk: Desk, order: int) -> None:
    """Of two changes the later counts, whichever comes first; also one that makes a note of it."""
    message = writes(desk, "10000 euros")
    desk.carry()
    for text in ("1000 euros", "10 euros"):
        desk.run(0.4)
        desk.sandbox.slack.human_edits(CHANNEL, message.ts, text)
    note = writes(desk, "for the customer")
    desk.carry(*[item for item in desk.mail if b"message_changed" not in item.body])
    desk.sandbox.slack.human_edits(CHANNEL, note.ts, "note: not for the customer")
    changes = [item for item in desk.mail if b"message_changed" in item.body][::order]
    assert set(desk.carry(*changes)) == {200}
    desk.run(60)
    assert reached(desk) == ["10 euros"]
    assert desk.marks()["note: not for the customer"] == ["note"]


@pytest.mark.parametrize("thread", ["known", "not known yet"])
@pytest.mark.parametrize("gone", [True, False])
def test_a_change_that_comes_before_its_message_counts(desk: Desk, thread: str, gone: bool) -> None:
    """Slack keeps no order, and repeats for minutes what could not be brought."""
    if thread == "known":
        desk.run(30)
    desk.mail.clear()
    message = writes(desk, "too much")
    (said,) = desk.mail
    desk.mail.clear()
    if gone:
        desk.sandbox.slack.human_deletes(CHANNEL, message.ts)
    else:
        desk.sandbox.slack.human_edits(CHANNEL, message.ts, "enough")
    assert set(desk.carry()) == {200}
    assert set(desk.carry(said)) == {200}
    desk.run(60)
    assert (reached(desk), held(desk)) == ([] if gone else ["enough"], [])


def test_a_change_of_a_message_that_never_comes_is_forgotten(desk: Desk) -> None:
    """Slack tries for minutes only."""
    desk.run(30)
    message = writes(desk, "too much")
    desk.mail.clear()
    desk.sandbox.slack.human_edits(CHANNEL, message.ts, "enough")
    desk.carry()
    desk.chores()
    assert held(desk) == ["edit"]
    desk.clock.advance(3700)
    desk.chores()
    assert held(desk) == []


def test_what_waits_in_vain_is_ignored_and_not_read_again(desk: Desk) -> None:
    """Somebody wrote in a thread of their own while a card was on its way."""
    mine = desk.sandbox.slack.human_writes(CHANNEL, "lunch?")
    desk.sandbox.slack.human_writes(CHANNEL, "yes", thread_ts=mine.ts)
    desk.carry()
    assert held(desk) == ["message"]
    desk.chores()
    assert held(desk) == ["message"], "the card may be the one it belongs to"
    desk.run(60)
    desk.chores()
    assert (held(desk), reached(desk)) == ([], [])


def test_one_whose_content_is_gone_stops_no_chores(desk: Desk) -> None:
    """The others are adopted all the same; nothing of its kind is looked at a second time."""
    writes(desk, "gone")
    writes(desk, "quick")
    desk.carry()
    with desk.store.begin() as tx:
        tx.conn.exec_driver_sql("UPDATE received SET body = NULL WHERE outcome = 'held' AND id = 3")
    assert [row.body is None for row in rows(desk.store, "received", outcome="held")] == [True, False]
    desk.run(60)
    desk.chores()
    assert (reached(desk), held(desk)) == (["quick"], [])


def test_what_release_0_1_held_is_adopted_too(desk: Desk) -> None:
    """It did not write down where it was written."""
    writes(desk, "quick")
    desk.carry()
    with desk.store.begin() as tx:
        tx.conn.exec_driver_sql("UPDATE received SET thread_channel = NULL, thread_ts = NULL")
    desk.chores()
    assert held(desk) == ["message"]
    desk.run(60)
    assert (reached(desk), held(desk)) == (["quick"], [])


def test_chores_read_nothing_that_waits_for_a_card_on_its_way(desk: Desk) -> None:
    """However many wait, and however long."""
    for number in range(5):
        writes(desk, f"quick {number}")
    desk.carry()
    with listed(desk.store.engine) as read:
        desk.chores()
    updates = [one for one in read if one.startswith("UPDATE received SET outcome")]
    assert len(updates) <= 1
    assert held(desk) == ["message"] * 5
