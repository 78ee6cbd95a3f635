"""The way of an upload: an address, the bytes, one completion, and a share that comes, later or never."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from slack_sdk import WebClient

from relay.sandbox import Sandbox, SandboxServer

Upload = Callable[..., str]


def place_for(slack: WebClient, length: int = 5) -> dict[str, Any]:
    """The upload address for "a.txt" of so many bytes."""
    found = slack.files_getUploadURLExternal(filename="a.txt", length=length)
    return {"file_id": found["file_id"], "upload_url": found["upload_url"]}


def shares(slack: WebClient, file: str, channel: str = "C0OPS") -> list[dict[str, Any]]:
    """Where the file is by now."""
    return slack.files_info(file=file)["file"]["shares"].get("public", {}).get(channel, [])


@pytest.mark.parametrize("way", [{"data": b"hello"}, {"files": {"filename": b"hello"}}])
def test_it_takes_the_bytes_raw_or_as_a_form(server: SandboxServer, slack: WebClient, way: dict) -> None:
    """On its own address; the file exists once it is completed."""
    place = place_for(slack)
    assert place["upload_url"].startswith(f"{server.url}/slack/")
    answer = requests.post(place["upload_url"], timeout=5, **way)
    assert (answer.status_code, answer.text) == (200, "OK - 5")
    done = slack.files_completeUploadExternal(files=[{"id": place["file_id"], "title": "T"}])["files"][0]
    assert (done["id"], done["title"], done["mimetype"], done["size"], done["shares"]) == (
        place["file_id"], "T", "text/plain", 5, {}
    )  # fmt: skip


def test_it_wants_exactly_the_bytes_that_were_announced_once(slack: WebClient, refusal) -> None:
    """Anything else is an error, and so are they the second time."""
    place = place_for(slack)
    sent = [requests.post(place["upload_url"], data=data, timeout=5) for data in (b"hell", b"hello!", b"", b"hello")]
    assert [answer.status_code for answer in sent] == [400, 400, 400, 200]
    assert requests.post(place["upload_url"], data=b"hello", timeout=5).status_code == 400
    assert requests.post(place["upload_url"] + "X", data=b"hello", timeout=5).status_code == 404
    unsent = place_for(slack)["file_id"]
    assert refusal(slack.files_completeUploadExternal, files=[{"id": unsent}])["error"] == "file_not_found"
    assert refusal(slack.files_info, file=unsent)["error"] == "file_not_found"


def test_an_address_is_asked_for_by_a_form(server: SandboxServer, slack: WebClient, refusal) -> None:
    """It takes no JSON, and needs both arguments."""
    address, login = f"{server.slack_api_url}files.getUploadURLExternal", {"Authorization": "Bearer xoxb-sandbox"}
    body = {"filename": "a.txt", "length": 5}
    assert requests.post(address, json=body, headers=login, timeout=5).json()["error"] == "invalid_arguments"
    assert requests.post(address, data=body, headers=login, timeout=5).json()["ok"]
    for wrong in ({"filename": "a.txt"}, {"length": 5}, {"filename": "a.txt", "length": 0}):
        assert not requests.post(address, data=wrong, headers=login, timeout=5).json()["ok"]


def test_it_takes_a_file_larger_than_any_call(sandbox: Sandbox, slack: WebClient) -> None:
    """A customer's may have 25 MB."""
    content = bytes(25_000_000)
    place = place_for(slack, len(content))
    assert requests.post(place["upload_url"], data=content, timeout=30).status_code == 200
    assert sandbox.slack.cabinet.files[place["file_id"]].content == content


def test_it_completes_once(slack: WebClient, upload: Upload, refusal) -> None:
    """A second time there is no such upload, and nothing is shared again."""
    file = upload(channel_id="C0OPS")
    again = refusal(slack.files_completeUploadExternal, files=[{"id": file}], channel_id="C0OPS")
    assert (again["error"], len(shares(slack, file))) == ("file_not_found", 1)


def test_it_shares_several_files_in_one_message(sandbox: Sandbox, slack: WebClient) -> None:
    """With the comment, which can ping like any words."""
    places = [place_for(slack), place_for(slack)]
    for place in places:
        requests.post(place["upload_url"], data=b"hello", timeout=5)
    ids = [place["file_id"] for place in places]
    slack.files_completeUploadExternal(
        files=[{"id": each} for each in ids], channel_id="C0OPS", initial_comment="<!here> see"
    )
    (message,) = sandbox.slack.messages
    assert [each["id"] for each in message.files] == ids
    assert (message.text, message.pings) == ("<!here> see", ["<!here>"])


