"""What a customer sends as a file stands in the thread: as a picture, as the file itself, or as a line that says why.

Its words never wait for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from relay.sandbox.slack.sharing import settle
from relay.store.operations.replay import Replayed, replay_all, replay_one
from relay.store.operations.reports import Which, list_deliveries
from relay.store.operations.retention import prune
from tests.harness import words
from tests.replies.desk import GROUP, Desk
from tests.store.shelf import rows

PDF = b"%PDF-1.7\n" + b"words " * 200
MB = 1024 * 1024


def sends(desk: Desk, name: str = "bill.pdf", content: bytes = PDF, text: str = "here it is", **more: Any) -> None:
    """A customer sends a file with words."""
    file = desk.sandbox.kommunicate.files.public(name, content, **more)
    desk.sandbox.kommunicate.customer_writes(GROUP, text, name="Jane", file=file)
    desk.carry()


def files(desk: Desk) -> list[tuple[str, bytes]]:
    """The files that the thread shows, in order: name and content."""
    settle(desk.sandbox.slack)
    cabinet = desk.sandbox.slack.cabinet.files
    shown = [
        file for one in desk.roots_and_replies() if one["thread_ts"] == desk.thread for file in one.get("files", ())
    ]
    return [(file["name"], cabinet[file["id"]].content or b"") for file in shown]


def lines(desk: Desk) -> list[str]:
    """What the thread says."""
    return [line for one in desk.roots_and_replies() if one["thread_ts"] for line in words(one).splitlines()]


def listed(desk: Desk, which: Which = Which.ALL) -> list[dict[str, Any]]:
    """What `relay deliveries list` shows."""
    with desk.store.read() as tx:
        return list_deliveries(tx, which, desk.out.limits)


def told(desk: Desk) -> list[str]:
    """The lines that say that a file did not come."""
    return [line for line in lines(desk) if "could not be fetched" in line]


def test_a_file_follows_its_words(desk: Desk) -> None:
    sends(desk)
    desk.run(1)
    assert "here it is" in lines(desk)
    desk.run(10)
    assert (files(desk), told(desk)) == ([("bill.pdf", PDF)], [])
    assert "File: bill.pdf · application/pdf · 1.2 kB" in lines(desk)


@pytest.mark.parametrize("address", ["none", "unsigned", "blob"])
def test_a_private_file_is_opened_by_a_signed_address(desk: Desk, address: Any) -> None:
    file = desk.sandbox.kommunicate.files.private("id.pdf", PDF, address=address)
    desk.sandbox.kommunicate.customer_writes(GROUP, "", name="Jane", file=file)
    desk.carry()
    desk.run(10)
    assert (files(desk), told(desk)) == ([("id.pdf", PDF)], [])


def test_an_address_that_has_expired_is_asked_for_again(desk: Desk) -> None:
    desk.sandbox.kommunicate.files.lifetime = -1.0
    file = desk.sandbox.kommunicate.files.private("id.pdf", PDF)
    desk.sandbox.kommunicate.customer_writes(GROUP, "my papers", name="Jane", file=file)
    desk.carry()
    desk.run(10)
    assert (files(desk), told(desk)) == ([], [])
    desk.sandbox.kommunicate.files.lifetime = 900.0
    desk.run(60)
    assert (files(desk), told(desk)) == ([("id.pdf", PDF)], [])


PICTURE = {"attachment": "broken-mug.png"}


@pytest.mark.parametrize(
    ("mode", "blocks", "uploads", "says"),
    [
        ("auto", 1, 0, True),
        ("thumbnail", 1, 0, True),
        ("link", 0, 0, True),
        ("none", 0, 0, False),
    ],
)
def test_a_picture_is_shown_as_the_settings_say(
    make_desk: Callable[..., Desk], mode: str, blocks: int, uploads: int, says: bool
) -> None:
    desk = make_desk(attachments=mode)
    desk.customer("hello")
    desk.sandbox.kommunicate.customer_writes(GROUP, "look", name="Jane", **PICTURE)
    desk.carry()
    desk.run(10)
    shown = [block for one in desk.roots_and_replies() for block in one["blocks"] if block["type"] == "image"]
    assert (len(shown), len(files(desk))) == (blocks, uploads)
    assert any("broken-mug.png" in line for line in lines(desk)) is says


@pytest.mark.parametrize(("mode", "uploads"), [("auto", 1), ("upload", 1), ("thumbnail", 0), ("link", 0), ("none", 0)])
def test_a_file_goes_where_the_settings_let_it(make_desk: Callable[..., Desk], mode: str, uploads: int) -> None:
    desk = make_desk(attachments=mode)
    desk.customer("hello")
    sends(desk)
    desk.run(10)
    assert len(files(desk)) == uploads
    assert any("bill.pdf" in line for line in lines(desk)) is (mode != "none")


def test_a_route_has_its_own_way_with_files(make_desk: Callable[..., Desk]) -> None:
    route = {"name": "quiet", "when": {"group_id": GROUP}, "channel": "C0SUPPORT", "attachments": "link"}
    desk = make_desk(channels={}, routes=[route])
    desk.customer("hello")
    sends(desk)
    desk.run(10)
    assert files(desk) == []


def test_nothing_of_a_file_is_told_where_nothing_is_to_be_told(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(attachments="none")
    sends(desk, "diagnosis-of-jane.pdf", text="")
    desk.run(40)
    said = [words(one) + one["text"] for one in desk.roots_and_replies()]
    assert not any("diagnosis" in text for text in said)
    assert any("File: file" in text for text in said)


def test_a_picture_that_slack_cannot_fetch_comes_as_the_file_itself(desk: Desk) -> None:
    png = desk.sandbox.pictures.get("broken-mug.png")
    assert png is not None
    file = {**desk.sandbox.kommunicate.files.told(desk.sandbox.kommunicate.files.public("mug.png", png))}
    file["thumbnailUrl"] = "https://files.sandbox.test/gone.png"
    desk.sandbox.kommunicate.customer_writes(GROUP, "look", name="Jane", file=file)
    desk.carry()
    desk.run(15)
    assert "look" in lines(desk)
    assert files(desk) == [("mug.png", png)]


@pytest.mark.parametrize(
    ("method", "fault"),
    [
        ("/files/*", {"kind": "status", "status": 503}),
        ("/files/*", {"kind": "reset_before"}),
        ("/files/*", {"kind": "truncated"}),
        ("files.getUploadURLExternal", {"kind": "status", "status": 500}),
        ("files.getUploadURLExternal", {"kind": "ratelimited", "retry_after": "5"}),
        ("files.getUploadURLExternal", {"kind": "reset_after"}),
        ("files.upload_bytes", {"kind": "status", "status": 504}),
        ("files.upload_bytes", {"kind": "reset_before"}),
        ("files.upload_bytes", {"kind": "reset_after"}),
        ("files.upload_bytes", {"kind": "html"}),
        ("files.completeUploadExternal", {"kind": "error", "code": "internal_error"}),
        ("files.completeUploadExternal", {"kind": "ratelimited", "retry_after": "5"}),
        ("files.completeUploadExternal", {"kind": "reset_before"}),
        ("files.completeUploadExternal", {"kind": "reset_after"}),
        ("files.completeUploadExternal", {"kind": "truncated"}),
        ("files.completeUploadExternal", {"kind": "unshared"}),
        ("files.info", {"kind": "ratelimited", "retry_after": "30"}),
        ("files.info", {"kind": "error", "code": "service_unavailable"}),
        ("files.info", {"kind": "error", "code": "access_denied"}),
        ("files.info", {"kind": "error", "code": "missing_scope"}),
        ("files.info", {"kind": "status", "status": 500}),
        ("files.info", {"kind": "reset_before"}),
    ],
    ids=lambda one: one if isinstance(one, str) else one.get("code", one["kind"]),
)
@pytest.mark.parametrize("times", [1, 2])
def test_whatever_goes_wrong_on_its_way_it_is_there_once(
    desk: Desk, method: str, fault: dict[str, Any], times: int
) -> None:
    desk.sandbox.faults.add(method, times=times, **fault)
    sends(desk)
    desk.run(1)
    assert "here it is" in lines(desk)
    desk.run(300)
    assert (files(desk), told(desk)) == ([("bill.pdf", PDF)], [])


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("file_uploads_disabled", "this workspace does not accept files"),
        ("storage_limit_reached", "the workspace's storage is full"),
        ("file_type_not_allowed", "this workspace does not accept files of this type"),
        ("missing_scope", "add the scope to the app and install it again"),
    ],
)
def test_what_slack_does_not_take_is_a_line_that_says_why(desk: Desk, code: str, why: str) -> None:
    desk.sandbox.faults.add("files.getUploadURLExternal", "error", code=code, times=None)
    sends(desk)
    desk.run(5)
    desk.customer("are you there?")
    desk.run(60)
    (line,) = told(desk)
    assert why in line
    assert "bill.pdf" in line
    assert "are you there?" in lines(desk)


@pytest.mark.parametrize(
    ("content", "more", "why"),
    [
        (b"", {}, "the file is empty"),
        (b"x" * (26 * MB), {"size": 5}, "the file is larger than 25 MB"),
        (b"<!doctype html><title>Sign in</title>", {"content_type": "application/pdf"}, "a web page arrived instead"),
    ],
    ids=["empty", "too large", "a page"],
)
def test_what_is_not_what_it_says_does_not_come(desk: Desk, content: bytes, more: dict[str, Any], why: str) -> None:
    sends(desk, content=content, **more)
    desk.run(60)
    (line,) = told(desk)
    assert why in line
    assert files(desk) == []
    assert "here it is" in lines(desk)


def test_what_says_itself_that_it_is_too_large_is_not_even_fetched(desk: Desk) -> None:
    sends(desk, content=b"x", size=200 * MB)
    desk.run(10)
    assert (files(desk), told(desk)) == ([], [])
    assert any("209.7 MB" in line for line in lines(desk))
    assert not any(str(call["method"]).startswith("/files") for call in desk.sandbox.calls)


def test_a_file_that_is_gone_is_a_line_that_says_so(desk: Desk) -> None:
    file = desk.sandbox.kommunicate.files.public("bill.pdf", PDF)
    told_of = desk.sandbox.kommunicate.files.told(file)
    desk.sandbox.kommunicate.files.delete(file)
    desk.sandbox.kommunicate.customer_writes(GROUP, "here", name="Jane", file=told_of)
    desk.carry()
    desk.run(10)
    assert len(told(desk)) == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://files.example.com/bill.pdf",
        "http://169.254.169.254/latest/meta-data",
        "https://127.0.0.1/a",
        "ftp://x/y",
    ],
)
def test_a_file_from_elsewhere_is_only_named(desk: Desk, url: str) -> None:
    file = {"name": "bill.pdf", "url": url, "contentType": "application/pdf", "size": 10}
    desk.sandbox.kommunicate.customer_writes(GROUP, "here", name="Jane", file=file)
    desk.carry()
    desk.run(10)
    assert (files(desk), told(desk)) == ([], [])
    assert "File: bill.pdf · application/pdf · 10 bytes" in lines(desk)


def test_a_picture_from_elsewhere_is_only_named(desk: Desk) -> None:
    url = "https://tracker.example.com/pixel.png"
    file = {"name": "a.png", "url": url, "thumbnailUrl": url, "contentType": "image/png", "size": 10}
    desk.sandbox.kommunicate.customer_writes(GROUP, "", name="Jane", file=file)
    desk.carry()
    desk.run(10)
    assert "tracker" not in str(desk.roots_and_replies())


def test_a_share_that_is_late_is_waited_for(desk: Desk) -> None:
    desk.sandbox.slack.cabinet.share_delay = 6.0
    sends(desk)
    desk.run(120)
    assert files(desk) == [("bill.pdf", PDF)]
    assert sum(call["method"] == "files.completeUploadExternal" for call in desk.sandbox.calls) == 1


def test_a_share_that_never_comes_is_deleted_before_its_file_comes_anew(desk: Desk) -> None:
    desk.sandbox.faults.add("files.completeUploadExternal", "unshared", times=None)
    sends(desk)
    desk.run(300)
    (line,) = told(desk)
    assert "Slack accepted it but did not show it" in line
    made = [call["method"] for call in desk.sandbox.calls if str(call["method"]).startswith("files.")]
    assert made.count("files.completeUploadExternal") == 3
    assert made.count("files.delete") >= 2


def test_a_file_goes_after_all_that_was_said_before_it(desk: Desk) -> None:
    desk.fault("ratelimited", retry_after="10")
    sends(desk)
    desk.run(5)
    assert files(desk) == []
    desk.run(30)
    assert files(desk) == [("bill.pdf", PDF)]


def test_a_withdrawn_message_takes_its_file_with_it(desk: Desk) -> None:
    shown = _sent_and_withdrawn(desk, after=20)
    assert shown == 1
    assert files(desk) == []
    assert any("Withdrawn by its author" in line for line in lines(desk))


@pytest.mark.parametrize("after", [0, 1])
def test_a_message_that_is_withdrawn_while_its_file_is_on_its_way(desk: Desk, after: int) -> None:
    desk.sandbox.slack.cabinet.share_delay = 5.0
    _sent_and_withdrawn(desk, after=after)
    desk.run(60)
    assert files(desk) == []
    assert "bill.pdf" not in str(desk.roots_and_replies())


def _sent_and_withdrawn(desk: Desk, *, after: float) -> int:
    """How many files were shown before a message was taken back, so many seconds after it came."""
    file = desk.sandbox.kommunicate.files.told(desk.sandbox.kommunicate.files.public("bill.pdf", PDF))
    token = {"Authentication": desk.sandbox.kommunicate.webhook.authentication()}
    body = {"key": "5-k1", "from": "jane", "groupId": int(GROUP), "timeStamp": 1795690000000, "message": "here"}
    assert desk.client.post("/kommunicate/webhook", json={**body, "file": file}, headers=token).status_code == 200
    desk.run(after)
    shown = len(files(desk))
    withdrawn = {**body, "metadata": {"AL_DELETE_GROUP_MESSAGE_FOR_ALL": "true"}}
    assert desk.client.post("/kommunicate/webhook", json=withdrawn, headers=token).status_code == 200
    desk.run(30)
    return shown


def test_a_file_that_was_given_up_can_be_brought_after_all(desk: Desk) -> None:
    desk.sandbox.faults.add("files.getUploadURLExternal", "error", code="storage_limit_reached", times=1)
    sends(desk)
    desk.run(10)
    assert len(told(desk)) == 1
    with desk.store.begin() as tx:
        assert replay_all(tx) == 1
    desk.run(20)
    assert files(desk) == [("bill.pdf", PDF)]


def test_a_file_in_trouble_holds_up_no_other(desk: Desk) -> None:
    desk.sandbox.faults.add("/files/sick.pdf", "status", status=503, times=None)
    sends(desk, "sick.pdf", text="one")
    sends(desk, "well.pdf", text="two")
    desk.run(10)
    assert [name for name, _ in files(desk)] == ["well.pdf"]
    desk.sandbox.faults.clear()
    desk.run(120)
    assert [name for name, _ in files(desk)] == ["well.pdf", "sick.pdf"]


def test_a_file_that_cannot_be_fetched_is_given_up_in_the_end(desk: Desk) -> None:
    desk.sandbox.faults.add("/files/*", "status", status=503, times=None)
    sends(desk)
    desk.run(1700)
    assert told(desk) == []
    desk.run(300)
    assert len(told(desk)) == 1


def test_a_look_that_is_never_permitted_believes_slack(desk: Desk) -> None:
    desk.sandbox.faults.add("files.info", "error", code="missing_scope", times=None)
    sends(desk)
    desk.run(300)
    assert told(desk) == []
    assert sum(call["method"] == "files.completeUploadExternal" for call in desk.sandbox.calls) == 1
    desk.sandbox.faults.clear()
    assert files(desk) == [("bill.pdf", PDF)]


@pytest.mark.parametrize("code", ["restricted_action", "access_denied", "no_permission"])
def test_what_is_the_matter_of_files_alone_holds_up_no_words(desk: Desk, code: str) -> None:
    desk.sandbox.faults.add("files.getUploadURLExternal", "error", code=code, times=None)
    for number in range(4):
        sends(desk, f"bill-{number}.pdf", text=f"word {number}")
        desk.run(3)
        assert f"word {number}" in lines(desk)
    desk.run(30)
    assert len(told(desk)) == 4


def test_a_neighbour_that_is_withdrawn_costs_a_file_nothing(desk: Desk) -> None:
    """Both are in one post, whose answer is lost."""
    file = desk.sandbox.kommunicate.files.told(desk.sandbox.kommunicate.files.public("bill.pdf", PDF))
    token = {"Authentication": desk.sandbox.kommunicate.webhook.authentication()}
    body = {"from": "jane", "groupId": int(GROUP), "timeStamp": 1795690000000}
    first, second = {**body, "key": "5-a", "message": "secret"}, {**body, "key": "5-b", "message": "bill", "file": file}
    desk.fault("reset_after")
    for one in (first, second):
        assert desk.client.post("/kommunicate/webhook", json=one, headers=token).status_code == 200
    desk.run(0.5)
    withdrawn = {**first, "metadata": {"AL_DELETE_GROUP_MESSAGE_FOR_ALL": "true"}}
    assert desk.client.post("/kommunicate/webhook", json=withdrawn, headers=token).status_code == 200
    desk.run(60)
    assert files(desk) == [("bill.pdf", PDF)]
    assert "secret" not in str(desk.roots_and_replies())


def test_a_thread_that_is_gone_costs_no_file_its_words(desk: Desk) -> None:
    desk.sandbox.faults.add("files.completeUploadExternal", "unthreaded")
    sends(desk)
    desk.run(60)
    assert "here it is" in lines(desk)
    stray = [one for one in desk.roots_and_replies() if not one["thread_ts"] and one.get("files")]
    assert stray == []
    assert len(files(desk)) + len(told(desk)) == 1


def named(desk: Desk) -> int:
    """How often the thread names Jane above what she wrote."""
    return sum(line.startswith("Jane") for line in lines(desk))


def test_who_speaks_below_a_file_is_named_again(desk: Desk) -> None:
    desk.customer("first")
    desk.customer("second")
    before = named(desk)
    sends(desk)
    desk.run(8)
    assert files(desk) == [("bill.pdf", PDF)]
    desk.customer("below it")
    desk.customer("and more")
    assert named(desk) == before + 1


def test_who_speaks_below_a_line_about_a_file_is_named_again(desk: Desk) -> None:
    sends(desk, content=b"")
    desk.run(10)
    assert len(told(desk)) == 1
    before = named(desk)
    desk.customer("below it")
    assert named(desk) == before + 1


def test_a_file_that_waits_stays_out_once_the_settings_say_so(desk: Desk) -> None:
    desk.sandbox.faults.add("/files/*", "status", status=503, times=None)
    sends(desk)
    desk.run(5)
    desk.sandbox.faults.clear()
    desk.restart(attachments="none")
    desk.run(300)
    assert (files(desk), told(desk)) == ([], [])
    (one,) = [row for row in listed(desk) if row["kind"] == "file"]
    assert (one["state"], one["cause"]) == ("ignored", "the settings keep files out of this channel (`attachments`)")


def test_a_file_that_slack_does_not_delete_is_a_dead_letter_that_says_so(desk: Desk) -> None:
    desk.sandbox.faults.add("files.delete", "error", code="cant_delete_file", times=None)
    assert _sent_and_withdrawn(desk, after=20) == 1
    desk.run(60)
    (dead,) = listed(desk, Which.DEAD)
    assert dead["kind"] == "file"
    assert dead["cause"].startswith("its author withdrew it, but Slack does not delete it: ")
    desk.sandbox.faults.clear()
    with desk.store.begin() as tx:
        assert replay_one(tx, dead["id"]) is Replayed.QUEUED
    desk.run(10)
    assert (files(desk), listed(desk, Which.DEAD)) == ([], [])


def test_a_line_about_a_file_says_how_it_stands_now(desk: Desk) -> None:
    desk.sandbox.faults.add("files.getUploadURLExternal", "error", code="storage_limit_reached", times=2)
    sends(desk)
    desk.run(10)
    for _ in range(2):
        assert len(told(desk)) == 1
        with desk.store.begin() as tx:
            assert replay_all(tx) == 1
        desk.run(10)
    assert told(desk) == []
    assert files(desk) == [("bill.pdf", PDF)]
    (line,) = [line for line in lines(desk) if "arrived" in line]
    assert line.startswith("• The file arrived")


def test_what_is_erased_early_leaves_no_lane_stuck(desk: Desk) -> None:
    """A minute after a share that was not seen, its file is deleted by what is stored of it."""
    desk.sandbox.faults.add("files.completeUploadExternal", "unshared")
    sends(desk)
    for _ in range(50):
        desk.run(0 if files(desk) else 1)
    assert len(files(desk)) == 1
    with desk.store.begin() as tx:
        prune(tx, 0.0)
    desk.run(600)
    assert [row.look_again_at for row in rows(desk.store, "sends") if row.look_again_at is not None] == []
    assert [row.lease_owner for row in rows(desk.store, "lanes") if row.lease_owner is not None] == []
