"""What agents put beside their words: the event, what files.info tells, and where the bytes are."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from slack_sdk import WebClient

from relay.sandbox import Sandbox
from relay.sandbox.slack.sharing import delete_file, human_deletes_file
from relay.sandbox.slack.values import SlackError

LOGIN = {"Authorization": "Bearer xoxb-sandbox"}


@pytest.fixture
def event(server, sandbox: Sandbox, receiver):
    """Has an agent share a file of this kind; returns the file and the event."""

    def share(kind: str = "hosted", name: str = "Plan B (1).pdf", content: bytes = b"%PDF-", **more: Any):
        file = sandbox.slack.cabinet.put(name, content, kind=kind, **more)
        sandbox.slack.human_writes("C0OPS", "see", files=[file])
        assert sandbox.wait_idle()
        return file, receiver.bodies[-1]["event"]

    return share


def read(told: dict[str, Any], headers: dict[str, str] | None = None) -> requests.Response:
    """The bytes that a file in an event leads to."""
    return requests.get(told["url_private_download"], headers=LOGIN if headers is None else headers, timeout=5)


def test_it_tells_the_app_of_a_file(server, event) -> None:
    """As a message of its own kind, with where the bytes are."""
    file, message = event()
    told = message["files"][0]
    assert (message["subtype"], message["text"], told["id"]) == ("file_share", "see", file.id)
    assert (told["name"], told["mimetype"], told["filetype"], told["size"]) == (
        "Plan B (1).pdf", "application/pdf", "pdf", 5
    )  # fmt: skip
    assert (told["mode"], told["is_external"], told["file_access"]) == ("hosted", False, "visible")
    assert told["url_private"] == f"{server.url}/slack/files/{file.id}/plan_b_1_.pdf"


def test_it_gives_the_bytes_to_the_bot_alone(event, sandbox: Sandbox) -> None:
    """Whoever else asks is taken for a person who is not signed in: a page, with 200."""
    told = event()[1]["files"][0]
    answer = read(told)
    assert (answer.content, answer.headers["Content-Type"]) == (b"%PDF-", "application/pdf")
    assert requests.get(told["url_private"], headers=LOGIN, timeout=5).content == b"%PDF-"
    for headers in ({}, {"Authorization": "Bearer xoxb-other"}, {"Authorization": "xoxb-sandbox"}):
        page = read(told, headers)
        assert (page.status_code, page.text[:14]) == (200, "<!DOCTYPE html")
    sandbox.scopes.discard("files:read")
    assert read(told).text.startswith("<!DOCTYPE html")
    assert [call["outcome"] for call in sandbox.calls] == ["ok", "ok"] + ["login_page"] * 4


def test_a_file_from_another_workspace_must_be_asked_for(event, slack: WebClient) -> None:
    """The event has a stub, files.info the whole."""
    file, message = event("connect")
    assert message["files"] == [{"id": file.id, "mode": "file_access", "file_access": "check_file_info"}]
    whole = slack.files_info(file=file.id)["file"]
    assert (whole["name"], whole["mode"], read(whole).content) == ("Plan B (1).pdf", "hosted", b"%PDF-")


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("external", {"mode": "external", "is_external": True, "url_private": "https://drive.example.com/file/1"}),
        ("snippet", {"mode": "snippet", "size": 5}),
        ("canvas", {"mode": "quip", "filetype": "canvas", "mimetype": "application/vnd.slack-docs"}),
        ("voice", {"mode": "hosted", "subtype": "slack_audio"}),
        ("video", {"mode": "hosted", "subtype": "slack_video"}),
        ("tombstone", {"mode": "tombstone"}),
        ("hidden", {"mode": "hidden_by_limit"}),
    ],
)
def test_it_knows_other_kinds_of_files(event, kind: str, told: dict[str, Any]) -> None:
    """Each as Slack tells of it."""
    found = event(kind)[1]["files"][0]
    assert {name: found.get(name) for name in told} == told
    assert ("transcription" in found) == (kind in ("voice", "video"))
    assert ("url_private_download" in found) == (kind not in ("external", "tombstone", "hidden"))


def test_a_field_can_be_anything(event) -> None:
    """For what a careless reader would trip over."""
    told = event(size=10**12, name="../../etc/passwd", mimetype="", url_private=7)[1]["files"][0]
    assert (told["size"], told["name"], told["mimetype"], told["url_private"]) == (10**12, "../../etc/passwd", "", 7)


def test_a_name_alone_stands_for_a_file(sandbox: Sandbox, server) -> None:
    """With a few bytes of its own."""
    message = sandbox.slack.human_writes("C0OPS", "see", files=("plan.pdf",))
    assert read(message.files[0]).content


@pytest.mark.parametrize("code", ["file_deleted"])
def test_a_file_can_be_gone_before_it_is_fetched(event, sandbox, slack: WebClient, refusal, code: str) -> None:
    """No bytes, no facts."""
    file, message = event()
    delete_file(sandbox.slack, file)
    assert read(message["files"][0]).status_code == 404
    assert refusal(slack.files_info, file=file.id)["error"] == code
    assert sandbox.slack.messages[0].files == [{"id": file.id, "mode": "tombstone"}]


def test_it_tells_the_app_when_a_file_goes(event, sandbox: Sandbox, receiver) -> None:
    """The message with words is changed, but not edited; the one without goes too."""
    file, _ = event()
    sandbox.slack.human_writes("C0OPS", "", files=[file])
    delete_file(sandbox.slack, file)
    assert sandbox.wait_idle()
    changed, deleted = (body["event"] for body in receiver.bodies[-2:])
    assert (changed["subtype"], "edited" in changed["message"]) == ("message_changed", False)
    assert (deleted["subtype"], deleted["previous_message"]["files"][0]["id"]) == ("message_deleted", file.id)


def test_a_person_deletes_a_file_of_their_own_once(event, sandbox: Sandbox) -> None:
    """And of nobody else; the words stay."""
    file, _ = event()
    for wrong, user, code in (("F0NONE", "U0ALEX", "file_not_found"), (file.id, "U0SAM", "cant_delete_file")):
        with pytest.raises(SlackError, match=code):
            human_deletes_file(sandbox.slack, wrong, user=user)
    human_deletes_file(sandbox.slack, file.id, user="U0ALEX")
    with pytest.raises(SlackError, match="file_deleted"):
        human_deletes_file(sandbox.slack, file.id, user="U0ALEX")
    assert (sandbox.slack.messages[0].text, sandbox.slack.messages[0].deleted) == ("see", False)


def test_the_same_file_can_be_shared_twice(event, sandbox: Sandbox, slack: WebClient) -> None:
    """One id, two messages, both in its shares."""
    file, _ = event()
    again = sandbox.slack.human_writes("C0OPS", "again", files=[file])
    assert again.files[0]["id"] == file.id
    assert len(slack.files_info(file=file.id)["file"]["shares"]["public"]["C0OPS"]) == 2


@pytest.mark.parametrize(
    ("rule", "status", "content"),
    [
        ({"kind": "html", "status": 200}, 200, b"<html>"),
        ({"kind": "status", "status": 503}, 503, b""),
        ({"kind": "ratelimited", "retry_after": "7"}, 429, b'{"ok":'),
        ({"kind": "slow", "seconds": 0.01}, 200, b"%PDF-"),
        ({"kind": "drip", "interval": 0.001}, 200, b"%PDF-"),
    ],
)
def test_a_download_suffers_faults_too(event, sandbox: Sandbox, rule: dict, status: int, content: bytes) -> None:
    """By the name of `files.download`, for one file if that is the rule's channel."""
    file, message = event()
    sandbox.faults.add("files.download", channel=file.id, **rule)
    answer = read(message["files"][0])
    assert (answer.status_code, answer.content[: len(content)]) == (status, content)
    call = sandbox.calls[-1]
    assert (call["method"], call["channel"], call["fault"]) == ("files.download", file.id, rule["kind"])


@pytest.mark.parametrize("kind", ["truncated", "reset_before", "reset_after"])
def test_a_download_can_end_too_soon(event, sandbox: Sandbox, kind: str) -> None:
    """Half of the bytes under the head of the whole, or nothing."""
    _, message = event()
    sandbox.faults.add("files.download", kind)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        read(message["files"][0])