@pytest.mark.parametrize(
    ("code", "channel"), [("not_in_channel", "C0AWAY"), ("channel_not_found", "C0NOWHERE"), ("is_archived", "C0OLD")]
)
def test_it_refuses_a_channel_as_for_a_post(sandbox, slack: WebClient, refusal, code: str, channel: str) -> None:
    """And the upload can still be completed elsewhere."""
    sandbox.slack.add_channel("C0AWAY", "away", bot=False)
    place = place_for(slack)
    requests.post(place["upload_url"], data=b"hello", timeout=5)
    complete, files = slack.files_completeUploadExternal, [{"id": place["file_id"]}]
    assert refusal(complete, files=files, channel_id=channel)["error"] == code
    assert complete(files=files, channel_id="C0OPS")["ok"]
    assert len(sandbox.slack.messages) == 1


def test_it_needs_its_scopes(sandbox: Sandbox, slack: WebClient, upload: Upload, refusal) -> None:
    """files:write to send and delete, files:read to look."""
    file = upload()
    sandbox.scopes.difference_update({"files:read", "files:write"})
    asked = [
        refusal(slack.files_getUploadURLExternal, filename="a", length=1),
        refusal(slack.files_completeUploadExternal, files=[{"id": file}]),
        refusal(slack.files_delete, file=file),
        refusal(slack.files_info, file=file),
    ]
    assert [(each["error"], each["needed"]) for each in asked] == [("missing_scope", "files:write")] * 3 + [
        ("missing_scope", "files:read")
    ]


def test_alt_txt_makes_the_share_not_happen(sandbox: Sandbox, slack: WebClient) -> None:
    """With ok, and nothing in the channel."""
    place = place_for(slack)
    requests.post(place["upload_url"], data=b"hello", timeout=5)
    files = [{"id": place["file_id"], "alt_txt": "a mug"}]
    assert slack.files_completeUploadExternal(files=files, channel_id="C0OPS")["ok"]
    assert (shares(slack, place["file_id"]), sandbox.slack.messages) == ([], [])


def test_a_share_can_take_its_time(sandbox: Sandbox, slack: WebClient, upload: Upload, clock) -> None:
    """Until then files.info has none, and the channel nothing."""
    sandbox.slack.cabinet.share_delay = 3.0
    root = sandbox.slack.human_writes("C0OPS", "root").ts
    file = upload(channel_id="C0OPS", thread_ts=root)
    clock.seconds += 2.9
    assert (shares(slack, file), len(sandbox.slack.messages)) == ([], 1)
    clock.seconds += 0.1
    (share,) = shares(slack, file)
    assert (share["thread_ts"], share["ts"]) == (root, sandbox.slack.messages[1].ts)


def test_a_share_can_fail_to_come(sandbox: Sandbox, slack: WebClient, upload: Upload) -> None:
    """The fault `unshared`: ok, and then nothing."""
    sandbox.faults.add("files.completeUploadExternal", "unshared")
    file = upload(channel_id="C0OPS")
    assert (shares(slack, file), sandbox.slack.messages) == ([], [])
    assert sandbox.calls[-2]["fault"] == "unshared"


@pytest.mark.parametrize("delay", [0.0, 1.0])
def test_a_thread_that_is_gone_puts_the_file_at_the_root(sandbox, slack, upload: Upload, clock, delay: float) -> None:
    """As a post for it: it need not have been gone when the upload was completed."""
    sandbox.slack.cabinet.share_delay = delay
    root = sandbox.slack.human_writes("C0OPS", "root").ts
    if not delay:
        sandbox.slack.human_deletes("C0OPS", root)
    file = upload(channel_id="C0OPS", thread_ts=root)
    if delay:
        sandbox.slack.human_deletes("C0OPS", root)
    clock.seconds += delay
    (share,) = shares(slack, file)
    assert "thread_ts" not in share


def test_a_locked_thread_takes_no_file(sandbox: Sandbox, slack: WebClient, clock, upload: Upload) -> None:
    """Where the share was to come later, it does not come."""
    sandbox.slack.cabinet.share_delay = 1.0
    root = sandbox.slack.human_writes("C0OPS", "root").ts
    file = upload(channel_id="C0OPS", thread_ts=root)
    sandbox.slack.lock_thread("C0OPS", root)
    clock.seconds += 1
    assert shares(slack, file) == []


