"""The demo as README and docs/agents.md show it: `python -m tests.contact_sheet_demo` writes three pictures.

Tom waits for an answer (demo.png), the Home tab of an agent with two chats (home.png), and Jane's thread after she came
back (reopened.png). Needs a font with coloured emoji.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.browser import open_page
from tests.harness import PATIENCE, ROOT, free_port, wait_for
from tests.processes import RelayProcess, spawned

DOCS = ROOT / "docs"
SLOW = 90_000  # milliseconds


def thread_of(page: Page, name: str) -> Locator:
    """The thread of one customer."""
    return page.get_by_test_id("slack-thread").filter(has_text=name).first


def write(thread: Locator, text: str, mark: str) -> None:
    """Write as an agent, and wait for the mark."""
    thread.get_by_test_id("agent-input").fill(text)
    thread.get_by_test_id("agent-send").click()
    mine = thread.get_by_test_id("slack-message").filter(has_text=text)
    expect(mine.locator(".reactions").last).to_contain_text(mark)


def customer_writes(page: Page, tab: str, text: str) -> None:
    """Write as a customer."""
    page.get_by_test_id(f"customer-tab-{tab}").click()
    page.get_by_test_id("customer-input").fill(text)
    page.get_by_test_id("customer-send").click()


def draw(page: Page) -> None:
    """Take all three pictures."""
    page.get_by_test_id("customer-tab-100003").click()
    page.get_by_test_id("slack-channel-C0SUPPORT").click()
    tom, jane = thread_of(page, "Tom Becker"), thread_of(page, "Jane Doe")
    expect(tom).to_contain_text("Can somebody help me")
    expect(page.get_by_test_id("count")).to_contain_text("0 on the way")
    page.wait_for_load_state("networkidle")
    tom.get_by_test_id("agent-input").scroll_into_view_if_needed()
    page.screenshot(path=DOCS / "demo.png")
    write(jane, "note: third broken mug this week, tell the warehouse", "🔒")
    write(jane, "So sorry, Jane! A new mug leaves us today, and this one is yours to keep.", "✅")
    expect(jane.locator(".root")).to_contain_text("answered · with @Alex Rivera")
    page.get_by_test_id("slack-channel-home").click()
    home = page.get_by_test_id("slack-home")
    expect(home).to_contain_text("2 customers are waiting.")
    expect(home).to_contain_text("answered")
    home.screenshot(path=DOCS / "home.png")
    page.get_by_test_id("slack-channel-C0SUPPORT").click()
    jane.get_by_role("button", name="Resolve").click()
    expect(jane.locator(".root")).to_contain_text("resolved by alex")
    customer_writes(page, "100001", "The new mug is here. Can I order a second one?")
    expect(jane.locator(".root")).to_contain_text("reopened")
    expect(jane.get_by_test_id("slack-message").last).to_contain_text("a second one?")
    page.set_viewport_size({"width": 1280, "height": 1500})
    jane.screenshot(path=DOCS / "reopened.png")


def main() -> None:
    """Run the demo, and draw it."""
    with tempfile.TemporaryDirectory() as folder:
        ports = str(free_port()), str(free_port())
        options = ("--port", ports[0], "--sandbox-port", ports[1])
        demo = RelayProcess("demo", *options, cwd=Path(folder), env={}, start=spawned)
        log = Path(folder) / "relay.log"
        try:
            assert wait_for(lambda: "Ctrl+C ends it" in log.read_text(), PATIENCE)
            found = re.search(r"http://127\.0\.0\.1:\d+", log.read_text())
            assert found
            expect.set_options(timeout=SLOW)
            with open_page(found.group()) as page:
                draw(page)
        finally:
            demo.kill()


if __name__ == "__main__":
    main()
