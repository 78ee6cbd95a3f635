"""Notes stay inside; an edit or a deletion counts as long as the reply has not set out."""

from __future__ import annotations

import pytest

from tests.replies.desk import Desk


@pytest.mark.parametrize("text", ["note: he is angry", "Note: same", "<@U0SAM> can you look?", "see <#C0VIP|vip>"])
def test_a_note_stays_inside_and_bears_its_mark(desk: Desk, text: str) -> None:
    desk.agent(text, raw=True)
    desk.carry()
    desk.run(20)
    assert desk.reached() == []
    assert desk.marks() == {text: ["note"]}


def test_two_signs_send_it_all_the_same(desk: Desk) -> None:
    desk.says(">> note: is what the button says")
    desk.run(20)
    assert desk.reached() == ["note: is what the button says"]


def test_an_edit_in_time_changes_what_is_sent(desk: Desk) -> None:
    message = desk.agent("We send a mugg")
    desk.carry()
    for text in ("We send a mug", "We send two mugs"):
        desk.run(1)
        desk.sandbox.slack.human_edits("C0SUPPORT", message.ts, text)
        desk.carry()
    desk.run(20)
    assert desk.reached() == ["We send two mugs"]


def test_a_deletion_in_time_stops_it(desk: Desk) -> None:
    message = desk.agent("wrong window")
    desk.carry()
    desk.sandbox.slack.human_deletes("C0SUPPORT", message.ts)
    desk.carry()
    desk.says("right window")
    desk.run(20)
    assert desk.reached() == ["right window"]


def test_an_edit_in_time_can_make_a_note_of_a_reply_and_never_a_reply_of_a_note(desk: Desk) -> None:
    first, second = desk.agent("he is angry"), desk.agent("note: careful")
    desk.carry()
    desk.sandbox.slack.human_edits("C0SUPPORT", first.ts, "note: he is angry")
    desk.sandbox.slack.human_edits("C0SUPPORT", second.ts, "careful")
    desk.carry()
    desk.run(20)
    assert desk.reached() == []
    assert desk.marks() == {"note: he is angry": ["note"], "careful": ["note"]}


def test_a_late_edit_or_deletion_sends_nothing(desk: Desk) -> None:
    message = desk.agent("as it was")
    desk.carry()
    desk.run(20)
    desk.sandbox.slack.human_edits("C0SUPPORT", message.ts, "as it should be")
    desk.carry()
    desk.sandbox.slack.human_deletes("C0SUPPORT", message.ts)
    desk.carry()
    desk.run(20)
    assert desk.reached() == ["as it was"]


def test_the_same_edit_twice_and_an_old_one_again_change_nothing(desk: Desk) -> None:
    message = desk.agent("one")
    desk.carry()
    desk.sandbox.slack.human_edits("C0SUPPORT", message.ts, "two")
    event = desk.mail[-1]
    desk.carry()
    desk.sandbox.slack.human_edits("C0SUPPORT", message.ts, "three")
    desk.carry()
    assert desk.carry(event) == [200]
    desk.run(20)
    assert desk.reached() == ["three"]


def test_a_reply_written_while_the_root_is_unsure_waits_for_it(desk: Desk) -> None:
    """The event may come before Slack's answer to the root's post: the thread is not known yet."""
    desk.fault("reset_after", channel="C0VIP")
    desk.restart(channels={"123456": "C0SUPPORT", "999": "C0VIP"})
    desk.write("m2 hello", group="999")
    desk.run(0.5)
    root = next(one["ts"] for one in desk.roots() if one["channel"] == "C0VIP")
    desk.sandbox.kommunicate.open_conversation("999", "Joe")
    desk.sandbox.slack.human_writes("C0VIP", "quick", user="U0ALEX", thread_ts=root)
    assert set(desk.carry()) == {200}
    desk.run(15)
    desk.chores()
    desk.run(15)
    assert [line.text for line in desk.sandbox.kommunicate.conversation("999").lines] == ["quick"]


def test_words_in_threads_that_are_not_ours_are_not_kept(desk: Desk) -> None:
    mine = desk.sandbox.slack.human_writes("C0SUPPORT", "lunch?")
    desk.sandbox.slack.human_writes("C0SUPPORT", "yes", thread_ts=mine.ts)
    assert set(desk.carry()) == {200}
    desk.run(20)
    assert desk.reached() == []
    assert desk.marks() == {"lunch?": [], "yes": []}