def test_a_private_channels_share_is_among_the_private_ones(sandbox: Sandbox, slack: WebClient, upload) -> None:
    """By privacy first, then by channel."""
    sandbox.slack.invite("G0PRIVATE")
    found = slack.files_info(file=upload(channel_id="G0PRIVATE"))["file"]["shares"]
    assert list(found) == ["private"]
    assert len(found["private"]["G0PRIVATE"]) == 1


def test_a_deleted_file_takes_its_message_along(sandbox: Sandbox, slack: WebClient, upload: Upload, refusal) -> None:
    """One that was nothing but the file; with words beside it there remains a tombstone of the file."""
    alone, beside = upload(channel_id="C0OPS"), upload(channel_id="C0OPS", initial_comment="see")
    for file in (alone, beside):
        assert slack.files_delete(file=file)["ok"]
    (left,) = slack.conversations_history(channel="C0OPS")["messages"]
    assert (left["text"], left["files"]) == ("see", [{"id": beside, "mode": "tombstone"}])
    for method in (slack.files_info, slack.files_delete):
        assert refusal(method, file=alone)["error"] == "file_deleted"
        assert refusal(method, file="F0NONE")["error"] == "file_not_found"


def test_a_share_that_is_late_does_not_come_after_the_deletion(sandbox, slack: WebClient, upload, clock) -> None:
    """So that whoever deletes may share again."""
    sandbox.slack.cabinet.share_delay = 5.0
    file = upload(channel_id="C0OPS")
    slack.files_delete(file=file)
    clock.seconds += 5
    assert slack.conversations_history(channel="C0OPS")["messages"] == []


def test_it_deletes_own_files_only(sandbox: Sandbox, slack: WebClient, refusal) -> None:
    """An agent's is theirs."""
    file = sandbox.slack.cabinet.put("a.txt")
    sandbox.slack.human_writes("C0OPS", "", files=[file])
    assert refusal(slack.files_delete, file=file.id)["error"] == "cant_delete_file"


@pytest.mark.parametrize(
    ("rule", "status", "taken"),
    [
        ({"kind": "status", "status": 504}, 504, False),
        ({"kind": "status", "status": 504, "done": True}, 504, True),
        ({"kind": "html"}, 502, False),
        ({"kind": "ratelimited"}, 429, False),
        ({"kind": "error", "code": "too_large", "status": 413}, 413, False),
        ({"kind": "slow", "seconds": 0.01}, 200, True),
        ({"kind": "drip", "interval": 0.001}, 200, True),
    ],
)
def test_the_bytes_suffer_faults_too(sandbox: Sandbox, slack, rule: dict, status: int, taken: bool) -> None:
    """By the name of `files.upload_bytes`, for one file if that is the rule's channel; also of many bytes."""
    content = b"x" * 3_000_000
    place = place_for(slack, len(content))
    sandbox.faults.add("files.upload_bytes", channel=place["file_id"], **rule)
    assert requests.post(place["upload_url"], data=content, timeout=5).status_code == status
    assert (sandbox.slack.cabinet.files[place["file_id"]].content is not None) == taken
    call = sandbox.calls[-1]
    assert (call["method"], call["channel"], call["fault"]) == ("files.upload_bytes", place["file_id"], rule["kind"])


@pytest.mark.parametrize(("kind", "taken"), [("reset_before", False), ("reset_after", True)])
def test_the_bytes_can_end_in_a_reset(sandbox: Sandbox, slack: WebClient, kind: str, taken: bool) -> None:
    """Taken or not."""
    place = place_for(slack)
    sandbox.faults.add("files.*", kind)
    with pytest.raises(requests.ConnectionError):
        requests.post(place["upload_url"], data=b"hello", timeout=5)
    assert (sandbox.slack.cabinet.files[place["file_id"]].content is not None) == taken


@pytest.mark.parametrize("code", ["file_uploads_disabled", "storage_limit_reached", "file_type_not_allowed"])
@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "files.completeUploadExternal", "files.delete"])
def test_a_workspaces_own_rules_can_be_scripted(sandbox, slack, upload, refusal, code: str, method: str) -> None:
    """The word passes through, and nothing is done."""
    file = upload(channel_id="C0OPS")
    sandbox.faults.add(method, "error", code=code)
    calls = {
        "files.getUploadURLExternal": lambda: slack.files_getUploadURLExternal(filename="a", length=1),
        "files.completeUploadExternal": lambda: slack.files_completeUploadExternal(files=[{"id": file}]),
        "files.delete": lambda: slack.files_delete(file=file),
    }
    assert refusal(calls[method])["error"] == code
    assert len(shares(slack, file)) == 1
