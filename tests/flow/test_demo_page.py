"""`relay demo` as a newcomer sees it: two addresses, threads that grow, a page that answers."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import open_page
from tests.harness import PATIENCE, free_port, wait_for
from tests.processes import RelayProcess, spawned

TOMS_LAST_WORDS = "Can somebody help me, please?"
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
        expect(customer_has(page, TOMS_LAST_WORDS)).to_be_visible(timeout=FIVE_TIMES)  # whatever he writes reopens it
        thread = page.get_by_test_id("slack-thread").filter(has_text="Tom Becker").first
        thread.get_by_test_id("agent-input").fill("We are on it, Tom.")
        thread.get_by_test_id("agent-send").click()
        expect(page.get_by_test_id("customer-message").filter(has_text="We are on it, Tom.")).to_be_visible()
        mine = thread.get_by_test_id("slack-message").filter(has_text="We are on it, Tom.")
        expect(mine.locator(".reactions")).to_contain_text("✅")
        expect(thread.locator(".root")).to_contain_text("with @Alex Rivera")
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


def thread_of(page: Page, name: str) -> Locator:
    return page.get_by_test_id("slack-thread").filter(has_text=name).first


def write(thread: Locator, text: str) -> None:
    thread.get_by_test_id("agent-input").fill(text)
    thread.get_by_test_id("agent-send").click()


def customer_has(page: Page, text: str) -> Locator:
    return page.get_by_test_id("customer-message").filter(has_text=text)


def test_two_agents_answer_a_chat_without_fear(page_url: str) -> None:
    """The question about a note, a colleague who was quicker, a saved reply, thanks, and the overview of open chats."""
    with open_page(page_url) as page:
        page.get_by_test_id("customer-tab-100003").click(timeout=FIVE_TIMES)
        page.get_by_test_id("slack-channel-C0SUPPORT").click()
        expect(customer_has(page, TOMS_LAST_WORDS)).to_be_visible(timeout=3 * FIVE_TIMES)  # the story's end
        tom = thread_of(page, "Tom Becker")
        for text, button in (
            ("(note) he is angry", "Keep internal"),
            ("internal matters are closed", "Send to the customer"),
        ):
            write(tom, text)
            expect(tom.get_by_test_id("slack-whisper")).to_contain_text("Does this go to the customer?")
            tom.get_by_role("button", name=button).click()
            expect(tom.get_by_test_id("slack-whisper")).to_have_count(0)
        expect(customer_has(page, "internal matters are closed")).to_be_visible()
        second = tom.get_by_test_id("slack-message").filter(has_text="internal matters are closed").first
        second.get_by_test_id("message-menu").locator("summary").click()  # it stands under the first one's name
        expect(second.get_by_role("button", name="Delete")).to_be_visible()
        page.keyboard.press("Escape")
        expect(customer_has(page, "he is angry")).to_have_count(0)
        expect(tom.locator(".root")).to_contain_text("answered · with @Alex Rivera")
        tom.locator(".root details").filter(has_text="Release").locator("summary").click()
        tom.locator(".root").get_by_role("button", name="Take over").click()
        expect(tom).to_contain_text("took over this chat")
        page.get_by_test_id("agent").select_option("U0SAM")
        tom.locator(".root details").filter(has_text="Release").locator("summary").click()
        tom.locator(".root").get_by_role("button", name="Take over").click()
        expect(tom.get_by_role("button", name="Take it anyway").or_(page.get_by_role("button", name="Take it anyway"))
               .first).to_be_visible()  # fmt: skip
        page.get_by_role("button", name="Take it anyway").first.click()
        expect(tom.locator(".root")).to_contain_text("with @Sam Okafor")
        tom.locator(".root details").filter(has_text="Kim Larsen").locator("summary").click()
        tom.locator(".root").get_by_role("button", name="Kim Larsen").click()
        expect(tom.locator(".root")).to_contain_text("with @Kim Larsen")
        tom.locator(".root").get_by_test_id("message-menu").locator("summary").click()
        tom.locator(".root").get_by_role("button", name="Saved replies").click()
        form = page.get_by_test_id("slack-form")
        form.locator("summary").click()
        form.get_by_role("button", name="When suits you?").click()
        expect(form.get_by_test_id("form-words")).to_have_value("When may we call you?")
        form.get_by_test_id("form-words").fill("When may we call you, Tom?")
        form.get_by_role("button", name="Send").click()
        expect(customer_has(page, "When may we call you, Tom?")).to_be_visible()
        expect(tom.get_by_test_id("slack-message").filter(has_text="Sent")).to_contain_text(
            "When may we call you, Tom?"
        )
        tom.get_by_role("button", name="Resolve").click()
        expect(tom.locator(".root")).to_contain_text("resolved by sam")
        page.get_by_test_id("customer-input").fill("Thanks, bye!")
        page.get_by_test_id("customer-send").click()
        expect(tom.locator(".root")).to_contain_text("reopened · answered")
        page.get_by_test_id("customer-input").fill("But it still fails")
        page.get_by_test_id("customer-send").click()
        expect(tom.locator(".root")).to_contain_text("waiting since")
        page.get_by_test_id("slack-channel-home").click()
        expect(page.get_by_test_id("slack-home")).to_contain_text("Tom Becker · waiting since")


def test_a_relay_that_is_killed_loses_and_doubles_nothing(page_url: str) -> None:
    """While Slack is broken, and back again; what failed for Kommunicate says so, and then that it was sent."""
    with open_page(page_url) as page:
        page.get_by_test_id("customer-tab-100003").click(timeout=FIVE_TIMES)
        page.get_by_test_id("slack-channel-C0SUPPORT").click()
        tom = thread_of(page, "Tom Becker")
        expect(tom).to_be_visible()
        page.get_by_test_id("break-slack").click()
        page.get_by_test_id("customer-input").fill("Is anybody there at all?")
        page.get_by_test_id("customer-send").click()
        expect(customer_has(page, "Is anybody there at all?")).to_contain_text("received by the relay")
        page.get_by_test_id("kill").click()
        expect(page.get_by_test_id("count")).to_contain_text("1 kill")
        page.get_by_test_id("break-slack").click()
        expect(tom).to_contain_text("Is anybody there at all?")
        expect(page.get_by_test_id("count")).to_contain_text("0 on the way · 0 shown twice")
        write(tom, "One moment, Tom.")
        expect(customer_has(page, "One moment, Tom.")).to_be_visible()
        page.get_by_test_id("break-kommunicate").click()
        write(tom, "I am here, Tom.")
        line = tom.get_by_test_id("slack-message").filter(has_text="I am here, Tom.").filter(has_text="APP")
        expect(line).to_contain_text("May not have arrived", timeout=2 * FIVE_TIMES)
        page.get_by_test_id("break-kommunicate").click()
        line.get_by_role("button", name="Send again").click()
        expect(line).to_contain_text("Sent")
        expect(line.get_by_role("button", name="Send again")).to_have_count(0)
        expect(customer_has(page, "I am here, Tom.")).to_be_visible()


def test_mentions_are_chosen_with_the_keyboard_and_emoji_by_their_names(page_url: str) -> None:
    """A message with a mention stays inside; what is typed by hand is no mention, and is asked about."""
    with open_page(page_url) as page:
        tom = thread_of(page, "Tom Becker")
        box, offers = tom.get_by_test_id("agent-input"), tom.get_by_test_id("offers")
        expect(tom).to_contain_text("Can somebody help me")
        box.focus()
        page.keyboard.type("ask @")
        people = ("Alex", "Sam", "Kim", "here", "channel")
        expect(offers.get_by_role("option")).to_have_text([re.compile(who) for who in people])
        page.keyboard.press("ArrowUp")
        expect(offers.get_by_role("option", selected=True)).to_contain_text("@channel")
        page.keyboard.type("sam")
        page.keyboard.press("Enter")
        page.keyboard.type("in #v")
        expect(offers.get_by_role("option", selected=True)).to_have_text("#vip")
        page.keyboard.press("Tab")
        expect(box).to_have_value("ask @Sam Okafor in #vip ")
        expect(box).to_be_focused()
        page.keyboard.press("Enter")
        note = tom.get_by_test_id("slack-message").filter(has_text="ask @Sam Okafor in #vip")
        expect(note.locator(".mention")).to_have_text(["@Sam Okafor", "#vip"])
        expect(note.locator(".reactions")).to_contain_text("🔒")
        page.keyboard.type("@sam look")
        expect(offers).to_be_hidden()
        page.keyboard.press("Enter")
        expect(tom.get_by_test_id("slack-whisper")).to_contain_text("Does this go to the customer?")
        tom.get_by_role("button", name="Keep internal").click()
        write(tom, "here you are :tada: :+1:")
        expect(customer_has(page, "here you are 🎉 👍")).to_be_visible()
        expect(tom.get_by_test_id("slack-message").filter(has_text="here you are 🎉 👍")).to_be_visible()
        box.focus()
        page.keyboard.type("@")
        page.keyboard.press("Escape")
        expect(offers).to_be_hidden()
        expect(box).to_have_value("@")


def test_the_page_says_what_to_try_next_until_all_was_done(page_url: str) -> None:
    """Each step when the one before is done; it can be skipped and hidden, and is forgotten when it is over."""
    with open_page(page_url, width=390) as page:
        guide, tom = page.get_by_test_id("guide"), thread_of(page, "Tom Becker")
        expect(guide).to_contain_text("1 of 5")
        expect(guide).to_contain_text("Tom Becker is waiting for an answer")
        expect(page.get_by_role("tab", selected=True)).to_have_text("Tom Becker")
        page.get_by_test_id("customer-tab-100001").click()
        write(thread_of(page, "Jane Doe"), "I am here, Jane.")
        expect(customer_has(page, "I am here, Jane.")).to_be_visible()
        page.get_by_test_id("customer-tab-100003").click()
        expect(guide).to_contain_text("1 of 5")  # it was not Tom who was answered
        write(tom, "I am here, Tom.")
        expect(customer_has(page, "I am here, Tom.")).to_be_visible()
        expect(guide).to_contain_text("2 of 5")
        tom.get_by_test_id("agent-input").fill("@Sam")
        tom.get_by_role("option").click()
        tom.get_by_test_id("agent-send").click()
        expect(guide).to_contain_text("3 of 5")
        guide.get_by_role("button", name="Skip").click()
        expect(guide).to_contain_text("4 of 5")
        page.get_by_test_id("break-slack").click()
        page.get_by_test_id("customer-input").fill("Is it my browser?")
        page.get_by_test_id("customer-send").click()
        expect(customer_has(page, "Is it my browser?")).to_be_visible()
        page.get_by_test_id("break-slack").click()
        expect(guide).to_contain_text("5 of 5")
        page.get_by_test_id("kill").click()
        expect(guide).to_contain_text("That is all there is to it")
        page.reload()
        expect(guide).to_contain_text("That is all there is to it")
        guide.get_by_role("button", name="Close").press("Enter")
        expect(guide).to_be_hidden()
        page.reload()
        expect(tom).to_be_visible()
        expect(guide).to_be_hidden()


def test_files_go_both_ways(page_url: str) -> None:
    """A customer's picture and papers in the thread, and an agent's paper in the customer's hands."""
    paper = b"%PDF-1.7\n" + b"the terms " * 300
    with open_page(page_url) as page:
        page.get_by_test_id("customer-tab-100003").click(timeout=FIVE_TIMES)
        page.get_by_test_id("slack-channel-C0SUPPORT").click()
        tom = thread_of(page, "Tom Becker")
        picture = page.request.get(f"{page_url}/files/receipt.png").body()
        for name, kind, content in (("till.png", "image/png", picture), ("bill.pdf", "application/pdf", paper)):
            page.get_by_test_id("customer-upload").set_input_files({"name": name, "mimeType": kind, "buffer": content})
            page.get_by_test_id("customer-input").fill(f"see {name}")
            page.get_by_test_id("customer-send").click()
            expect(tom.get_by_test_id("slack-message").filter(has_text=f"see {name}")).to_be_visible()
        expect(tom.get_by_test_id("slack-message").locator("img[src^='/files/']").first).to_be_visible()
        expect(tom.get_by_test_id("file").filter(has_text="bill.pdf")).to_be_visible()
        tom.get_by_test_id("agent-upload").set_input_files(
            {"name": "terms.pdf", "mimeType": "application/pdf", "buffer": paper}
        )
        write(tom, "these are the terms")
        sent = customer_has(page, "these are the terms")
        expect(sent).to_contain_text("terms.pdf")
        link = sent.get_by_role("link").first.get_attribute("href")
        assert link
        opened = page.request.get(link)
        assert (opened.status, opened.body(), opened.headers["content-type"]) == (200, paper, "application/pdf")
        mine = tom.get_by_test_id("slack-message").filter(has_text="these are the terms")
        expect(mine.locator(".reactions")).to_contain_text("✅")
