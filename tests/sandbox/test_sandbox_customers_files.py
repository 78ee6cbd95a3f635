"""Files of customers: what the webhook tells of them, and who may read them for how long."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from relay.sandbox import Sandbox, SandboxServer
from relay.sandbox.kommunicate.files import CustomerFile

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
KEY = {"Api-Key": "sandbox-key"}


@pytest.fixture
def told(sandbox: Sandbox, receiver):
    """Has the customer send a file; returns the webhook's `file`."""

    def send(file: CustomerFile | dict[str, Any]) -> dict[str, Any]:
        sandbox.kommunicate.customer_writes("1", "see", file=file)
        assert sandbox.wait_idle()
        return receiver.bodies[-1]["file"]

    return send


def signed(server: SandboxServer, key: str, headers: dict[str, str] | None = None) -> requests.Response:
    """Asks for the signed address of a file."""
    address = f"{server.kommunicate_api_url}/rest/ws/file/url"
    return requests.get(address, params={"key": key}, headers=KEY if headers is None else headers, timeout=5)


def get(address: str) -> requests.Response:
    return requests.get(address, timeout=5)


def test_a_public_file_is_at_its_address(server: SandboxServer, sandbox: Sandbox, told) -> None:
    """On the API's own origin, under the name and type that the customer's machine gave it."""
    file = told(sandbox.kommunicate.files.public("my report (1).pdf", b"%PDF-"))
    assert file == {
        "name": "my report (1).pdf",
        "url": f"{server.kommunicate_api_url}/files/my-report--1-.pdf",
        "contentType": "application/pdf",
        "size": 5,
    }
    answer = get(file["url"])
    assert (answer.content, answer.headers["Content-Type"]) == (b"%PDF-", "application/pdf")
    assert sandbox.calls[-1]["method"] == "/files/my-report--1-.pdf"


def test_only_a_picture_has_a_thumbnail(sandbox: Sandbox, told) -> None:
    """By its bytes."""
    files = sandbox.kommunicate.files
    assert told(files.public("a.png", PNG))["thumbnailUrl"].endswith("/files/a.png")
    assert "thumbnailUrl" not in told(files.public("b.png", b"no picture"))
    assert "thumbnailUrl" not in told(files.private("c.png", PNG))


@pytest.mark.parametrize(
    ("address", "url"), [("none", ""), ("unsigned", "/files/AWS-ENCRYPTED-a.pdf"), ("blob", "/rest/ws/aws/file/")]
)
def test_a_private_file_needs_a_signed_address(server, sandbox: Sandbox, told, address, url: str) -> None:
    """Whatever the webhook tells, the blobKey leads to one."""
    kept = sandbox.kommunicate.files.private("a.pdf", b"%PDF-", address=address)
    file = told(kept)
    assert (file["name"], url in file["url"], bool(file["url"])) == ("AWS-ENCRYPTED-a.pdf", True, bool(url))
    assert file.get("blobKey", file["url"].rpartition("/")[2]) == kept.blob_key
    if url:
        assert get(file["url"]).status_code == 403
    answer = signed(server, kept.blob_key)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert get(answer.text).content == b"%PDF-"


@pytest.mark.parametrize("headers", [{}, {"Api-Key": "other"}])
def test_a_signed_address_is_for_those_with_the_key(server, sandbox: Sandbox, headers: dict) -> None:
    """401, as for every call; without a blobKey it is no question."""
    kept = sandbox.kommunicate.files.private("a.pdf", b"x")
    assert signed(server, kept.blob_key, headers).status_code == 401
    assert signed(server, "").json()["status"] == "error"
    assert signed(server, "nothing").status_code == 404


@pytest.mark.parametrize("lifetime", [900.0, 5.0])
def test_a_signed_address_expires(server, sandbox: Sandbox, clock, lifetime: float) -> None:
    """After a quarter of an hour, unless told otherwise; another one is good again."""
    files = sandbox.kommunicate.files
    kept, files.lifetime = files.private("a.pdf", b"x"), lifetime
    address = signed(server, kept.blob_key).text
    clock.seconds += lifetime
    assert get(address).status_code == 200
    clock.seconds += 1
    assert get(address).status_code == 403
    assert get(signed(server, kept.blob_key).text).status_code == 200


def test_a_signature_is_for_one_file_and_time(server, sandbox: Sandbox) -> None:
    """Nobody can make up another."""
    files = sandbox.kommunicate.files
    first, second = (signed(server, files.private(name, b"x").blob_key).text for name in ("a.pdf", "b.pdf"))
    query = first.partition("?")[2]
    assert get(f"{second.partition('?')[0]}?{query}").status_code == 403
    assert get(first.replace("Expires=1", "Expires=2")).status_code == 403
    assert get(first.replace("Signature=", "Signature=x")).status_code == 403


