"""The status page in a browser, before a relay that delivers: signing in, searching, reading, sending again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from relay.sandbox import Sandbox, SandboxServer
from tests.browser import open_page
from tests.harness import body, environment, timeline, wait_for, words
from tests.processes import RelayProcess

PASSWORD = "correct horse battery staple"
PAGES = ("/", "/conversations", "/conversations/1", "/dead-letters", "/channels", "/try", "/settings")
SERIOUS = ("serious", "critical")
SOON = 25_000  # milliseconds


@dataclass(frozen=True)
class Running:
    """A relay with its page, against a sandbox."""

    relay: RelayProcess
    slack: SandboxServer

    @property
    def url(self) -> str:
        return self.relay.url


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("page")
    with SandboxServer(Sandbox(pace=0)) as server:
        env = environment(server, f"sqlite:///{folder}/relay.db", RELAY_ADMIN_PASSWORD=PASSWORD)
        relay = RelayProcess("serve", cwd=folder, env=env)
        try:
            relay.wait_ready()
            relay.post(body("k1", 123456, "Hello there"))
            assert wait_for(lambda: any("Hello there" in words(one) for one in timeline(server) if one["thread_ts"]))
            yield Running(relay, server)
        finally:
            relay.kill()


def sign_in(page: Page, password: str = PASSWORD) -> None:
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def fits(page: Page) -> bool:
    """True where nothing has to be scrolled to the side."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def test_somebody_searches_reads_and_sends_again(running: Running) -> None:
    """And the pages follow by themselves."""
    slack = running.slack.sandbox
    slack.faults.add("chat.postMessage", "error", code="msg_too_long", times=None)
    running.relay.post(body("k2", 123456, "Refund please"))
    with open_page(f"{running.url}/dead-letters") as page:
        sign_in(page)
        expect(page.get_by_role("heading", name="Dead letters")).to_be_visible()
        letter = page.locator(".letters li").filter(has_text="msg_too_long")
        expect(letter).to_be_visible(timeout=SOON)
        page.get_by_role("link", name="Overview").click()
        expect(page.locator("h1")).to_have_text(re.compile(r"needs? you: .*1 dead letter"))
        expect(
            page.locator(".verdict li").filter(has_text="1 message was given up in the last 24 hours")
        ).to_be_visible()
        page.get_by_role("link", name="Conversations").click()
        page.get_by_label("Search").fill("refund")
        page.get_by_label("Where").select_option("What was said")
        page.get_by_role("button", name="Search").click()
        page.locator(".chats a.name").click()
        story = page.locator(".story")
        expect(story).to_contain_text("Refund please")
        expect(story).to_contain_text("given up")
        story.locator(".task summary").first.click()
        expect(story.locator(".attempts").first).to_contain_text("msg_too_long")
        slack.faults.clear()
        page.get_by_role("button", name="Replay").click()
        expect(page.locator(".said")).to_contain_text("Queued again.")
        expect(story.locator(".task").first).to_contain_text("delivered", timeout=SOON)
    shown = [one for one in timeline(running.slack) if "Refund please" in words(one) and one["thread_ts"]]
    assert len(shown) == 1


def test_the_overview_follows_without_a_reload(running: Running) -> None:
    with open_page(running.url) as page:
        sign_in(page)
        received = page.locator(".card").first.locator(".charts b").first
        before = int(received.inner_text())
        page.evaluate("window.stayed = true")
        running.relay.post(body(f"live-{before}", 123456, "One more"))
        expect(received).to_have_text(str(before + 1), timeout=SOON)
        expect(page.locator("#pulse")).to_have_text("Live")
        assert page.evaluate("window.stayed")


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_and_can_be_read_by_all(running: Running, width: int, scheme: str) -> None:
    """axe-core finds nothing serious, contrast included; a phone needs no scrolling to the side."""
    with open_page(running.url, width=width) as page:
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        found = [serious(page)]
        assert fits(page)
        sign_in(page)
        for path in PAGES:
            page.goto(f"{running.url}{path}")
            page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")
            assert fits(page), path
            found.append(serious(page))
    assert [one for each in found for one in each] == []


def serious(page: Page) -> list[str]:
    """What axe-core finds on a page."""
    results = Axe().run(page)
    return [
        f"{page.url}: {one['id']}: {one['nodes'][0]['html'][:200]}"
        for one in results.response["violations"]
        if one["impact"] in SERIOUS
    ]


def test_without_javascript_it_is_as_good(running: Running) -> None:
    with open_page("about:blank") as blank:
        assert blank.context.browser is not None
        page = blank.context.browser.new_context(java_script_enabled=False).new_page()
        page.goto(running.url)
        sign_in(page)
        expect(page.locator("h1")).to_be_visible()
        for name in ("Conversations", "Dead letters", "Channels", "Settings"):
            page.get_by_role("link", name=name).click()
            expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
        page.get_by_role("link", name="Try a message").click()
        page.get_by_role("button", name="Try it").click()
        expect(page.locator("h2").first).to_have_text("It goes to C0SUPPORT.")
        expect(page.locator("pre").first).to_contain_text("my order has not arrived")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_wrong_passwords_are_slowed(running: Running) -> None:
    """The last one here: whoever comes from this address has to wait afterwards."""
    with open_page(f"{running.url}/login") as page:
        for _ in range(3):
            sign_in(page, "wrong")
            expect(page.get_by_role("alert")).to_have_text("That is not the password.")
        for _ in range(2):
            sign_in(page, "wrong")
            expect(page.get_by_role("alert")).to_have_text(
                re.compile(r"Too many wrong passwords\. Try again in \d+ second")
            )
        assert page.context.cookies() == [one for one in page.context.cookies() if one["name"] == "relay_login"]
