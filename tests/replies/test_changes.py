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


def sent(desk: Desk, text: str) -> str:
    """A reply that has reached the customer; returns its message's ts."""
    message = desk.agent(text)
    desk.carry()
    desk.run(20)
    assert desk.reached()[-1] == text
    return message.ts


def edit(desk: Desk, ts: str, *texts: str) -> None:
    for text in texts:
        desk.sandbox.slack.human_edits("C0SUPPORT", ts, text)
        desk.carry()
        desk.run(1)


def test_a_late_edit_or_deletion_sends_nothing_by_itself_and_says_so(desk: Desk) -> None:
    ts = sent(desk, "as it was")
    edit(desk, ts, "as it should be")
    assert "the customer still has the earlier version" in desk.shown()[-1]
    desk.sandbox.slack.human_deletes("C0SUPPORT", ts)
    desk.carry()
    desk.run(60)
    assert "Deleted after it was sent: the customer still has it" in desk.shown()[-1]
    assert desk.reached() == ["as it was"]


def test_a_late_edit_is_sent_when_somebody_asks_for_it_once(desk: Desk) -> None:
    ts = sent(desk, "at 5 pm")
    edit(desk, ts, "at 6 pm", "at 7 pm")
    offers = [one for one in desk.roots_and_replies() if "Send correction" in str(one["blocks"])]
    assert len(offers) == 1, "several edits are one line"
    for user in ("U0ALEX", "U0SAM"):
        desk.press(offers[0]["ts"], "send_correction", user=user)
    desk.carry()
    desk.run(10)
    assert desk.reached() == ["at 5 pm", "at 7 pm"]
    assert desk.marks() == {"at 7 pm": ["sent"]}
    assert desk.shown()[-1].startswith("\u2022 Correction: sent")
    assert desk.shown()[-1].endswith("(alex) \u201cat 7 pm\u201d")
    edit(desk, ts, "at 8 pm")
    again = [one for one in desk.roots_and_replies() if "Send correction" in str(one["blocks"])]
    assert [one["ts"] for one in again] == [offers[0]["ts"]], "and it is the same line again"


def test_an_edit_that_is_undone_has_nothing_to_send(desk: Desk) -> None:
    ts = sent(desk, "at 5 pm")
    edit(desk, ts, "at 6 pm", "at 5 pm")
    desk.run(5)
    last = desk.roots_and_replies()[-1]
    assert "Edited after it was sent: the customer has these words." in desk.shown()[-1]
    assert "Send correction" not in str(last["blocks"])
    edit(desk, ts, "at 7 pm")
    desk.run(5)
    assert "Send correction" in str(desk.roots_and_replies()[-1]["blocks"])


def test_a_late_edit_into_a_note_is_not_called_a_deletion(desk: Desk) -> None:
    ts = sent(desk, "at 5 pm")
    edit(desk, ts, "note: at 5 pm")
    desk.run(5)
    assert "Made a note after it was sent: the customer still has the earlier version." in desk.shown()[-1]


@pytest.mark.parametrize("change", ["edited", "deleted"])
def test_a_line_about_a_change_does_not_claim_that_the_reply_arrived(desk: Desk, change: str) -> None:
    desk.sandbox.faults.add("/rest/ws/message/v2/send", "reset_before")
    message = desk.agent("at 5 pm")
    desk.carry()
    desk.run(10)
    if change == "edited":
        desk.sandbox.slack.human_edits("C0SUPPORT", message.ts, "at 6 pm")
    else:
        desk.sandbox.slack.human_deletes("C0SUPPORT", message.ts)
    desk.carry()
    desk.run(60)
    said = "\n".join(desk.shown())
    assert f"{change.capitalize()} while it was on its way: if it arrived, the customer has" in said
    assert "still has" not in said


def test_a_deletion_after_a_correction_says_that_the_customer_still_has_it(desk: Desk) -> None:
    ts = sent(desk, "at 5 pm")
    edit(desk, ts, "at 6 pm")
    desk.press(desk.roots_and_replies()[-1]["ts"], "send_correction")
    desk.carry()
    desk.run(10)
    desk.sandbox.slack.human_deletes("C0SUPPORT", ts)
    desk.carry()
    desk.run(10)
    assert "Deleted after it was sent: the customer still has it." in desk.shown()[-1]