def test_a_deleted_file_is_nowhere(server, sandbox: Sandbox) -> None:
    """404, also at an address that was signed before."""
    files = sandbox.kommunicate.files
    public, private = files.public("a.pdf", b"x"), files.private("b.pdf", b"x")
    addresses = [files.told(public)["url"], signed(server, private.blob_key).text]
    for file in (public, private):
        files.delete(file)
    assert [get(address).status_code for address in addresses] == [404, 404]
    assert signed(server, private.blob_key).status_code == 404


def test_a_public_file_can_be_found_by_its_key_too(server, sandbox: Sandbox) -> None:
    """At the two addresses that clients make up."""
    kept = sandbox.kommunicate.files.public("a.pdf", b"x")
    for path in ("aws/file", "attachment"):
        assert get(f"{server.kommunicate_api_url}/rest/ws/{path}/{kept.blob_key}").content == b"x"


def test_two_files_of_one_name_are_two(sandbox: Sandbox, server) -> None:
    """Each at its own address."""
    files = sandbox.kommunicate.files
    kept = [files.public("a.pdf", content) for content in (b"1", b"2")]
    assert [get(files.told(file)["url"]).content for file in kept] == [b"1", b"2"]


def test_a_file_can_be_told_of_in_any_words(server, sandbox: Sandbox, told) -> None:
    """A field that is wrong, or the whole of it; a type that is none is not believed by the server."""
    kept = sandbox.kommunicate.files.public("a", b"x", content_type="", size="12 kB")
    assert (told(kept)["contentType"], told(kept)["size"]) == ("", "12 kB")
    assert get(told(kept)["url"]).headers["Content-Type"] == "application/octet-stream"
    assert told({"url": "ftp://x", "name": None}) == {"url": "ftp://x", "name": None}


def test_a_page_from_a_customer_is_not_shown(sandbox: Sandbox, server) -> None:
    """A browser saves it."""
    kept = sandbox.kommunicate.files.public("a.html", b"<script>", content_type="text/html")
    assert get(sandbox.kommunicate.files.told(kept)["url"]).headers["Content-Disposition"] == "attachment"


def test_the_list_calls_it_file_meta_and_has_its_key(sandbox: Sandbox, rest) -> None:
    """Also where the webhook has dropped that."""
    kept = sandbox.kommunicate.files.private("a.pdf", b"x", address="blob")
    sandbox.kommunicate.customer_writes("1", file=kept)
    meta = rest("GET", "/message/v2/list", params={"groupId": "1"})["message"][0]["fileMeta"]
    assert (meta["blobKey"], meta["name"]) == (kept.blob_key, "AWS-ENCRYPTED-a.pdf")


def test_the_team_sends_files_too(sandbox: Sandbox, receiver) -> None:
    """From Kommunicate's own dashboard."""
    sandbox.kommunicate.open_conversation("1", "Jane")
    kept = sandbox.kommunicate.files.public("a.pdf", b"x")
    sandbox.kommunicate.staff_writes("1", "", user_id="alex@sandbox.test", file=kept)
    assert sandbox.wait_idle()
    assert receiver.bodies[0]["file"]["name"] == "a.pdf"


@pytest.mark.parametrize("method", ["/files/a.pdf", "/files/*", "/*"])
def test_a_download_suffers_faults_by_path(sandbox: Sandbox, server, method: str) -> None:
    """The path below the API's base; a `*` at its end is whatever begins so."""
    kept = sandbox.kommunicate.files.public("a.pdf", b"%PDF-")
    sandbox.faults.add("/rest/*", "status")
    sandbox.faults.add(method, "status", status=504)
    answers = [get(sandbox.kommunicate.files.told(kept)["url"]) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [504, 200]
    assert [call["fault"] for call in sandbox.calls] == ["status", None]


@pytest.mark.parametrize(
    ("kind", "more"), [("truncated", {}), ("reset_before", {}), ("reset_after", {}), ("drip", {"interval": 0.2})]
)
def test_a_download_can_end_badly(sandbox: Sandbox, server, kind: str, more: dict[str, Any]) -> None:
    """Cut off, or slower than its reader's patience."""
    kept = sandbox.kommunicate.files.public("a.pdf", b"%PDF-")
    sandbox.faults.add("/files/*", kind, **more)
    with pytest.raises(requests.RequestException):
        requests.get(sandbox.kommunicate.files.told(kept)["url"], timeout=0.1)


def test_the_question_for_an_address_suffers_faults_too(sandbox: Sandbox, server) -> None:
    """By its path, like every call."""
    kept = sandbox.kommunicate.files.private("a.pdf", b"x")
    sandbox.faults.add("/rest/ws/file/url", "status", status=503)
    sandbox.faults.add("/rest/ws/file/url", "html", status=200)
    answers = [signed(server, kept.blob_key) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 200, 200]
    assert answers[1].text.startswith("<html>")
    assert answers[2].text.startswith("http")
