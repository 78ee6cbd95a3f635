"""Details are hidden wherever words of a customer can be read in Slack, in reports and in logs; on both databases."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import yaml
from sqlalchemy import select
from structlog.testing import capture_logs

from relay.delivery.handlers import HANDLERS
from relay.errors import RateLimited
from relay.sandbox.kommunicate.values import AGENT, BOT, CUSTOMER, Person
from relay.sandbox.slack.interactions import open_home, type_command
from relay.sandbox.slack.values import TEAM_ID
from relay.slack.identity import Identity
from relay.store.db.tables import received
from tests.harness import ROOT, picture, words
from tests.privacy.conftest import Wire
from tests.privacy.corpus import ALL
from tests.replies.desk import GROUP, Desk
from tests.replies.test_withdrawn import send, withdraw
from tests.store.shelf import rows

CARD, MAIL = "4111 1111 1111 1111", "jane@example.com"
PIECES = ("4111 1111", "41111111", "1111 1111", "11111111", "jane@", "example.com")


def leaks(wire: Wire) -> list[str]:
    """The pieces of a card's number and an address that Slack was sent in some way."""
    return [piece for piece in PIECES if piece in str(wire)]


def thread(desk: Desk) -> str:
    return "\n".join(words(one) for one in desk.roots_and_replies() if one["thread_ts"])


def test_the_words_of_a_message_and_one_line_below(desk: Desk, wire: Wire) -> None:
    desk.webhook("jane", message=f"it is {CARD}")
    assert "it is [payment card hidden]" in thread(desk)
    last = desk.roots_and_replies()[-1]["blocks"][-1]["elements"]
    assert last[0]["text"] == "1 detail hidden:"
    assert last[1]["text"].endswith("|Open in Kommunicate>")
    desk.webhook("jane", message=f"{CARD} {MAIL}")
    assert desk.roots_and_replies()[-1]["blocks"][-1]["elements"][0]["text"] == "2 details hidden:"
    assert leaks(wire) == []


@pytest.mark.parametrize("begins", ["", "a root, "])
def test_what_waits_for_its_channel_when_the_setting_is_made(make_desk: Callable[..., Desk], begins: str) -> None:
    """It was made ready before, word for word."""
    desk = make_desk()
    if not begins:
        desk.webhook("jane", message="hello")
    desk.sandbox.slack.archive("C0SUPPORT")
    desk.webhook("jane", message=f"{begins}it is {CARD}")
    assert [CARD in row.payload for row in rows(desk.store, "sends", state="frozen")] == [True]
    desk.restart(redact=ALL)
    desk.sandbox.slack.archive("C0SUPPORT", archived=False)
    desk.run(310)
    assert "it is [payment card hidden]" in thread(desk)
    assert not [piece for piece in PIECES if piece in json.dumps(desk.roots_and_replies())]


def test_of_a_message_that_stands_there_half_nothing_is_lost_or_doubled(make_desk: Callable[..., Desk]) -> None:
    desk, said = make_desk(), [f"m{number}" for number in range(5000)]
    desk.webhook("jane", message="hello")
    desk.fault("error", code="is_archived", after=1, times=1)
    desk.webhook("jane", message=" ".join([CARD] * 40 + said))
    assert 0 < len(desk.told()) < len(said)
    desk.webhook("jane", message=f"and {CARD}")
    desk.restart(redact=ALL)
    desk.run(310)
    assert desk.told() == said
    assert "and [payment card hidden]" in thread(desk)


def test_of_a_message_of_which_half_may_stand_there_nothing_is_lost_or_doubled(make_desk: Callable[..., Desk]) -> None:
    """Slack took the first part, its answer was lost, and nobody has found the post yet."""
    desk, said = make_desk(), [f"m{number}" for number in range(5000)]
    desk.webhook("jane", message="hello")
    desk.fault("reset_after")
    desk.fault("status", method="conversations.replies", times=None)
    desk.webhook("jane", message=" ".join([CARD] * 40 + said))
    assert [len(rows(desk.store, "sends", kind="post", state=state)) for state in ("unsure", "frozen")] == [1, 3]
    desk.sandbox.faults.clear()
    desk.restart(redact=ALL)
    desk.run(310)
    told = desk.told()
    assert (len(told), told == said) == (len(said), True)


