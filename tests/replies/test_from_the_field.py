"""Inputs as they are seen in the field, from the webhook to what a person sees: each stands for a kind of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from relay.sandbox.kommunicate.values import BOT, CUSTOMER, Person
from tests.harness import words
from tests.replies.desk import Desk

UNSEEN = "(the customer does not see this in the chat)"


def rich(template: str, payload: Any, **more: Any) -> dict[str, Any]:
    return {"metadata": {"contentType": "300", "templateId": template, "payload": json.dumps(payload), **more}}


# What comes from whom, and what stands in the thread below the name.
SHOWN: dict[str, tuple[str, dict[str, Any], str]] = {
    "a list with HTML": (
        "helper",
        rich("7", {"headerText": "<b>Help</b>", "elements": [
            {"title": "Paying &amp; refunds", "description": "<p>By <b>card</b>.</p><ul><li>or &euro;</li></ul>"}]}),
        "Help\n• Paying & refunds: By card. • or €"),
    "a card that is a link": (
        "helper",
        rich("10", [{"title": "Lamp", "subtitle": "In <i>stock</i>", "description": "Warm<br>light", "url": "https://a.example/l"},
                    {"title": "Desk"}]),
        "Lamp (https://a.example/l)\nIn stock\nWarm\nlight\n———\nDesk"),
    "a question over buttons": (
        "helper", rich("6", [{"title": "Yes"}, {"title": "No &amp; thanks"}], buttonLabel="Did it <b>help</b>?"),
        "Did it help?\nOptions: Yes, No & thanks"),
    "HTML of which nothing is said": (
        "jane", {"message": "<span>Name : Dana</span><br><span>Phone : 555</span><br>"}, "Name : Dana\nPhone : 555"),
    "lines beside HTML": ("jane", {"message": "Line 7.\n\n<i>Did it help?</i>"}, "Line 7.\n\nDid it help?"),
    "words with angle brackets": (
        "jane", {"message": "I <3 it, a < b, mail <dana@team.test>"}, "I <3 it, a < b, mail <dana@team.test>"),
    "plain mail that is called HTML": (
        "jane", {"message": "Hello,\n\nmy id is <4471>\nDana", "contentType": 3}, "Hello,\n\nmy id is <4471>\nDana"),
    "mail with a picture and lines": (
        "jane",
        {"message": "<div>see<img src='cid:1' alt='image.png'></div><pre>id    qty\n4471  2</pre>", "contentType": 3},
        "see (picture: image.png)\nid    qty\n4471  2"),
    "a form that the customer does not see": (
        "jane",
        {"message": "sent\nOrder : 4471\nPIN : 1234", "metadata": {
            "category": "HIDDEN", "KM_CHAT_CONTEXT": json.dumps({"formData": {"Order": "4471", "PIN": "1234"}})}},
        f"{UNSEEN}\nsent\nOrder : 4471"),
    "a form's answers in the context": (
        "jane",
        {"message": "sent", "metadata": {"KM_CHAT_CONTEXT": {"formData": {"Day": "12-24", "PIN": "1234"}}}},
        f"sent\n{UNSEEN}\nDay: 12-24"),
    "a place": (
        "jane", {"message": '{"lat": "45.76", "lon": "4.83", "name": "Lyon"}'},
        "Location: Lyon, 45.76, 4.83\nhttps://www.openstreetmap.org/?mlat=45.76&mlon=4.83"),
    "a place in the context": (
        "jane",
        {"message": "I am here", "metadata": {"KM_CHAT_CONTEXT": {"attachments": [
            {"type": "location", "payload": {"lat": 1, "lon": 2}}]}}},
        "I am here\nLocation: 1, 2\nhttps://www.openstreetmap.org/?mlat=1&mlon=2"),
    "suggestions without words": (
        "helper",
        {"metadata": {"KM_AUTO_SUGGESTION": json.dumps({"placeholder": "city", "source": ["POS", "JFK"]})}},
        "Suggestions (city): POS, JFK"),
}  # fmt: skip


@pytest.fixture
def chat(make_desk: Callable[..., Desk]) -> Desk:
    desk = make_desk(replies={"undo_seconds": 0})
    desk.sandbox.kommunicate.people["helper"] = Person("helper", "Helper", BOT)
    desk.customer("m1")
    return desk


@pytest.mark.parametrize(("sender", "fields", "shown"), SHOWN.values(), ids=SHOWN)
def test_it_is_shown_as_a_person_reads_it(chat: Desk, sender: str, fields: dict[str, Any], shown: str) -> None:
    chat.webhook(sender, **fields)
    assert below_the_name(chat) == shown


@pytest.mark.parametrize(("sender", "is_shown"), [("jane", True), ("helper", False), ("nobody", False)])
def test_words_that_the_chat_hides_are_shown_of_a_customer_alone(chat: Desk, sender: str, is_shown: bool) -> None:
    """Of somebody who is known to be one: of whom nobody knows it, they may be the system's."""
    chat.sandbox.kommunicate.people["jane"] = Person("jane", "Jane", CUSTOMER)
    for one in ("jane", "helper"):
        chat.webhook(one, message="hello")
    chat.webhook(sender, message="my order is 4471", metadata={"category": "HIDDEN"})
    shown = f"{UNSEEN}\nmy order is 4471"
    assert [shown in one for one in chat.shown()] == [False, False, False, *([True] if is_shown else [])]


