"""What each page shows of a store, and what its buttons do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from structlog.testing import capture_logs

from relay.clock import monotonic
from relay.messages import Person, Role
from relay.owners import WORKSPACE
from relay.store.conversations.people import remember_people
from relay.store.db.engine import Store, open_store
from relay.store.operations.replay import replay_all
from relay.store.queue import closing
from relay.vocabulary import GateScope
from relay.web.status.guard import DOORS
from relay.web.status.words import GONE, NOT_SHOWN
from tests.harness import NOON, FakeClock, body, raw
from tests.store.shelf import MAPPED, UNMAPPED, bury, open_thread, rows, states, take_in
from tests.web.status.conftest import OPEN, PASSWORD, sign_in, token_in

PageWith = Callable[..., FlaskClient]
ON_ONE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def words(client: FlaskClient, path: str) -> str:
    """What a person reads there, without markup."""
    response = client.get(path)
    assert response.status_code == 200, response.text
    bare = re.sub(r"<(script|title)[^>]*>.*?</\1>|<[^>]+>", " ", response.text, flags=re.DOTALL)
    return " ".join(bare.replace("&#39;", "'").replace("&amp;", "&").split())


def name(store: Store, user_id: str, called: str, role: Role = Role.CUSTOMER) -> None:
    with store.begin() as tx:
        remember_people(tx, "default", [Person(user_id, called, role)])


def dead_letter(store: Store) -> None:
    open_thread(store)
    bury(store)


@pytest.mark.parametrize("path", OPEN)
def test_every_page_is_there_on_an_empty_store(page: FlaskClient, path: str) -> None:
    assert page.get(path).status_code == 200
    assert page.head(path).status_code == 200


def test_it_says_first_that_everything_is_all_right(page: FlaskClient, store: Store) -> None:
    assert "Everything is all right. Nothing has been received yet." in words(page, "/")
    take_in(store)
    assert "Everything is all right. The last message came 0 s ago." in words(page, "/")
    assert "Waiting now 1" in words(page, "/")


def test_it_says_what_needs_somebody_and_what_to_do(page: FlaskClient, store: Store) -> None:
    dead_letter(store)
    take_in(store, "k9", "77", UNMAPPED)
    with store.begin() as tx:
        closing.close_for_operator(
            tx, GateScope.CHANNEL, "C0SUPPORT", cause="Slack says is_archived", code="is_archived"
        )
    shown = words(page, "/")
    assert "3 things need you: posts to C0SUPPORT, 1 dead letter and 1 chat without a channel." in shown
    assert "Posts to C0SUPPORT cannot continue: Slack says is_archived" in shown
    assert (
        "1 message was given up in the last 24 hours, and can be sent again. See why, fix the cause, and send again."
        in shown
    )
    assert "1 chat has no channel: new messages wait." in shown
    assert "Given up 1" in shown


def test_what_waits_for_long_without_a_cause_is_told(page: FlaskClient, store: Store, clock: FakeClock) -> None:
    take_in(store)
    clock.advance(600)
    assert "A message has waited for 10 min though nothing is paused." in words(page, "/")
    with store.begin() as tx:
        closing.close_for_vendor(tx, WORKSPACE, "Slack does not answer", "timeout")
    assert "Everything is all right. There is one thing to know." in words(page, "/")


def test_what_was_given_up_long_ago_is_only_told(page: FlaskClient, store: Store, clock: FakeClock) -> None:
    dead_letter(store)
    clock.advance(90_000)
    sign_in(page)
    assert "Everything is all right. There is one thing to know. 1 message was given up earlier." in words(page, "/")


def test_it_counts_the_last_hour_and_day(page: FlaskClient, store: Store, clock: FakeClock) -> None:
    dead_letter(store)
    shown = words(page, "/")
    assert "Last hour Received 1" in shown
    assert "Given up 1" in shown.partition("Last hour")[2].partition("Last 24 hours")[0]
    clock.advance(7200)
    assert "Received 0" in words(page, "/").partition("Last hour")[2].partition("Last 24 hours")[0]
    assert "Received 1" in words(page, "/").partition("Last 24 hours")[2]


def test_the_latest_conversation_is_first_with_its_last_words(page: FlaskClient, store: Store) -> None:
    name(store, "customer-1", "Jane Doe")
    take_in(store, "k1", "11", body=raw("k1", "11", "first"))
    take_in(store, "k2", "22", body=raw("k2", "22", "second"))
    take_in(store, "k3", "11", body=raw("k3", "11", "third"))
    found = re.findall(r"first|second|third", words(page, "/conversations"))
    assert found == ["third", "second"]


def chats(store: Store, count: int) -> None:
    for number in range(count):
        take_in(store, f"k{number}", f"g{number}")
    with store.begin() as tx:
        tx.conn.execute(text("UPDATE conversations SET opener_sender = 'customer-1'"))


@pytest.mark.parametrize("search", ["", "q=customer-1&"])
def test_pages_of_conversations_hold_each_once(page: FlaskClient, store: Store, search: str) -> None:
    chats(store, 95)
    path, seen = f"/conversations?{search}", list[str]()
    while path:
        response = page.get(path)
        seen += re.findall(r'data-key="(c\d+)"', response.text)
        following = re.search(r'href="([^"]+)" rel="next"', response.text)
        path = following[1].replace("&amp;", "&") if following else ""
    assert len(seen) == len(set(seen)) == 95


FOUND = ["Jane", "jane d", "JANE  DOE", "doe", "doe j", "customer-1", "123456"]
NOT_FOUND = ["ane", "jane x", "customer", "12345", "%", "_", "\U0010ffff", "agent ann"]


@pytest.mark.parametrize(("searched", "found"), [*((one, 1) for one in FOUND), *((one, 0) for one in NOT_FOUND)])
def test_customers_are_found_by_how_their_names_begin_and_by_ids(
    page: FlaskClient, store: Store, searched: str, found: int
) -> None:
    name(store, "customer-1", "Jane Doe")
    name(store, "agent-1", "Agent Ann", Role.AGENT)
    take_in(store)
    with store.begin() as tx:
        tx.conn.execute(text("UPDATE conversations SET opener_sender = 'customer-1'"))
    response = page.get("/conversations", query_string={"q": searched})
    assert len(re.findall(r'data-key="c\d+"', response.text)) == found


@pytest.mark.parametrize("searched", ["größe", "GRÖSSE l", "my größe", "wrong, größe"])
def test_words_are_found_as_they_were_written(page: FlaskClient, store: Store, searched: str) -> None:
    take_in(store, "k1", body=raw("k1", text="My Größe L is wrong, größe"))
    take_in(store, "k2", "99", body=json.dumps(body("k2", "99", "nothing"), ensure_ascii=False).encode())
    shown = page.get("/conversations", query_string={"q": searched, "in": "text"}).text
    assert re.findall(r'data-key="(c\d+)"', shown) == ["c1"]
    assert "Older ones are not searched." in shown


def test_what_is_hidden_cannot_be_found_or_read(page_with: PageWith, store: Store) -> None:
    client = page_with(config={"default_channel": "C0X", "redact": ["email"]})
    sign_in(client)
    name(store, "customer-1", "jane@example.com")
    take_in(store, body=raw(text="write to jane@example.com"))
    with store.begin() as tx:
        tx.conn.execute(text("UPDATE conversations SET opener_sender = 'customer-1'"))
    for query in ({"q": "jane@example.com", "in": "text"}, {"q": "jane@exa"}):
        assert 'data-key="c' not in client.get("/conversations", query_string=query).text
    for path in ("/conversations", "/conversations/1", "/dead-letters"):
        assert "jane@" not in client.get(path).text
    assert "[e-mail address hidden]" in client.get("/conversations/1").text


HIDING = [
    ({"show": "alerts"}, NOT_SHOWN),
    ({"show": "handoff"}, NOT_SHOWN),
    ({"show": "customers"}, NOT_SHOWN),
]


@ON_ONE
@pytest.mark.parametrize(("config", "said"), HIDING)
def test_words_that_slack_does_not_show_are_not_shown(
    page_with: PageWith, store: Store, config: dict[str, str], said: str
) -> None:
    """Before it is certain that they will be."""
    client = page_with(config={"default_channel": "C0X", **config})
    sign_in(client)
    take_in(store, body=raw(text="canary words"))
    for path in ("/conversations", "/conversations/1", "/conversations?q=canary&in=text"):
        assert "canary words" not in client.get(path).text
    assert said in words(client, "/conversations/1")


def test_what_was_taken_back_is_gone(page: FlaskClient, store: Store) -> None:
    take_in(store, body=raw(text="canary words"))
    with store.begin() as tx:
        tx.conn.execute(text("UPDATE received SET gone = TRUE"))
    assert "canary" not in page.get("/conversations").text + page.get("/conversations/1").text
    assert GONE in words(page, "/conversations/1")


def test_names_of_files_stay_where_files_do(page_with: PageWith, store: Store) -> None:
    file = {"fileMeta": {"name": "canary.pdf", "blobKey": "x", "contentType": "application/pdf", "size": 1}}
    take_in(store, body=raw(text=None, contentType=1, file=file["fileMeta"], **file))
    for mode, seen in (("none", False), ("link", True)):
        client = page_with(config={"default_channel": "C0X", "attachments": mode})
        sign_in(client)
        assert ("canary.pdf" in client.get("/conversations/1").text) is seen


def test_a_conversation_tells_every_send_and_its_cause(page: FlaskClient, store: Store) -> None:
    dead_letter(store)
    shown = words(page, "/conversations/1")
    assert "Hello" in shown
    assert "given up message, after 0 ms" in shown
    assert "too long" in shown
    assert "1 send" in shown
    assert "refused" in shown
    assert "new thread delivered" in shown


def test_a_conversation_goes_on_further_back(page: FlaskClient, store: Store) -> None:
    for number in range(70):
        take_in(store, f"k{number}", body=raw(f"k{number}", text=f"words-{number}-"))
    path, seen = "/conversations/1", list[str]()
    while path:
        response = page.get(path)
        seen += re.findall(r"words-(\d+)-", response.text)
        following = re.search(r'href="([^"]+)" rel="next"', response.text)
        path = following[1] if following else ""
    assert [int(one) for one in seen] == list(range(69, -1, -1))


@pytest.mark.parametrize("path", ["0", "2", "x", "-1", "9" * 30, "1.5", "\u0661"])
def test_there_is_no_such_conversation(page: FlaskClient, store: Store, path: str) -> None:
    take_in(store)
    response = page.get(f"/conversations/{path}")
    assert response.status_code == 404
    assert "There is no such conversation." in response.text


@pytest.mark.parametrize("before", ["", "x", "0", "-5", "9" * 40, "1e3", "\x00"])
@pytest.mark.parametrize("path", ["/conversations", "/conversations/1", "/dead-letters"])
def test_odd_addresses_are_no_failures(page: FlaskClient, store: Store, path: str, before: str) -> None:
    dead_letter(store)
    for more in (
        {},
        {"q": "\x00\ud800".encode("utf-8", "surrogatepass")},
        {"q": "%", "in": "text"},
        {"told": "x", "n": "y"},
    ):
        assert page.get(path, query_string={"before": before, **more}).status_code == 200


def test_a_dead_letter_is_replayed_once(page: FlaskClient, store: Store) -> None:
    dead_letter(store)
    assert "too long" in words(page, "/dead-letters")
    form = {"token": token_in(page.get("/dead-letters")), "back": "/dead-letters"}
    assert "Queued again." in words(page, page.post("/dead-letters/1/replay", data=form).location)
    assert states(store) == ["waiting"]
    assert "There are none." in words(page, "/dead-letters")
    assert "It is no dead letter any more" in words(page, page.post("/dead-letters/1/replay", data=form).location)
    assert "There is no such delivery." in words(page, page.post("/dead-letters/7/replay", data=form).location)
    assert page.post("/dead-letters/x/replay", data=form).status_code == 404


def test_a_dead_letter_without_its_content_has_no_button(page: FlaskClient, store: Store) -> None:
    dead_letter(store)
    with store.begin() as tx:
        tx.conn.execute(text("UPDATE received SET body = NULL"))
    response = page.get("/dead-letters")
    assert "no longer stored" in response.text
    assert "/dead-letters/1/replay" not in response.text
    form = {"token": token_in(response), "back": "/conversations/1?before=5"}
    location = page.post("/dead-letters/1/replay", data=form).location
    assert location == "/conversations/1?told=pruned"
    assert "Its content is no longer stored" in words(page, location)


def test_all_are_replayed_in_steps(page: FlaskClient, store: Store) -> None:
    for number in range(5):
        take_in(store, f"k{number}", f"g{number}")
    with store.begin() as tx:
        tx.conn.execute(text("UPDATE deliveries SET state = 'dead', settled_at = created_at"))
    with store.begin() as tx:
        assert replay_all(tx, most=2) == 2
    form = {"token": token_in(page.get("/dead-letters"))}
    assert "3 queued again." in words(page, page.post("/dead-letters/replay-all", data=form).location)
    assert states(store) == ["waiting"] * 5
    told = words(page, page.post("/dead-letters/replay-all", data=form).location)
    assert "Nothing was queued. Replies are sent again one by one." in told


def test_dead_letters_are_paged(page: FlaskClient, store: Store) -> None:
    for number in range(60):
        take_in(store, f"k{number}", f"g{number}")
    with store.begin() as tx:
        tx.conn.execute(text("UPDATE deliveries SET state = 'dead', settled_at = created_at"))
    first = page.get("/dead-letters").text
    following = re.search(r'href="([^"]+)" rel="next"', first)
    assert following
    keys = re.findall(r'data-key="t(\d+)"', first + page.get(following[1]).text)
    assert [int(one) for one in keys] == list(range(60, 0, -1))


def test_channels_tell_pace_pause_and_what_waits(page: FlaskClient, store: Store, clock: FakeClock) -> None:
    take_in(store)
    take_in(store, "k2", "9", UNMAPPED)
    with store.begin() as tx:
        closing.close_for_operator(tx, GateScope.CHANNEL, "C0SUPPORT", cause="not_in_channel: invite it", code="x")
        closing.close_for_failure(tx, GateScope.METHOD, "users.info", 30.0, cause="rate limited")
    clock.advance(5)
    shown = words(page, "/channels")
    assert "Each channel takes 1 post a second, up to 3 at once" in shown
    assert "C0SUPPORT paused 1 waiting, oldest 5 s not_in_channel: invite it" in shown
    assert "It will be tried again in 15 s." in shown
    assert (
        "Slack's users.info: rate limited Nothing to do: it resumes by itself. It will be tried again in 25 s." in shown
    )
    assert "1 message waits for a channel, the oldest for 5 s." in shown
    assert "C0GENERAL default_channel free nothing waits" in shown


def test_settings_are_shown_without_a_secret(page_with: PageWith, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-canary")
    monkeypatch.setenv("KOMMUNICATE_API_KEY_FILE", "/canary/path")
    monkeypatch.delenv("KOMMUNICATE_API_KEY", raising=False)
    config = {
        "channels": {"123": "C0ONE"},
        "routes": [{"name": "vip", "when": {"metadata.plan": "gold"}, "channel": "C0VIP", "show": "customers"}],
        "retention": "7d",
        "remind": {"hours": "Mon-Fri 09:00-18:00 Europe/Berlin"},
        "saved_replies": {"hi": "Hello!"},
    }
    client = page_with(config=config, slack_bot_token="xoxb-canary", kommunicate_api_key="canary")
    sign_in(client)
    shown = words(client, "/settings")
    assert "canary" not in shown
    assert PASSWORD not in shown
    assert "SLACK_BOT_TOKEN set" in shown
    assert "KOMMUNICATE_API_KEY set, from a file" in shown
    assert "123 C0ONE" in shown
    assert "vip , where metadata.plan is gold show: customers C0VIP" in shown
    assert "retention: 604800.0" in shown
    assert "No problems found." in shown


TRIED = [
    (json.dumps(body("k1", 5)), "It goes to C0FIVE. channels lists 5."),
    (json.dumps(body("k1", 6)), "It goes to C0GENERAL."),
    ("{", "The body would be refused:"),
    ("", "The body would be refused:"),
    (json.dumps({"key": "k"}), "The body would be refused:"),
    (json.dumps(body("k1", 5, metadata={"category": "HIDDEN"})), "The message would not be shown:"),
    ("x" * 300_000, "The body is larger than 262,144 bytes: it would be refused."),
]


@ON_ONE
@pytest.mark.parametrize(("typed", "said"), TRIED)
def test_a_body_can_be_tried_and_nothing_is_stored(page_with: PageWith, store: Store, typed: str, said: str) -> None:
    client = page_with(config={"channels": {"5": "C0FIVE"}, "default_channel": "C0GENERAL"})
    sign_in(client)
    response = client.post("/try", data={"token": token_in(client.get("/try")), "body": typed})
    shown = " ".join(re.sub(r"<[^>]+>", " ", response.text).split())
    assert said in shown
    assert ("What Slack would get" in shown) is said.startswith("It goes")
    assert rows(store, "received") == []


@ON_ONE
def test_where_the_database_is_away_the_page_says_so(page_with: PageWith, clock: FakeClock, store: Store) -> None:
    client = page_with()
    sign_in(client)
    away = open_store("sqlite:////nowhere/at/all.db")
    client.application.extensions[DOORS].store = away
    for path in ("/", "/conversations", "/dead-letters"):
        response = client.get(path)
        assert response.status_code == 503
        assert "The database cannot be reached" in response.text


def test_whoever_waits_for_the_page_holds_no_thread_for_long(page: FlaskClient) -> None:
    """It has one connection; the threads that would wait for it are those of webhooks."""
    with page.application.extensions[DOORS].store.read(), capture_logs() as logs:
        began = monotonic()
        response = page.get("/conversations")
        assert monotonic() - began < 3
    assert response.status_code == 503
    assert "The page waits for the database" in response.text
    assert [(one["event"], one["log_level"]) for one in logs] == [("page.busy", "info")]
    assert page.get("/conversations").status_code == 200


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> \u202egnp.exe\u2066 a\u200bb\U000e0041 & \x07"


def test_strangers_words_are_never_markup(page: FlaskClient, store: Store) -> None:
    """Names, words, titles, ids and causes; what turns text round is shown by its number (S18)."""
    name(store, "customer-1", HOSTILE.replace("\x07", ""))
    take_in(store, body=raw(text=HOSTILE, groupName=HOSTILE))
    with store.begin() as tx:
        hostile = {"words": HOSTILE.replace("\x07", "")}
        changes = "opener_sender = 'customer-1', title = :words, why = :words, holder_name = :words"
        tx.conn.execute(text(f"UPDATE conversations SET {changes}"), hostile)
        tx.conn.execute(text("UPDATE deliveries SET state = 'dead', cause = :words"), hostile)
        closing.close_for_operator(tx, GateScope.CHANNEL, hostile["words"], cause=hostile["words"], code="x")
    shown = [page.get(path).text for path in (*OPEN, "/conversations/1")]
    shown.append(page.get("/conversations", query_string={"q": HOSTILE, "in": "text"}).text)
    for html in shown:
        assert "<script>alert" not in html
        assert "<img" not in html
        assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\x07\U000e0000-\U000e0fff]", html)
    assert "U+202E" in shown[-2]
    assert "&lt;script&gt;alert(1)" in shown[-2]


def test_time_is_told_in_utc(page: FlaskClient, store: Store) -> None:
    take_in(store, decision=MAPPED)
    assert NOON == 1_712_345_678.0
    assert "5 Apr 19:34:38" in words(page, "/conversations/1")
    assert 'datetime="2024-04-05T19:34:38+00:00"' in page.get("/conversations/1").text
