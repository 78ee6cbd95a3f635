"""`relay demo` as a newcomer sees it: two addresses, threads that grow, a page that answers."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser import open_page
from tests.harness import PATIENCE, free_port, wait_for
from tests.processes import RelayProcess, spawned

FIVE_TIMES = 25_000  # milliseconds: threads are promised within five seconds
expect.set_options(timeout=FIVE_TIMES)


@pytest.fixture
def page_url(tmp_path: Path) -> Iterator[str]:
    ports = str(free_port()), str(free_port())
    demo = RelayProcess("demo", "--port", ports[0], "--sandbox-port", ports[1], cwd=tmp_path, env={}, start=spawned)
    log = tmp_path / "relay.log"
    try:
        assert wait_for(lambda: "Ctrl+C ends it" in log.read_text())
        found = re.search(r"http://127\.0\.0\.1:\d+", log.read_text())
        assert found
        yield found.group()
        demo.process.send_signal(signal.SIGINT)
        assert demo.process.wait(PATIENCE) == 0
    finally:
        demo.kill()


@pytest.mark.long
def test_three_customers_chat_by_themselves_and_threads_grow(page_url: str) -> None:
    with open_page(page_url) as page:
        expect(page.get_by_test_id("slack-thread").first).to_be_visible()
        expect(page.get_by_test_id("slack-message").nth(2)).to_be_visible()


@pytest.mark.long
def test_what_is_typed_as_a_customer_shows_up_in_slack(page_url: str) -> None:
    with open_page(page_url) as page:
        expect(page.get_by_test_id("slack-thread").first).to_be_visible()
        page.get_by_test_id("customer-tab-100001").click()
        page.get_by_test_id("slack-channel-C0SUPPORT").click()
        page.get_by_test_id("customer-input").fill("Is anybody there? <!channel>")
        page.get_by_test_id("customer-send").click()
        shown = page.get_by_test_id("slack-message").filter(has_text="Is anybody there? <!channel>")
        expect(shown.first).to_be_visible()


def test_an_agent_replies_resolves_and_the_customer_comes_back(page_url: str) -> None:
    """Both sides of the page: words there and back, the mark on the agent's own, and the card that follows."""
    with open_page(page_url) as page:
        page.get_by_test_id("customer-tab-100003").click(timeout=FIVE_TIMES)
        page.get_by_test_id("slack-channel-C0SUPPORT").click()
        thread = page.get_by_test_id("slack-thread").filter(has_text="Tom Becker").first
        thread.get_by_test_id("agent-input").fill("We are on it, Tom.")
        thread.get_by_test_id("agent-send").click()
        expect(page.get_by_test_id("customer-message").filter(has_text="We are on it, Tom.")).to_be_visible()
        mine = thread.get_by_test_id("slack-message").filter(has_text="We are on it, Tom.")
        expect(mine.locator(".reactions")).to_contain_text("✅")
        expect(thread.locator(".root")).to_contain_text("with alex")
        thread.get_by_role("button", name="Resolve").click()
        expect(thread.locator(".root")).to_contain_text("resolved by alex")
        page.get_by_test_id("customer-input").fill("It happens again")
        page.get_by_test_id("customer-send").click()
        expect(thread.locator(".root")).to_contain_text("reopened")
        expect(thread.locator(".root")).to_contain_text("It happens again")


@pytest.mark.long
def test_a_picture_attached_as_a_customer_shows_up_in_slack(page_url: str) -> None:
    with open_page(page_url) as page:
        expect(page.get_by_test_id("slack-thread").first).to_be_visible()
        page.get_by_test_id("customer-tab-100001").click()
        page.get_by_test_id("slack-channel-C0SUPPORT").click()
        page.get_by_test_id("customer-attach").click()
        page.locator("[data-testid^='picture-']").first.click()
        page.get_by_test_id("customer-input").fill("This is what I got")
        page.get_by_test_id("customer-send").click()
        shown = page.get_by_test_id("slack-message").filter(has_text="This is what I got")
        expect(shown.locator("img[src^='/files/']").first).to_be_visible()