def test_a_chat_does_not_begin_with_hidden_words(chat: Desk) -> None:
    chat.sandbox.kommunicate.people["jane"] = Person("jane", "Jane", CUSTOMER)
    chat.webhook("jane", message="hello")
    chat.webhook("jane", message="my order is 4471", metadata={"category": "HIDDEN"}, groupId=999)
    assert len(chat.roots()) == 1


def below_the_name(desk: Desk) -> str:
    (_, *blocks) = desk.roots_and_replies()[-1]["blocks"]
    return words({"blocks": blocks})


def links(node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict) and node.get("type") == "link":
        yield node["url"], node["text"]
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from links(each)


def test_links_in_any_script_open_what_they_say(chat: Desk) -> None:
    text = "Seht https://de.a.example/Köln, „https://b.example/?so=Glück&x=1|2“ und www.c.example"
    chat.webhook("jane", message=text)
    assert below_the_name(chat) == text
    assert list(links(chat.roots_and_replies()[-1]["blocks"])) == [
        ("https://de.a.example/K%C3%B6ln", "https://de.a.example/Köln"),
        ("https://b.example/?so=Gl%C3%BCck&x=1%7C2", "https://b.example/?so=Glück&x=1|2"),
        ("http://www.c.example", "www.c.example"),
    ]


def test_a_link_before_a_forms_answers_is_whole(chat: Desk) -> None:
    answers = {"KM_CHAT_CONTEXT": {"formData": {"Order": "4471"}}}
    chat.webhook("jane", message="mail to jane@a.example", metadata=answers)
    assert list(links(chat.roots_and_replies()[-1]["blocks"])) == [("mailto:jane@a.example", "jane@a.example")]


def test_a_bots_markdown_is_formatted(chat: Desk) -> None:
    chat.webhook("helper", message="**Refunds**:\n\n1. Open [orders](https://a.example/o)\n2. Press `Refund`")
    (_, block) = chat.roots_and_replies()[-1]["blocks"]
    bold, numbered = block["elements"]
    assert bold["elements"][0] == {"type": "text", "text": "Refunds", "style": {"bold": True}}
    assert (numbered["type"], numbered["style"], len(numbered["elements"])) == ("rich_text_list", "ordered", 2)
    assert list(links(block)) == [("https://a.example/o", "https://a.example/o")]


FORWARD = {"is_msg_unfurl": True, "is_share": True, "author_name": "bob", "text": "It was approved."}
PICTURE = {"type": "image", "block_id": "g1", "image_url": "https://a.example/x.gif", "alt_text": "reset"}
# What an agent's message holds beside its text, what reaches the customer, and what the agent is told.
SENT: dict[str, tuple[str, dict[str, Any], list[str], str]] = {
    "a forwarded message alone": (
        "", {"attachments": [FORWARD]}, [],
        "Not sent to the customer: forwarded messages do not reach the customer yet."),
    "a forwarded message beside words": (
        "See:", {"attachments": [FORWARD]}, ["See:"],
        "Only part of it was sent: forwarded messages do not reach the customer yet."),
    "a picture beside words": (
        "Like this:", {"blocks": [PICTURE]}, ["Like this:"],
        "Only part of it was sent: pictures do not reach the customer yet."),
    "a poll that nobody knows": (
        "Vote!", {"blocks": [{"type": "poll_of_an_app"}]}, ["Vote!"],
        "Only part of it was sent: attachments do not reach the customer yet."),
    "file names that became links": (
        "Open <http://README.md|README.md>", {}, ["Open README.md"], ""),
    "an emoji by its name": ("Thanks :slightly_smiling_face:", {}, ["Thanks 🙂"], ""),
}  # fmt: skip


@pytest.mark.parametrize(("text", "beside", "reached", "told"), SENT.values(), ids=SENT)
def test_nothing_vanishes_on_its_way_to_the_customer(
    chat: Desk, text: str, beside: dict[str, Any], reached: list[str], told: str
) -> None:
    chat.carry()
    chat.agent(text, raw=True)
    (item,) = chat.mail
    body = json.loads(item.body)
    body["event"] = {**body["event"], "blocks": [], "text": text, **beside}
    item.body = json.dumps(body).encode()
    chat.sandbox.slack.sender.sign(item)
    chat.carry()
    chat.run(10)
    assert [line.removeprefix("Alex Moreau: ") for line in chat.reached()] == reached
    said = [sentence for _, sentence in chat.whispers()] + [words(one) for one in chat.roots_and_replies()]
    assert not told or any(told in line for line in said)
    assert chat.marks()[text] == (["failed"] if not reached else ["partly"] if told else ["sent"])


def test_a_bots_markdown_is_words_in_the_card_and_in_previews(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    desk.sandbox.kommunicate.people["helper"] = Person("helper", "Helper", BOT)
    desk.webhook("helper", message="**Refunds** take *5 days*.\n\n1. Open [orders](https://a.example/o)")
    desk.webhook("jane", message="**my** words")
    card, *posts = desk.roots_and_replies()
    assert "Refunds take 5 days. Open orders (https://a.example/o)" in words(card) + posts[0]["text"]
    assert "**Refunds" not in str(card) + posts[0]["text"]
    assert "**my** words" in posts[-1]["text"]
