"""An agent deletes one file in Slack and leaves the message: its link ends, or it never goes, and the words do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from relay.delivery import attempt
from relay.delivery.handlers import fetches
from relay.sandbox.slack.file_shapes import told
from relay.sandbox.slack.files import SlackFile
from relay.sandbox.slack.interactions import use_shortcut
from relay.sandbox.slack.sharing import delete_file, human_deletes_file
from relay.sandbox.slack.typed import as_blocks
from relay.sandbox.slack.values import Message
from relay.sandbox.slack.wire import message_shape
from tests.files.conftest import MakeDeskAt, Shelf
from tests.files.test_agents_files import links, pdf
from tests.files.test_where_files_are_kept import swept
from tests.replies.desk import Desk
from tests.store.shelf import rows

SAYS = "One of its files was deleted: the customer can no longer open it, but may have opened it before."
SEND = "/rest/ws/message/v2/send"


def writes(desk: Desk, *files: SlackFile, text: str = "the bill", seconds: float = 20) -> Message:
    """An agent replies with files, and what comes of it."""
    message = desk.agent(text, files=files)
    desk.carry()
    desk.run(seconds)
    return message


def deletes(desk: Desk, file: SlackFile) -> None:
    """Its author deletes the file, and the relay hears of it."""
    human_deletes_file(desk.sandbox.slack, file.id, user="U0ALEX")
    assert set(desk.carry()) == {200}


def opened(desk: Desk) -> list[int]:
    """What each link in the last reply is answered with."""
    return [desk.client.get(f"/files/{token}").status_code for _, token in links(desk)]


def says(desk: Desk) -> list[str]:
    """The lines about deleted files."""
    return [line for line in desk.shown() if SAYS in line]


def test_its_link_ends_and_no_other(desk: Desk) -> None:
    wrong, right = pdf(desk), pdf(desk)
    writes(desk, wrong, right)
    assert opened(desk) == [200, 200]
    deletes(desk, wrong)
    assert opened(desk) == [404, 200]
    desk.run(20)
    assert len(desk.reached()) == 1
    (line,) = says(desk)
    assert line.endswith("\u201cthe bill\u201d")
    assert desk.marks() == {"the bill": ["sent"]}


def test_its_content_is_deleted_wherever_it_is(shelf: Shelf, desk_at: MakeDeskAt) -> None:
    desk = desk_at(shelf)
    wrong, right = pdf(desk), pdf(desk)
    writes(desk, wrong, right)
    assert shelf.holds() == 2
    deletes(desk, wrong)
    swept(desk)
    assert shelf.holds() == 1
    assert opened(desk) == [404, 200]


def test_each_of_several_ends_by_itself(desk: Desk) -> None:
    files = [pdf(desk), pdf(desk), pdf(desk)]
    writes(desk, *files)
    for file in files[:2]:
        deletes(desk, file)
        desk.run(20)
    assert opened(desk) == [404, 404, 200]
    assert len(says(desk)) == 2


@pytest.mark.parametrize("others", [0, 1])
def test_before_it_is_sent_the_words_go_without_it(desk: Desk, others: int) -> None:
    files = [pdf(desk) for _ in range(2 + others)]
    writes(desk, *files, seconds=1)
    for file in files[:2]:
        deletes(desk, file)
    desk.run(20)
    assert desk.reached()[0].split("\n")[0] == "the bill"
    assert opened(desk) == [200] * others
    assert "(a file follows)" not in desk.reached()[0]
    assert (desk.marks(), says(desk)) == ({"the bill": ["sent"]}, [])
    assert len([call for call in desk.sandbox.calls if call["method"] == "files.download"]) == others


@pytest.mark.parametrize("config", [{"files_back": "refuse"}, {"files_back": "link"}])
def test_nor_is_there_a_file_to_refuse(make_desk: Callable[..., Desk], config: dict[str, Any]) -> None:
    desk = make_desk(**config)
    desk.customer("hello")
    file = pdf(desk)
    writes(desk, file, seconds=1)
    deletes(desk, file)
    desk.run(20)
    assert desk.reached() == ["the bill"]


def test_what_is_kept_elsewhere_is_not_named_either(desk: Desk) -> None:
    file = desk.sandbox.slack.cabinet.put("Plan", kind="external", url="https://docs.example.com/plan")
    writes(desk, file, seconds=1)
    deletes(desk, file)
    desk.run(20)
    assert desk.reached() == ["the bill"]


def test_a_deletion_that_comes_before_its_message_counts(desk: Desk) -> None:
    file = pdf(desk)
    desk.agent("the bill", files=(file,))
    said = desk.mail.pop()
    deletes(desk, file)
    assert desk.carry(said) == [200]
    desk.run(20)
    assert (desk.reached(), says(desk)) == (["the bill"], [])


def test_while_its_author_is_asked_it_is_taken_out(desk: Desk) -> None:
    file = pdf(desk)
    writes(desk, file, text="(note) the bill", seconds=10)
    deletes(desk, file)
    desk.run(5)
    assert len(desk.asked()) == 1
    desk.answer("send_to_customer")
    desk.run(20)
    assert desk.reached() == ["(note) the bill"]


def test_one_that_cannot_be_fetched_holds_nothing_up_any_more(desk: Desk) -> None:
    desk.sandbox.faults.add("files.download", "status", status=503, times=None)
    file = pdf(desk)
    writes(desk, file, seconds=10)
    assert (desk.reached(), [row.state for row in rows(desk.store, "kept_files")]) == ([], ["waiting"])
    deletes(desk, file)
    desk.run(5)
    assert (desk.reached(), says(desk)) == (["the bill"], [])


@pytest.mark.parametrize("place", ["file.fetched", "file.kept"])
def test_while_it_is_being_fetched_it_is_taken_out(
    shelf: Shelf, desk_at: MakeDeskAt, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = desk_at(shelf)
    file, passed = pdf(desk), list[str]()

    def between(name: str) -> None:
        if name == place:
            passed.append(name)
            deletes(desk, file)

    monkeypatch.setattr(fetches, "failpoint", between)
    writes(desk, file)
    assert passed == [place]
    assert (desk.reached(), says(desk)) == (["the bill"], [])
    swept(desk)
    assert shelf.holds() == 0


@pytest.mark.parametrize("fault", [{"kind": "error", "code": "BUSY"}, {"kind": "status", "status": 401}])
def test_one_that_is_kept_and_not_sent_yet_is_not_sent(desk: Desk, fault: dict[str, Any]) -> None:
    desk.sandbox.faults.add(SEND, times=None, **fault)
    file = pdf(desk)
    writes(desk, file, seconds=60)
    (kept,) = rows(desk.store, "kept_files")
    assert desk.client.get(f"/files/{kept.token}").status_code == 200
    deletes(desk, file)
    assert desk.client.get(f"/files/{kept.token}").status_code == 404
    desk.sandbox.faults.clear()
    desk.run(600)
    assert (desk.reached(), says(desk)) == (["the bill"], [])


@pytest.mark.parametrize("is_done", [True, False])
def test_while_it_is_being_sent_its_link_ends(desk: Desk, monkeypatch: pytest.MonkeyPatch, is_done: bool) -> None:
    """If the call was done, the customer has a link that is dead; otherwise the words go without one."""
    file, passed = pdf(desk), list[str]()

    def between(name: str) -> None:
        is_called = any(row.state == "sending" for row in rows(desk.store, "sends", kind="reply"))
        if name == "call.ready" and is_called and not passed:
            passed.append(name)
            deletes(desk, file)

    monkeypatch.setattr(attempt, "failpoint", between)
    if not is_done:
        desk.sandbox.faults.add(SEND, "error", code="BUSY")
    writes(desk, file, seconds=60)
    assert passed
    assert len(desk.reached()) == 1
    assert opened(desk) == ([404] if is_done else [])
    assert len(says(desk)) == 1


def test_one_that_may_have_arrived_ends_and_is_not_sent_again(desk: Desk) -> None:
    desk.sandbox.faults.add(SEND, "reset_before")
    file = pdf(desk)
    writes(desk, file, seconds=10)
    (kept,) = rows(desk.store, "kept_files")
    deletes(desk, file)
    assert desk.client.get(f"/files/{kept.token}").status_code == 404
    desk.run(60)
    assert len(says(desk)) == 1
    (line,) = [one for one in desk.roots_and_replies() if "May not have arrived" in str(one["blocks"])]
    desk.press(line["ts"], "send_again")
    desk.carry()
    desk.run(20)
    assert desk.reached() == ["the bill"]


@pytest.mark.parametrize("may_have", [True, False])
def test_of_one_that_was_given_up_the_thread_is_told_if_it_may_have_arrived(desk: Desk, may_have: bool) -> None:
    fault = {"kind": "reset_before"} if may_have else {"kind": "error", "code": "INVALID_PARAMETER"}
    desk.sandbox.faults.add(SEND, **fault)
    file = pdf(desk)
    writes(desk, file, seconds=90)
    (line,) = [one for one in desk.roots_and_replies() if "send_again" in str(one["blocks"])]
    deletes(desk, file)
    desk.run(20)
    assert len(says(desk)) == may_have
    desk.press(line["ts"], "send_again")
    desk.carry()
    desk.run(20)
    assert desk.reached() == ["the bill"]


def test_the_same_event_again_and_a_later_change_do_nothing_more(desk: Desk) -> None:
    file = pdf(desk)
    message = writes(desk, file)
    human_deletes_file(desk.sandbox.slack, file.id, user="U0ALEX")
    event = desk.mail[-1]
    desk.carry()
    assert desk.carry(event, event) == [200, 200]
    desk.run(20)
    desk.sandbox.slack.human_edits("C0SUPPORT", message.ts, "the right bill")
    desk.carry()
    assert desk.carry(event) == [200]
    desk.run(20)
    assert len(says(desk)) == 1
    assert "Edited after it was sent" in desk.shown()[-1]


def test_a_reply_that_is_deleted_after_its_file_is_told_as_ever(desk: Desk) -> None:
    file = pdf(desk)
    message = writes(desk, file)
    deletes(desk, file)
    desk.run(20)
    desk.sandbox.slack.human_deletes("C0SUPPORT", message.ts)
    desk.carry()
    desk.run(20)
    assert "Deleted after it was sent: links to its files no longer work" in desk.shown()[-1]


def test_of_one_that_never_reached_the_customer_nothing_is_told(desk: Desk) -> None:
    desk.sandbox.faults.add("files.download", "html", status=200, times=None)
    file = pdf(desk)
    writes(desk, file, seconds=120)
    assert desk.reached() == ["the bill\n(a file follows)"]
    deletes(desk, file)
    desk.run(20)
    assert says(desk) == []


def test_one_in_a_note_does_nothing_even_if_the_note_is_sent_after_all(desk: Desk) -> None:
    file = pdf(desk)
    note = writes(desk, file, text="note: the bill")
    shown = desk.shown()
    deletes(desk, file)
    desk.run(20)
    assert (desk.reached(), desk.shown()) == ([], shown)
    use_shortcut(desk.sandbox.slack, "C0SUPPORT", note.ts, "send_to_customer", user="U0ALEX")
    desk.carry()
    desk.run(20)
    assert desk.reached() == ["note: the bill"]


def test_one_that_is_no_reply_of_ours_does_nothing(desk: Desk) -> None:
    """In a thread of the team's own, and at the channel's root."""
    mine, other = pdf(desk), pdf(desk)
    root = desk.sandbox.slack.human_writes("C0SUPPORT", "lunch?", files=[other])
    desk.sandbox.slack.human_writes("C0SUPPORT", "the menu", thread_ts=root.ts, files=[mine])
    desk.carry()
    desk.run(20)
    shown = desk.shown()
    for file in (mine, other):
        deletes(desk, file)
    desk.run(20)
    assert (desk.reached(), desk.shown(), rows(desk.store, "kept_files")) == ([], shown, [])


def test_a_customers_file_that_is_deleted_in_slack_does_nothing(desk: Desk) -> None:
    public = desk.sandbox.kommunicate.files.public("mug.pdf", b"%PDF-1.7\n")
    desk.sandbox.kommunicate.customer_writes("123456", "here", name="Jane", file=public)
    desk.carry()
    desk.run(20)
    (file,) = [each for each in desk.sandbox.slack.cabinet.files.values() if each.completed]
    delete_file(desk.sandbox.slack, file)
    assert set(desk.carry()) == {200}
    desk.run(20)
    assert (says(desk), rows(desk.store, "kept_files")) == ([], [])


def becomes(desk: Desk, message: Message, file: SlackFile, text: str, *, leaves: str) -> None:
    """A message has other words and one file less at once; a tombstone or nothing stands in the file's place."""
    before = message_shape(message, desk.sandbox.slack, metadata=True)
    file.deleted, file.content = True, None
    rest = [each for each in message.files if each["id"] != file.id]
    gone = [told(file, desk.sandbox.slack.cabinet)] if leaves == "tombstone" else []
    message.text, message.blocks, message.files = text, as_blocks(text), [*gone, *rest]
    desk.sandbox.slack.mark_edited(message, before)
    assert set(desk.carry()) == {200}