def test_a_deletion_stops_a_correction_that_could_not_be_sent_so_far(desk: Desk) -> None:
    ts = sent(desk, "at 5 pm")
    edit(desk, ts, "at 6 pm")
    desk.sandbox.faults.add("/rest/ws/message/v2/send", "error", code="INVALID_PARAMETER")
    desk.press(desk.roots_and_replies()[-1]["ts"], "send_correction")
    desk.carry()
    desk.run(10)
    offered = desk.roots_and_replies()[-1]["ts"]
    desk.sandbox.slack.human_deletes("C0SUPPORT", ts)
    desk.press(offered, "send_again")
    desk.carry()
    desk.run(20)
    assert desk.reached() == ["at 5 pm"]
    said = "\n".join(desk.shown())
    assert "Deleted after it was sent: the customer still has it." in said
    assert "Retry" not in said


def test_a_correction_that_fails_is_told_and_can_be_tried_again(desk: Desk) -> None:
    ts = sent(desk, "at 5 pm")
    edit(desk, ts, "at 6 pm")
    desk.sandbox.faults.add("/rest/ws/message/v2/send", "error", code="INVALID_PARAMETER")
    desk.press(desk.roots_and_replies()[-1]["ts"], "send_correction")
    desk.carry()
    desk.run(10)
    assert desk.marks() == {"at 6 pm": ["sent", "failed"]}
    desk.press(desk.roots_and_replies()[-1]["ts"], "send_again")
    desk.carry()
    desk.run(10)
    assert (desk.reached(), desk.marks()) == (["at 5 pm", "at 6 pm"], {"at 6 pm": ["sent"]})


def test_an_edit_of_what_was_given_up_is_what_retry_sends(desk: Desk) -> None:
    desk.sandbox.faults.add("/rest/ws/message/v2/send", "error", code="INVALID_PARAMETER")
    message = desk.agent("too long")
    desk.carry()
    desk.run(20)
    edit(desk, message.ts, "short")
    desk.press(desk.roots_and_replies()[-1]["ts"], "send_again")
    desk.carry()
    desk.run(20)
    assert desk.reached() == ["short"]


def test_of_two_edits_the_later_counts_whichever_comes_first(desk: Desk) -> None:
    message = desk.agent("one")
    desk.carry()
    desk.sandbox.slack.human_edits("C0SUPPORT", message.ts, "two")
    desk.run(1.5)
    desk.sandbox.slack.human_edits("C0SUPPORT", message.ts, "three")
    first, second = desk.mail
    desk.carry(second, first)
    desk.run(20)
    assert desk.reached() == ["three"]


def test_two_edits_within_a_second_are_two(desk: Desk) -> None:
    message = desk.agent("one")
    desk.carry()
    for text in ("two", "three"):
        desk.sandbox.slack.human_edits("C0SUPPORT", message.ts, text)
        desk.carry()
    desk.run(20)
    assert desk.reached() == ["three"]


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


@pytest.mark.parametrize("trouble", ["busy", "wrong key"])
@pytest.mark.parametrize("change", ["deleted", "a note", "other words"])
def test_what_could_not_be_sent_so_far_can_still_be_changed(desk: Desk, trouble: str, change: str) -> None:
    """However long it has been tried: nothing of it has reached the customer."""
    fault = {"kind": "error", "code": "BUSY"} if trouble == "busy" else {"kind": "status", "status": 401}
    desk.sandbox.faults.add("/rest/ws/message/v2/send", times=None, **fault)
    message = desk.agent("between us, he is right")
    desk.carry()
    desk.run(60)
    assert desk.marks() == {"between us, he is right": ["pending"]}
    if change == "deleted":
        desk.sandbox.slack.human_deletes("C0SUPPORT", message.ts)
        desk.carry()
    else:
        edit(desk, message.ts, "note: he is right" if change == "a note" else "You are right.")
    desk.sandbox.faults.clear()
    desk.run(600)
    assert desk.reached() == (["You are right."] if change == "other words" else [])
    assert "the customer still has" not in str(desk.shown())
