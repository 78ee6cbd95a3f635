"""What an agent shares in a reply reaches the customer: a link to the file goes with the words, in order, once."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from relay.sandbox.slack.sharing import delete_file
from relay.store.db.file_tables import file_pieces
from tests.replies.desk import Desk
from tests.store.shelf import rows

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 5000
MB = 1024 * 1024
LINK = re.compile(r"(\S+): (http://localhost/files/(\S+))")


def share(desk: Desk, *files: Any, text: str = "the bill", seconds: float = 20) -> None:
    """An agent replies with files."""
    desk.agent(text, files=files)
    desk.carry()
    desk.run(seconds)


def pdf(desk: Desk, **more: Any) -> Any:
    return desk.sandbox.slack.cabinet.put("bill.pdf", content=PDF, **more)


def links(desk: Desk) -> list[tuple[str, str]]:
    """The names and tokens of what the customer was sent last."""
    return [(name, token) for name, _, token in LINK.findall(desk.reached()[-1])]


def test_a_file_goes_with_its_words_as_a_link(desk: Desk) -> None:
    share(desk, pdf(desk))
    ((name, token),) = links(desk)
    assert name == "bill.pdf"
    assert desk.reached()[-1].startswith("the bill\n\nbill.pdf: ")
    assert desk.marks() == {"the bill": ["sent"]}
    opened = desk.client.get(f"/files/{token}")
    assert (opened.status_code, opened.data) == (200, PDF)
    assert opened.headers["Content-Type"] == "application/pdf"
    assert "bill.pdf" in opened.headers["Content-Disposition"]
    assert opened.headers["X-Content-Type-Options"] == "nosniff"


def test_several_files_and_no_words(desk: Desk) -> None:
    put = desk.sandbox.slack.cabinet.put
    share(desk, put("a.txt", content=b"one"), put("b.txt", content=b"two"), text="")
    assert [desk.client.get(f"/files/{token}").data for _, token in links(desk)] == [b"one", b"two"]


def test_what_comes_behind_it_waits_for_it(desk: Desk) -> None:
    desk.sandbox.faults.add("files.download", "status", status=503, times=2)
    desk.agent("first", files=(pdf(desk),))
    desk.agent("second")
    desk.carry()
    desk.run(60)
    assert [text.split("\n")[0] for text in desk.reached()] == ["first", "second"]


@pytest.mark.parametrize(
    ("method", "fault"),
    [
        ("files.download", {"kind": "status", "status": 503}),
        ("files.download", {"kind": "reset_before"}),
        ("files.download", {"kind": "truncated"}),
    ],
    ids=lambda one: one if isinstance(one, str) else one["kind"],
)
@pytest.mark.parametrize("times", [1, 2])
def test_whatever_goes_wrong_on_its_way_it_goes_once(
    desk: Desk, method: str, fault: dict[str, Any], times: int
) -> None:
    desk.sandbox.faults.add(method, times=times, **fault)
    share(desk, pdf(desk), seconds=120)
    ((_, token),) = links(desk)
    assert desk.client.get(f"/files/{token}").data == PDF
    assert len(desk.reached()) == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 500},
        {"kind": "reset_before"},
        {"kind": "ratelimited", "retry_after": "3"},
        {"kind": "truncated"},
    ],
    ids=lambda one: one["kind"],
)
@pytest.mark.parametrize("times", [1, 2])
def test_one_of_another_workspace_goes_though_slack_is_slow_to_tell_of_it(
    desk: Desk, fault: dict[str, Any], times: int
) -> None:
    desk.sandbox.faults.add("files.info", times=times, **fault)
    share(desk, pdf(desk, kind="connect"), seconds=120)
    ((name, token),) = links(desk)
    assert name == "bill.pdf"
    assert desk.client.get(f"/files/{token}").data == PDF


def test_slack_is_not_asked_for_what_its_message_tells(desk: Desk) -> None:
    share(desk, pdf(desk))
    assert not any(call["method"] == "files.info" for call in desk.sandbox.calls)


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("canvas", "a canvas is no file"),
        ("tombstone", "it was deleted in Slack"),
        ("hidden", "the workspace's plan is used up"),
    ],
)
def test_what_is_no_file_does_not_go_and_its_author_reads_why(desk: Desk, kind: str, why: str) -> None:
    share(desk, desk.sandbox.slack.cabinet.put("plan", kind=kind))
    assert desk.reached() == ["the bill\n(a file follows)"]
    assert desk.marks() == {"the bill": ["partly"]}
    assert "Only part of it was sent" in desk.shown()[-1]
    assert why in desk.shown()[-1]


@pytest.mark.parametrize("kind", ["connect", "snippet", "voice", "video"])
def test_what_is_a_file_of_another_kind_goes(desk: Desk, kind: str) -> None:
    share(desk, desk.sandbox.slack.cabinet.put("clip.bin", content=b"\x00\x01 words", kind=kind))
    ((_, token),) = links(desk)
    assert desk.client.get(f"/files/{token}").data == b"\x00\x01 words"


def test_what_is_kept_elsewhere_goes_as_its_own_link(desk: Desk) -> None:
    elsewhere = desk.sandbox.slack.cabinet.put("Plan", kind="external", url="https://docs.example.com/plan")
    share(desk, elsewhere)
    assert desk.reached() == ["the bill\n\nPlan: https://docs.example.com/plan"]


def test_a_page_to_sign_in_is_no_file(desk: Desk) -> None:
    desk.sandbox.faults.add("files.download", "html", status=200, times=None)
    share(desk, pdf(desk), seconds=120)
    assert desk.reached() == ["the bill\n(a file follows)"]
    assert desk.marks() == {"the bill": ["partly"]}


def test_what_was_deleted_meanwhile_does_not_go(desk: Desk) -> None:
    file = pdf(desk)
    desk.agent("the bill", files=(file,))
    said = desk.mail[-1]
    delete_file(desk.sandbox.slack, file)
    desk.carry(said)  # nobody has told the relay of the deletion yet
    desk.run(20)
    assert desk.reached() == ["the bill\n(a file follows)"]
    assert "it was deleted in Slack" in desk.shown()[-1]


def test_a_file_alone_that_cannot_go_is_refused(desk: Desk) -> None:
    share(desk, desk.sandbox.slack.cabinet.put("plan", kind="tombstone"), text="")
    assert desk.reached() == []
    assert desk.marks() == {"": ["failed"]}
    assert "it was deleted in Slack" in desk.shown()[-1]


def test_what_is_too_large_does_not_go(desk: Desk) -> None:
    share(desk, pdf(desk, size=200 * MB))
    assert desk.reached() == ["the bill\n(a file follows)"]
    assert "larger than 25 MB" in desk.shown()[-1]


@pytest.mark.parametrize(
    ("method", "fault"),
    [
        ("files.download", {"kind": "status", "status": 503}),
        ("files.info", {"kind": "error", "code": "invalid_auth"}),
        ("files.info", {"kind": "ratelimited", "retry_after": "3600"}),
    ],
    ids=lambda one: one if isinstance(one, str) else one["kind"],
)
def test_words_do_not_wait_for_ever(desk: Desk, method: str, fault: dict[str, Any]) -> None:
    desk.sandbox.faults.add(method, times=None, **fault)
    desk.agent("first", files=(pdf(desk, kind="connect"),))
    desk.agent("second")
    desk.carry()
    desk.run(60)
    assert desk.reached() == []
    desk.run(25)
    assert [text.split("\n")[0] for text in desk.reached()] == ["first", "second"]


def test_many_that_failed_do_not_keep_the_others(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(retention="7d")
    desk.customer("hello")
    put = desk.sandbox.slack.cabinet.put
    share(desk, *(put(f"plan {number}", kind="canvas") for number in range(210)), pdf(desk))
    assert len(links(desk)) == 1
    desk.clock.advance(8 * 86400)
    for _ in range(3):
        desk.chores()
    assert {row.state for row in rows(desk.store, "kept_files")} == {"deleted"}
    with desk.store.read() as tx:
        assert tx.conn.execute(file_pieces.select()).all() == []


def test_files_may_be_refused(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(files_back="refuse")
    desk.customer("hello")
    share(desk, pdf(desk))
    assert (desk.reached(), desk.marks()) == ([], {"the bill": ["failed"]})
    assert "`files_back: refuse`" in desk.whispers()[-1][1]
    assert not any(call["method"] == "files.download" for call in desk.sandbox.calls)


def test_the_same_file_shared_twice_goes_twice(desk: Desk) -> None:
    file = pdf(desk)
    share(desk, file)
    share(desk, file, text="again")
    assert len(desk.reached()) == 2
    assert len(links(desk)) == 1


def test_a_note_with_a_file_stays_inside(desk: Desk) -> None:
    share(desk, pdf(desk), text="note: only for us")
    assert desk.reached() == []
    assert not any(call["method"] == "files.download" for call in desk.sandbox.calls)


def test_a_reply_that_is_taken_back_takes_its_link_back(desk: Desk) -> None:
    message = desk.agent("the bill", files=(pdf(desk),))
    desk.carry()
    desk.run(20)
    ((_, token),) = links(desk)
    desk.sandbox.slack.human_deletes("C0SUPPORT", message.ts)
    desk.carry()
    desk.run(5)
    assert desk.client.get(f"/files/{token}").status_code == 404
    desk.chores()
    with desk.store.read() as tx:
        assert tx.conn.execute(file_pieces.select()).all() == []


@pytest.mark.parametrize(
    ("with_file", "said"),
    [
        (False, "Deleted after it was sent: the customer still has it."),
        (True, "Deleted after it was sent: links to its files no longer work"),
    ],
)
def test_a_line_about_a_deleted_reply_says_what_is_true_of_its_files(desk: Desk, with_file: bool, said: str) -> None:
    message = desk.agent("the bill", files=(pdf(desk),) if with_file else ())
    desk.carry()
    desk.run(20)
    desk.sandbox.slack.human_deletes("C0SUPPORT", message.ts)
    desk.carry()
    desk.run(20)
    assert said in desk.shown()[-1]


def test_a_deleted_reply_whose_file_never_went_says_nothing_of_links(desk: Desk) -> None:
    message = desk.agent("the bill", files=(desk.sandbox.slack.cabinet.put("plan", kind="tombstone"),))
    desk.carry()
    desk.run(20)
    desk.sandbox.slack.human_deletes("C0SUPPORT", message.ts)
    desk.carry()
    desk.run(20)
    assert "the customer still has it." in desk.shown()[-1]


def test_links_begin_with_the_address_that_the_settings_name(make_desk: Callable[..., Desk]) -> None:
    class Elsewhere(Desk):
        changes = {"public_url": "https://relay.example.com/below"}  # noqa: RUF012

    plain = make_desk()
    desk = Elsewhere(plain.store, plain.server, plain.clock)
    desk.customer("hello")
    share(desk, pdf(desk))
    assert re.search(r"bill\.pdf: https://relay\.example\.com/below/files/\S{43}$", desk.reached()[-1])


def test_files_are_kept_as_long_as_words(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(retention="7d")
    desk.customer("hello")
    share(desk, pdf(desk))
    ((_, token),) = links(desk)
    desk.clock.advance(6 * 86400)
    desk.chores()
    assert desk.client.get(f"/files/{token}").status_code == 200
    desk.clock.advance(2 * 86400)
    assert desk.client.get(f"/files/{token}").status_code == 404
    desk.chores()
    with desk.store.read() as tx:
        assert tx.conn.execute(file_pieces.select()).all() == []
    assert [row.state for row in rows(desk.store, "kept_files")] == ["deleted"]


def test_a_link_leads_to_its_file_alone(desk: Desk) -> None:
    put = desk.sandbox.slack.cabinet.put
    share(desk, put("a.txt", content=b"one"), put("b.txt", content=b"two"))
    (_, first), (_, second) = links(desk)
    wrong = ["", "x", first[:-1], first + "x", first[:20] + second[20:], first.swapcase(), "%00", "..%2f..", "\u00e9"]
    answers = [desk.client.get(f"/files/{token}") for token in wrong]
    assert {answer.status_code for answer in answers} == {404}
    assert {answer.data for answer in answers if b"no longer kept" in answer.data} == {answers[1].data}


def test_nothing_tells_apart_the_links_that_lead_nowhere(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(retention="7d")
    desk.customer("hello")
    share(desk, pdf(desk), text="old")
    ((_, expired),) = links(desk)
    desk.clock.advance(8 * 86400)
    message = desk.agent("taken back", files=(pdf(desk),))
    desk.carry()
    desk.run(20)
    ((_, revoked),) = links(desk)
    desk.sandbox.slack.human_deletes("C0SUPPORT", message.ts)
    desk.carry()
    share(desk, pdf(desk), text="good")
    ((_, good),) = links(desk)
    assert desk.client.get(f"/files/{good}").status_code == 200
    altered = good[:-1] + ("A" if good[-1] != "A" else "B")
    nowhere = [expired, revoked, altered, good[:20] + expired[20:], "x" * 43, "x", good + good]
    answers = [desk.client.get(f"/files/{token}") for token in nowhere]
    desk.chores()  # what is over is deleted by now
    answers += [desk.client.get(f"/files/{token}") for token in nowhere]
    assert {(answer.status_code, answer.data, str(sorted(answer.headers))) for answer in answers} == {
        (404, answers[0].data, str(sorted(answers[0].headers)))
    }


@pytest.mark.parametrize(
    ("asked", "status", "first", "last"),
    [
        ("bytes=0-0", 206, 0, 0),
        ("bytes=100-1048700", 206, 100, 1048700),
        ("bytes=1048570-1048580", 206, 1048570, 1048580),
        ("bytes=-99999999", 206, 0, len(PDF) - 1),
        ("bytes=-10", 206, len(PDF) - 10, len(PDF) - 1),
        ("bytes=5-", 206, 5, len(PDF) - 1),
        ("bytes=0-99999999", 206, 0, len(PDF) - 1),
        ("bytes=99999999-", 416, 0, -1),
        ("bytes=0-1,5-6", 200, 0, len(PDF) - 1),
        ("lines=0-1", 200, 0, len(PDF) - 1),
        ("bytes=b-a", 200, 0, len(PDF) - 1),
    ],
)
def test_parts_of_a_file_can_be_asked_for(desk: Desk, asked: str, status: int, first: int, last: int) -> None:
    share(desk, pdf(desk))
    ((_, token),) = links(desk)
    answer = desk.client.get(f"/files/{token}", headers={"Range": asked})
    assert (answer.status_code, answer.data) == (status, PDF[first : last + 1])
    if status == 206:
        assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(PDF)}"
        assert answer.content_length == last - first + 1
    if status == 416:
        assert answer.headers["Content-Range"] == f"bytes */{len(PDF)}"


def test_head_tells_the_size(desk: Desk) -> None:
    share(desk, pdf(desk))
    ((_, token),) = links(desk)
    answer = desk.client.head(f"/files/{token}")
    assert (answer.status_code, answer.content_length, answer.data) == (200, len(PDF), b"")


@pytest.mark.parametrize(
    ("name", "content", "kind", "how"),
    [
        ("a.html", b"<html><script>alert(1)</script>", "application/octet-stream", "attachment"),
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "application/octet-stream", "attachment"),
        ("a.txt", b"plain words", "text/plain", "inline"),
        ('a";x=\r\n\u202etxt.pdf', PDF, "application/pdf", "inline"),
    ],
)
def test_nothing_of_it_runs_in_a_browser(desk: Desk, name: str, content: bytes, kind: str, how: str) -> None:
    share(desk, desk.sandbox.slack.cabinet.put(name, content=content))
    token = desk.reached()[-1].rpartition("/")[2]
    answer = desk.client.get(f"/files/{token}")
    assert answer.headers["Content-Type"].partition(";")[0] == kind
    assert answer.headers["Content-Disposition"].startswith(f'{how}; filename="')
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert not re.search(r"[\r\n\u202e]", answer.headers["Content-Disposition"])
