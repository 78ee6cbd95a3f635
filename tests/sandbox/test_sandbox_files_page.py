"""Files on the page: both sides attach any, and see pictures, cards and links."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from relay.sandbox import Sandbox, SandboxServer
from relay.sandbox.pictures import built_in
from tests.browser import open_page

LONG = 25_000  # milliseconds; the page looks twice a second


@pytest.fixture
def notes(tmp_path: Path) -> str:
    """A file that is no picture."""
    path = tmp_path / "my notes.txt"
    path.write_bytes(b"hello")
    return str(path)


def test_a_customer_attaches_any_file(server: SandboxServer, sandbox: Sandbox, notes: str) -> None:
    """The chooser offers three pictures and one's own files; what is chosen can be taken back."""
    with open_page(server.url) as page:
        page.get_by_test_id("customer-attach").click(timeout=LONG)
        page.get_by_test_id("customer-upload").set_input_files(notes)
        page.get_by_role("button", name="Remove my notes.txt").click()
        page.get_by_test_id("customer-upload").set_input_files(notes)
        expect(page.locator("#picked")).to_contain_text("my notes.txt")
        page.get_by_test_id("customer-send").click()
        card = page.get_by_test_id("customer-message").get_by_test_id("file")
        expect(card).to_contain_text("my notes.txt", timeout=LONG)
        expect(card).to_contain_text("text/plain · 5 B")
    (line,) = sandbox.kommunicate.conversations["100009"].lines
    assert line.attached is not None
    assert line.attached.content == b"hello"


def test_an_agent_attaches_several_to_a_reply(server: SandboxServer, sandbox: Sandbox, notes: str, tmp_path) -> None:
    """Without words too; the choice outlives what else comes into the thread."""
    root, picture = sandbox.slack.human_writes("C0SUPPORT", "root"), tmp_path / "mug.png"
    picture.write_bytes(built_in("broken-mug.png"))
    with open_page(server.url) as page:
        thread = page.get_by_test_id("slack-thread")
        thread.get_by_test_id("agent-upload").set_input_files([notes, picture], timeout=LONG)
        sandbox.slack.human_writes("C0SUPPORT", "meanwhile", thread_ts=root.ts)
        expect(thread).to_contain_text("meanwhile", timeout=LONG)
        thread.get_by_test_id("agent-send").click()
        expect(thread.locator("a.file")).to_have_count(2, timeout=LONG)
        expect(thread.locator("a.file img[alt='mug.png']")).to_be_visible()
        expect(thread.locator(".picked")).to_be_hidden()
    sent = sandbox.slack.messages[-1]
    assert (sent.thread_ts, [each["name"] for each in sent.files]) == (root.ts, ["my notes.txt", "mug.png"])


def test_an_agent_deletes_one_file_of_a_message(server: SandboxServer, sandbox: Sandbox) -> None:
    """From the menu of their own message; the rest stays."""
    files = [sandbox.slack.cabinet.put(name) for name in ("bill.pdf", "plan.pdf")]
    sandbox.slack.human_writes("C0SUPPORT", "see", files=files)
    with open_page(server.url) as page:
        page.get_by_test_id("message-menu").locator("summary").click(timeout=LONG)
        page.get_by_role("button", name="Delete bill.pdf").click()
        expect(page.get_by_test_id("slack-message").get_by_test_id("file").first).to_contain_text(
            "deleted", timeout=LONG
        )
        page.get_by_test_id("message-menu").locator("summary").click()
        expect(page.get_by_role("button", name="Delete plan.pdf")).to_be_visible()
        expect(page.get_by_role("button", name="Delete bill.pdf")).to_have_count(0)
    assert [file.deleted for file in files] == [True, False]


def test_it_refuses_what_is_too_large_with_a_sentence(server: SandboxServer, sandbox: Sandbox, tmp_path) -> None:
    """On either side."""
    sandbox.slack.human_writes("C0SUPPORT", "root")
    large = tmp_path / "large.bin"
    large.write_bytes(bytes(8_000_001))
    with open_page(server.url) as page:
        page.get_by_test_id("agent-upload").set_input_files(large, timeout=LONG)
        expect(page.locator("#right-note")).to_contain_text("more than 8 MB")
        page.get_by_test_id("customer-upload").set_input_files(large)
        expect(page.locator("#left-note")).to_contain_text("more than 8 MB")
        expect(page.locator(".picked:visible")).to_have_count(0)


def test_addresses_in_a_chat_are_links_that_give_nothing_away(server: SandboxServer, sandbox: Sandbox) -> None:
    """Of the web only, without what ends the sentence, in a tab of their own."""
    words = "See https://a.example/x?y=1. (http://b.example/mug_(cup)) javascript:alert(1) <b>https://c.example</b>"
    sandbox.kommunicate.customer_writes("1", words)
    with open_page(server.url) as page:
        links = page.locator("#chat a")
        expect(links).to_have_count(3, timeout=LONG)
        found = [(each.get_attribute("href"), each.get_attribute("rel")) for each in links.all()]
        expect(page.get_by_test_id("customer-message").locator(".bubble")).to_have_text(words)
    assert found == [
        ("https://a.example/x?y=1", "noopener noreferrer"),
        ("http://b.example/mug_(cup)", "noopener noreferrer"),
        ("https://c.example", "noopener noreferrer"),
    ]


def test_a_rich_picture_is_shown_or_linked(server: SandboxServer, sandbox: Sandbox) -> None:
    """From this machine; from elsewhere the page loads nothing."""
    here = f"http://127.0.0.1:{server.port}/files/receipt.png"
    payload = f'[{{"url": "{here}"}}, {{"url": "https://elsewhere.example/a.png", "caption": "A mug"}}]'
    sandbox.kommunicate.open_conversation("1", "Jane")
    sandbox.kommunicate.staff_writes(
        "1", "look", metadata={"contentType": "300", "templateId": "9", "payload": payload}
    )
    with open_page(server.url) as page:
        shown = page.get_by_test_id("rich-picture")
        expect(shown).to_have_count(2, timeout=LONG)
        expect(shown.nth(0).locator("img")).to_be_visible()
        expect(shown.nth(1)).to_have_text("A mug")
        assert [each.get_attribute("href") for each in shown.all()] == [here, "https://elsewhere.example/a.png"]