@pytest.mark.parametrize("begins", ["", "a root, "])
@pytest.mark.parametrize("is_refused", [True, False])
def test_what_is_setting_out_at_that_moment(make_desk: Callable[..., Desk], begins: str, *, is_refused: bool) -> None:
    """Where Slack has no time for it, it goes out later with what is hidden by then; otherwise it is drawn again."""
    desk = make_desk()
    if not begins:
        desk.webhook("jane", message="hello")
    desk.write(f"{begins}it is {CARD}")
    claim, send = desk.set_out()
    desk.restart(redact=ALL)
    if is_refused:
        desk.fail(claim, send, RateLimited(5.0, method="chat.postMessage"))
    else:
        desk.succeed(claim, send, HANDLERS[send.kind].call(desk.out, claim, send))
    desk.run(60)
    assert "it is [payment card hidden]" in thread(desk)
    assert not [piece for piece in PIECES if piece in json.dumps(desk.roots_and_replies())]


def test_it_is_made_ready_anew_before_anything_else_is_done(
    make_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker delivers while the chores are done, of which some wait for Slack or look through the whole store."""
    desk = make_desk()
    desk.webhook("jane", message="hello")
    desk.sandbox.slack.archive("C0SUPPORT")
    desk.webhook("jane", message=f"it is {CARD}")
    desk.sandbox.slack.archive("C0SUPPORT", archived=False)
    desk.clock.advance(310)

    def chores(desk: Desk) -> None:
        for chore in desk.housekeeping.chores:
            chore()
            desk.run()

    monkeypatch.setattr(Desk, "chores", chores)
    desk.restart(redact=ALL)
    assert "it is [payment card hidden]" in thread(desk)


def test_a_notification_and_the_card_that_quotes_it(desk: Desk, wire: Wire) -> None:
    desk.webhook("jane", message=f"first {CARD}")
    desk.webhook("jane", message=f"then {MAIL}")
    desk.run(60)
    root = desk.roots()[-1]
    assert "then [e-mail address hidden]" in root["text"]
    assert "first [payment card hidden]" in json.dumps(root["blocks"])
    assert leaks(wire) == []


def test_text_without_blocks(desk: Desk, wire: Wire) -> None:
    """Where Slack refuses the blocks, the words go as text alone."""
    desk.webhook("jane", message="hello")
    desk.fault("error", code="invalid_blocks", times=1)
    desk.webhook("jane", message=f"it is {CARD}")
    plain = desk.roots_and_replies()[-1]["text"]
    assert "[payment card hidden]" in plain
    assert "1 detail hidden. Open in Kommunicate: https://" in plain
    assert leaks(wire) == []


def test_a_dead_letter(desk: Desk, wire: Wire) -> None:
    desk.webhook("jane", message="hello")
    desk.fault("error", code="invalid_blocks", times=2)
    with capture_logs() as logs:
        desk.webhook("jane", message=f"it is {CARD}")
    assert "could not be shown" in thread(desk)
    assert "4111 1111" not in str(logs)
    assert leaks(wire) == []


def test_a_rich_messages_texts_labels_and_links(desk: Desk, wire: Wire) -> None:
    buttons = [
        {"type": "link", "name": f"Pay {CARD}", "url": f"https://shop.example/?email={MAIL}"},
        {"type": "link", "name": "Mail", "url": "https://shop.example/?e=jane%40example.com"},
        {"name": MAIL, "replyText": "x"},
    ]
    metadata = {"contentType": "300", "templateId": "3", "payload": json.dumps(buttons), "buttonLabel": CARD}
    desk.webhook("bot", message="choose", metadata=metadata)
    assert "Pay [payment card hidden]" in thread(desk)
    assert "https://shop.example/?email=[e-mail-address-hidden]" in thread(desk)
    assert leaks(wire) == []


def test_a_card_of_a_carousel_and_html(desk: Desk, wire: Wire) -> None:
    card = [{"title": f"T {MAIL}", "subtitle": CARD, "description": f"<b>4111</b> 1111 1111 1111<br>{MAIL}"}]
    metadata = {"contentType": "300", "templateId": "10", "payload": json.dumps(card)}
    desk.webhook("bot", message="", metadata=metadata)
    desk.webhook("jane", message=f'<p>4111 <b>1111</b> 1111 1111</p><a href="mailto:{MAIL}">me</a>', contentType=3)
    assert thread(desk).count("[payment card hidden]") == 3
    assert leaks(wire) == []


def test_a_forms_answers_and_hidden_words(desk: Desk, wire: Wire) -> None:
    context = {"KM_CHAT_CONTEXT": {"formData": {"Card": CARD, "Mail": MAIL}}}
    desk.webhook("jane", message="sent", metadata=context)
    desk.webhook("jane", message=f"secretly {CARD}", metadata={"category": "HIDDEN"})
    assert "Card: [payment card hidden]" in thread(desk)
    assert "2 details hidden:" in thread(desk)
    assert leaks(wire) == []


def test_a_file_its_name_caption_and_picture(desk: Desk, wire: Wire) -> None:
    desk.webhook("jane", message=f"see {MAIL}", file={**picture(), "name": f"{CARD}.png"})
    assert "[payment card hidden]" in json.dumps(desk.roots_and_replies()[-1])
    desk.webhook("jane", message="", file=picture("jane@example.com.png"))
    assert leaks(wire) == []


def test_a_file_that_is_brought_to_slack(desk: Desk, wire: Wire) -> None:
    file = desk.sandbox.kommunicate.files.public(f"{CARD}.pdf", b"%PDF-1.7\nwords")
    desk.sandbox.kommunicate.customer_writes(GROUP, "here", name="Jane", file=file)
    desk.carry()
    desk.run(10)
    assert [one.name for one in desk.sandbox.slack.cabinet.files.values()] == ["[payment card hidden].pdf"]
    assert leaks(wire) == []


def test_a_file_that_could_not_be_brought(desk: Desk, wire: Wire) -> None:
    file = {"name": f"{CARD}.pdf", "url": "https://files.sandbox.test/gone.pdf", "contentType": "application/pdf"}
    desk.webhook("jane", message="here", file=file)
    desk.run(3600)
    assert "could not be fetched" in thread(desk)
    assert leaks(wire) == []


def test_what_is_quoted_of_a_customer_and_of_an_agent(make_desk: Callable[..., Desk], wire: Wire) -> None:
    desk = make_desk(redact=ALL, replies={"undo_seconds": 0})
    desk.customer("hello")
    send(desk, "5-k1", {"message": f"it is {CARD}"})
    desk.run(3)
    desk.says(f"shall I write to {MAIL}?")
    wire.heard.clear()
    desk.run(10)
    reply = desk.sandbox.kommunicate.conversation(GROUP).lines[-1]
    for key in ("5-k1", f"5-{reply.tail}"):
        desk.webhook("jane", message="that", metadata={"AL_REPLY": key})
    assert "In reply to jane: “it is [payment card hidden]”" in thread(desk)
    assert "“shall I write to [e-mail address hidden]?”" in thread(desk)
    assert leaks(wire) == []


def test_what_an_agent_sends_is_as_it_was_written(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(redact=ALL, replies={"undo_seconds": 0})
    desk.customer("hello")
    desk.says(f"write to {MAIL}, not {CARD}")
    desk.run(10)
    assert desk.reached() == [f"write to {MAIL}, not {CARD}"]


def test_what_an_agent_says_from_kommunicate(desk: Desk, wire: Wire) -> None:
    desk.sandbox.kommunicate.people["eve"] = Person("eve", "Eve", AGENT)
    desk.webhook("eve", message=f"your card {CARD}?")
    desk.webhook("eve", message="", metadata={"KM_ASSIGN": "tom", "LOCALIZATION_VALUE": MAIL})
    desk.webhook("eve", message=f"noted {CARD}", contentType=10)
    assert "your card [payment card hidden]?" in thread(desk)
    assert "Assigned to [e-mail address hidden]" in thread(desk)
    assert leaks(wire) == []


def test_a_rating_and_a_summary(desk: Desk, wire: Wire) -> None:
    desk.sandbox.kommunicate.people["robot"] = Person("robot", "Robot", BOT)
    feedback = json.dumps({"rating": 5, "comments": [f"mail {MAIL}"]})
    desk.webhook("jane", contentType=10, metadata={"feedback": feedback})
    desk.webhook("robot", metadata={"KM_SUMMARY": f"paid by {CARD}"})
    assert "mail [e-mail address hidden]" in thread(desk)
    assert "paid by [payment card hidden]" in thread(desk)
    assert leaks(wire) == []


@pytest.mark.parametrize("known", [True, False])
def test_a_customers_name(desk: Desk, wire: Wire, *, known: bool) -> None:
    """Where nobody knows a name, it is the id, which is often an address."""
    if known:
        desk.sandbox.kommunicate.people[MAIL] = Person(MAIL, f"Jane {CARD}", CUSTOMER)
    desk.webhook(MAIL, message="hello")
    shown = "Jane [payment card hidden]" if known else "[e-mail address hidden]"
    assert shown in desk.roots()[-1]["text"]
    assert shown in desk.roots_and_replies()[-1]["text"]
    desk.run(700)
    desk.chores()  # somebody is called, by a line that names who waits
    desk.run(10)
    assert "has been waiting since" in thread(desk)
    assert leaks(wire) == []


def test_a_number_that_would_be_cut_into_posts(desk: Desk, wire: Wire) -> None:
    """A text element ends after 2,900 characters, in the middle of it."""
    for before in range(2880, 2900, 3):
        desk.webhook("jane", message=f"{'x' * before} {CARD} and on")
    desk.webhook("jane", message=f"{'y ' * 1440}{CARD.replace(' ', '')}{' z' * 1000}")
    assert leaks(wire) == []


def test_messages_that_share_a_post(desk: Desk, wire: Wire) -> None:
    for number in range(5):
        send(desk, f"5-k{number}", {"message": f"{number}: {CARD}"})
    desk.run(10)
    assert thread(desk).count("1 detail hidden:") == 5
    assert leaks(wire) == []


def test_a_post_that_is_drawn_again_because_a_neighbour_was_withdrawn(desk: Desk, wire: Wire) -> None:
    for number in range(3):
        send(desk, f"5-k{number}", {"message": f"{number}: {CARD}"})
    desk.run(10)
    withdraw(desk, "5-k1", f"1: {CARD}")
    desk.run(30)
    assert thread(desk).count("[payment card hidden]") == 2
    assert leaks(wire) == []


def test_the_relays_own_lines_about_what_an_agent_wrote(make_desk: Callable[..., Desk], wire: Wire) -> None:
    """A reply that fails is quoted, and so is one that is asked about."""
    desk = make_desk(redact=ALL, replies={"undo_seconds": 0})
    desk.customer("hello")
    desk.fault("error", method="/rest/ws/message/v2/send", times=None)
    desk.agent(f"write to {MAIL}")
    desk.agent(f"note to self {CARD}")
    desk.carry()
    wire.heard.clear()
    desk.run(3600)
    assert "“write to [e-mail address hidden]”" in thread(desk) + str(wire)
    assert leaks(wire) == []


@pytest.mark.parametrize("show", ["everything", "customers", "handoff", "alerts"])
def test_however_little_of_a_chat_is_shown(make_desk: Callable[..., Desk], wire: Wire, show: str) -> None:
    """With `handoff`, what was said before is shown once a person is needed."""
    desk = make_desk(redact=ALL, show=show, batch=5)
    desk.sandbox.kommunicate.people["robot"] = Person("robot", "Robot", BOT)
    desk.webhook("jane", message=f"it is {CARD}")
    desk.webhook("robot", message=f"your mail {MAIL}?")
    desk.webhook("robot", message="I call somebody", metadata={"KM_ASSIGN_TO": ""})
    desk.run(60)
    said = thread(desk) + desk.roots()[-1]["text"]
    assert "it is [payment card hidden]" in said
    assert ("your mail [e-mail address hidden]?" in said) is (show in ("everything", "handoff"))
    assert leaks(wire) == []


def test_home_and_chats(desk: Desk, wire: Wire) -> None:
    desk.client.application.extensions["relay"].identity = Identity(TEAM_ID, "U0R", "B0R", None, "https://s.slack.com/")
    desk.sandbox.kommunicate.people["jane"] = Person("jane", f"Jane {MAIL}", CUSTOMER)
    desk.webhook("jane", message="hello")
    desk.press(desk.thread, "take_over")
    desk.carry()
    desk.run(5)
    open_home(desk.sandbox.slack, user="U0ALEX")
    type_command(desk.sandbox.slack, "/chats", user="U0ALEX")
    desk.carry()
    assert "Jane [e-mail address hidden]" in json.dumps(desk.sandbox.slack.homes)
    assert str(wire).count("Jane [e-mail address hidden]") >= 2
    assert leaks(wire) == []


def test_a_route_hides_more_or_less_than_the_others(make_desk: Callable[..., Desk]) -> None:
    routes = [
        {"name": "bank", "when": {"group_id": ["7"]}, "channel": "C0VIP", "redact": ["payment_card"]},
        {"name": "open", "when": {"group_id": ["8"]}, "channel": "C0VIP", "redact": []},
    ]
    desk = make_desk(redact=["email"], routes=routes)
    for group in (7, 8, 9, int(GROUP)):
        desk.webhook("jane", message=f"{CARD} {MAIL}", groupId=group)
    shown = [words(one).splitlines() for one in desk.roots_and_replies() if one["thread_ts"]]
    said = [line for lines in shown for line in lines if "4111" in line or "[payment" in line]
    everybody = f"{CARD} [e-mail address hidden]"
    assert said == [f"[payment card hidden] {MAIL}", f"{CARD} {MAIL}", everybody, everybody]


def test_off_nothing_is_hidden_and_no_line_added(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    desk.webhook("jane", message=f"{CARD} {MAIL}")
    assert f"{CARD} {MAIL}" in thread(desk)
    assert "hidden" not in json.dumps(desk.roots_and_replies())


def test_what_came_is_kept_as_it_came(desk: Desk) -> None:
    """For a replay; retention and purge remove it."""
    desk.webhook("jane", message=f"it is {CARD}")
    with desk.store.read() as tx:
        bodies = [bytes(body) for body in tx.conn.execute(select(received.c.body)).scalars() if body]
    assert any(CARD.encode() in body for body in bodies)


def test_after_a_change_of_the_settings_what_is_shown_anew_is_hidden(
    make_desk: Callable[..., Desk], wire: Wire
) -> None:
    desk = make_desk()
    desk.webhook("jane", message=f"it is {CARD}")
    desk.restart(redact=ALL)
    wire.heard.clear()
    send(desk, "5-k9", {"message": f"again {CARD}"})
    desk.run(60)
    assert leaks(wire) == []


def test_the_recipe_of_the_docs(make_desk: Callable[..., Desk], wire: Wire) -> None:
    section = (ROOT / "docs" / "privacy.md").read_text().partition("## What may be seen in Slack")[2]
    desk = make_desk(**yaml.safe_load(section.partition("```yaml\n")[2].partition("```")[0]))
    metadata = {"plan": "gold", "KM_CHAT_CONTEXT": {"kmUserLocale": "de"}, "iban": "DE89370400440532013000"}
    desk.webhook("jane", message=f"{CARD}, {MAIL}, password: hunter2", metadata=metadata)
    assert "plan: gold" in json.dumps(desk.roots()[-1])
    assert "Language: de" in json.dumps(desk.roots()[-1])
    assert "3 details hidden:" in thread(desk)
    assert [one for one in ("DE89", "hunter2") if one in str(wire)] + leaks(wire) == []