@pytest.mark.parametrize("leaves", ["tombstone", "nothing"])
@pytest.mark.parametrize("seconds", [1, 20], ids=["in time", "late"])
def test_other_words_and_a_deleted_file_in_one_event_both_count(desk: Desk, leaves: str, seconds: float) -> None:
    wrong, right = pdf(desk), pdf(desk)
    message = writes(desk, wrong, right, seconds=seconds)
    becomes(desk, message, wrong, "the right bill", leaves=leaves)
    desk.run(20)
    is_late = seconds > 5
    assert desk.reached()[0].split("\n")[0] == ("the bill" if is_late else "the right bill")
    assert opened(desk) == ([404, 200] if is_late else [200])
    assert len(says(desk)) == is_late
    assert any("Edited after it was sent" in line for line in desk.shown()) == is_late


@pytest.mark.parametrize("leaves", ["tombstone", "nothing"])
@pytest.mark.parametrize("seconds", [1, 20], ids=["in time", "late"])
def test_a_message_of_which_nothing_is_left_counts_as_deleted(desk: Desk, leaves: str, seconds: float) -> None:
    """The sandbox's Slack deletes it with its last file; one that leaves an empty message means the same."""
    file = pdf(desk)
    message = writes(desk, file, text="", seconds=seconds)
    becomes(desk, message, file, "", leaves=leaves)
    desk.run(20)
    if seconds > 5:
        assert opened(desk) == [404]
        assert "Deleted after it was sent: links to its files no longer work" in desk.shown()[-1]
    else:
        assert (desk.reached(), desk.marks()) == ([], {"": []})


def test_an_edit_that_is_older_than_the_deletion_still_counts(desk: Desk) -> None:
    """Slack counts an edit's time in whole seconds, and keeps no order."""
    file = pdf(desk)
    message = writes(desk, file, seconds=1)
    desk.sandbox.slack.human_edits("C0SUPPORT", message.ts, "the right bill")
    human_deletes_file(desk.sandbox.slack, file.id, user="U0ALEX")
    edit, deletion = desk.mail
    assert desk.carry(deletion, edit) == [200, 200]
    desk.run(20)
    assert desk.reached() == ["the right bill"]
