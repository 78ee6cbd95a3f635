"""`relay deliveries`: what waits and why, what was given up, what was rejected."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy import text

from relay.delivery.worker import Worker
from relay.messages import Person, Role
from relay.sandbox import SandboxServer
from relay.settings import Config
from relay.store.conversations.people import remember_people
from relay.store.db.engine import Store, open_store
from relay.store.queue.closing import close_for_operator
from relay.vocabulary import GateScope
from relay.web import create_app
from relay.wiring import Relay
from tests.cli.conftest import Run
from tests.harness import NOON, FakeClock, auth, context_with, drain, raw, settings

Post = Callable[..., None]
Listing = Callable[..., list[dict[str, object]]]


@pytest.fixture
def post(store: Store) -> Post:
    """Send webhooks; group 1 has a channel, no other has."""
    config = Config(channels={"1": "C0SUPPORT"})
    client = create_app(Relay(replace(settings(), config=config), store)).test_client()

    def send(*contents: bytes) -> None:
        for content in contents:
            client.post("/kommunicate/webhook", data=content, headers={"Content-Type": "application/json", **auth()})

    return send


@pytest.fixture
def listing(run: Run, database_url: str) -> Listing:
    """The rows of `relay deliveries list`."""

    def rows(*flags: str) -> list[dict[str, object]]:
        result = run("deliveries", "list", "--json", *flags, DATABASE_URL=database_url)
        assert result.exit_code == 0
        found: list[dict[str, object]] = json.loads(result.stdout)
        return found

    return rows


def test_it_lists_the_newest_first(post: Post, listing: Listing) -> None:
    post(raw("k1", 1), raw("k2", 1), raw("k3", 2))
    assert [row["key"] for row in listing()] == ["k3", "k2", "k1"]
    assert [row["key"] for row in listing("--limit", "1")] == ["k3"]
    assert {row["state"] for row in listing("--waiting")} == {"waiting"}
    assert listing("--dead") == []


def test_what_waits_says_for_what(post: Post, listing: Listing, database_url: str) -> None:
    """For a channel in the mapping, for a gate to open, or just for its turn."""
    post(raw("k1", 1), raw("k2", 2))
    unmapped, turn = listing("--waiting")
    assert "`2: <channel>`" in str(unmapped["cause"])
    assert turn["cause"] == ""
    with closing(open_store(database_url)) as store, store.begin() as tx:  # on the clock that the command looks at
        cause = "the bot is not in the channel"
        close_for_operator(tx, GateScope.CHANNEL, "C0SUPPORT", cause=cause, code="not_in_channel")
    assert listing("--waiting")[1]["cause"] == "the bot is not in the channel"


def test_what_was_given_up_keeps_its_cause(
    post: Post, listing: Listing, run: Run, store: Store, server: SandboxServer, clock: FakeClock
) -> None:
    post(raw("k1", 1))
    server.sandbox.faults.add("chat.postMessage", "error", code="invalid_blocks", after=1, times=3)
    drain(Worker(context_with(store, server)), clock, seconds=60)
    (row,) = listing("--dead")
    assert row["state"] == "dead"
    assert "invalid_blocks" in str(row["cause"])
    shown = json.loads(run("deliveries", "show", str(row["id"]), "--json").stdout)
    assert {send["state"] for send in shown["sends"]} >= {"refused"}


def test_what_was_in_the_way_of_a_delivered_one_is_told_as_over(
    post: Post, listing: Listing, run: Run, store: Store, server: SandboxServer, clock: FakeClock, database_url: str
) -> None:
    """How often its lane failed nobody has counted."""
    post(raw("k1", 1))
    server.sandbox.faults.add("chat.postMessage", "status", status=503, after=1, times=2)
    drain(Worker(context_with(store, server)), clock, seconds=60)
    (row,) = listing()
    assert (row["state"], row["cause"], row["attempts"]) == ("delivered", "", None)
    told = json.loads(run("deliveries", "show", "1", "--json", DATABASE_URL=database_url).stdout)
    (send,) = told["sends"]
    assert (send["cause"], send["held_up_by"]) == ("", "not found yet")
    assert datetime.fromisoformat(told["settled_at"]).timestamp() == pytest.approx(clock.now(), abs=60)
    lines = run("deliveries", "show", "1", DATABASE_URL=database_url).output
    assert "held_up_by" in lines
    assert [word for word in ("attempts", "cause:", ", cause ") if word in lines] == []


def test_what_was_rejected_is_kept_as_it_came(post: Post, listing: Listing, run: Run) -> None:
    post(raw("k1", 1, timeStamp="never"))
    (row,) = listing("--rejected")
    assert str(row["cause"]).startswith("invalid_body: timeStamp must be")
    assert set(row) == {"id", "state", "received_at", "cause"}
    shown = json.loads(run("deliveries", "show", str(row["id"]), "--json").stdout)
    assert str(row["id"]).startswith("r")
    assert json.loads(shown["body"])["timeStamp"] == "never"


def test_a_table_for_people_has_the_same(post: Post, run: Run, database_url: str) -> None:
    post(raw("k1", 2), raw("k2", 2, timeStamp="never"))
    waiting = run("deliveries", "list", DATABASE_URL=database_url)
    columns = waiting.output.split("\n")[0].split()
    assert columns == ["id", "kind", "state", "customer", "group", "id", "channel", "age", "tries", "cause"]
    assert "channels" in waiting.output
    assert run("deliveries", "list", "--dead").output == "Nothing there.\n"


def test_a_table_names_the_customer_and_fits_100_characters(
    post: Post, run: Run, store: Store, database_url: str
) -> None:
    post(*(raw(f"k{number}", "1" * 40, text="x") for number in range(3)), raw("k9", 1))
    remember(store, "Jane Maria Alejandra de la Vega y Castillo")
    lines = run("deliveries", "list", DATABASE_URL=database_url).output.splitlines()
    assert max(map(len, lines)) <= 100
    assert "Jane Maria" in " ".join(lines)
    assert re.search(r" \d+ (d|h|min|s) ", lines[1])


def test_scripts_get_times_as_iso_8601_and_ages_in_seconds(
    post: Post, listing: Listing, run: Run, database_url: str
) -> None:
    post(raw("k1", 1), raw("k2", 1, timeStamp="never"))
    (row,), (rejected,) = listing(), listing("--rejected")
    assert datetime.fromisoformat(str(row["created_at"])).timestamp() == pytest.approx(NOON, abs=1)
    assert datetime.fromisoformat(str(rejected["received_at"])).timestamp() == pytest.approx(NOON, abs=1)
    assert isinstance(row["age"], float)
    (row,) = (json.loads(run("deliveries", "show", "1", "--json", DATABASE_URL=database_url).output),)
    assert (row["mapped_to"], str(row["created_at"])[-1]) == ("C0SUPPORT", "Z")


def test_people_get_local_times(post: Post, run: Run, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    post(raw("k1", 1), raw("k2", 1, timeStamp="never"))
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        shown = run("deliveries", "show", "1", DATABASE_URL=database_url).output
        rejected = run("deliveries", "list", "--rejected").output
    finally:
        monkeypatch.undo()
        time.tzset()
    assert "created at: 2024-04-06 04:34:38" in shown
    assert "2024-04-06 04:34:38" in rejected


def test_names_show_nothing_that_is_hidden_in_slack(
    post: Post, listing: Listing, run: Run, store: Store, database_url: str
) -> None:
    post(raw("k1", 1))
    remember(store, "jane@example.com")
    hides = {"RELAY_CONFIG_YAML": "default_channel: C0GENERAL\nredact: [email]"}
    assert listing()[0]["customer"] == "jane@example.com"
    for flags in (("list",), ("list", "--json"), ("show", "1"), ("show", "1", "--json")):
        assert "jane@" not in run("deliveries", *flags, DATABASE_URL=database_url, **hides).output


def remember(store: Store, name: str) -> None:
    """Whoever wrote has this name."""
    with store.begin() as tx:
        remember_people(tx, "default", [Person("customer-1", name, Role.CUSTOMER)])
        tx.conn.execute(text("UPDATE conversations SET opener_sender = 'customer-1'"))


def test_lines_for_people_have_the_same(post: Post, run: Run, database_url: str) -> None:
    post(raw("k1", 2), raw("k2", 2, timeStamp="never"))
    assert "r2" in run("deliveries", "list", "--rejected", DATABASE_URL=database_url).output
    assert "state: rejected" in run("deliveries", "show", "r2").output
    assert "state: waiting" in run("deliveries", "show", "1").output


def test_brackets_in_an_id_are_just_brackets(post: Post, run: Run, database_url: str) -> None:
    """They are markup to the library that draws the table."""
    post(raw("k1", "[/red]"), raw("k2", "[bold]:smile:"))
    result = run("deliveries", "list", DATABASE_URL=database_url)
    assert result.exit_code == 0
    assert "[/red]" in result.output
    assert ":smile:" in result.output.replace("\n", "").replace(" ", "")


def test_a_rejected_body_cannot_write_to_the_terminal(post: Post, run: Run, database_url: str) -> None:
    """JSON lets these through: CSI as one character, DEL, and marks that turn the writing around."""
    post('{"key": 5, "message": "\x9b2J\x7f\u202e\n"}'.replace("\n", "").encode())
    shown = run("deliveries", "show", "r1", DATABASE_URL=database_url).output
    assert r"\x9b2J\x7f\u202e" in shown
    assert not {"\x9b", "\x7f", "\u202e"} & set(shown)


def test_an_unknown_id_is_exit_1(run: Run, database_url: str) -> None:
    for unknown in ("1", "r1", "0", "999999999999999999", "r0"):
        for flags in ((), ("--json",)):
            result = run("deliveries", "show", unknown, *flags, DATABASE_URL=database_url)
            assert (result.exit_code, result.stdout) == (1, "")
            assert result.stderr == f"There is no delivery {unknown}.\n"


def test_an_accepted_message_is_not_shown_as_a_rejected_one(post: Post, run: Run, database_url: str) -> None:
    post(raw("k1", 1))
    assert run("deliveries", "show", "r1", DATABASE_URL=database_url).exit_code == 1


@pytest.mark.parametrize("word", ["x1", "r", "1r", "-1", "R1", "1.5", "9" * 19, ""])
def test_what_is_no_id_is_exit_2(run: Run, word: str) -> None:
    assert run("deliveries", "show", "--", word).exit_code == 2


def test_an_empty_database_is_refused_and_not_created(run: Run, postgres_url: str, tmp_path: object) -> None:
    for url in ("sqlite:///new.db", postgres_url):
        result = run("deliveries", "list", DATABASE_URL=url)
        assert result.exit_code == 2
        assert "run `relay migrate`" in result.stderr
    assert not list(tmp_path.iterdir())  # type: ignore[attr-defined]


def test_a_replay_takes_exactly_one_of_id_all_and_since(run: Run, database_url: str) -> None:
    for words in ((), ("1", "--all"), ("--all", "--since", "2h"), ("--since", "soon"), ("x",)):
        assert run("deliveries", "replay", *words, DATABASE_URL=database_url).exit_code == 2
    assert run("deliveries", "replay", "--all", DATABASE_URL=database_url).stdout == "0 queued again.\n"
    assert run("deliveries", "replay", "--since", "2h", DATABASE_URL=database_url).exit_code == 0


def test_a_replay_says_why_it_cannot(post: Post, run: Run, database_url: str) -> None:
    post(raw("k1", 1))
    for number, said in (("1", "is waiting"), ("99", "no such delivery"), ("r1", "is rejected")):
        result = run("deliveries", "replay", number, DATABASE_URL=database_url)
        assert result.exit_code == 1
        assert said in result.stdout


def test_dead_letters_are_replayed_one_by_one_by_age_or_all(
    post: Post, listing: Listing, run: Run, store: Store, database_url: str
) -> None:
    """None of them twice, however often it is asked for."""
    post(raw("k1", 1), raw("k2", 1), raw("k3", 1))
    with store.begin() as tx:
        tx.conn.execute(text("UPDATE deliveries SET state = 'dead', cause = 'too long', settled_at = 0"))
        tx.conn.execute(text("UPDATE deliveries SET settled_at = :now WHERE id = 2"), {"now": time.time() - 3600})
    assert [row["cause"] for row in listing("--dead")] == ["too long"] * 3
    words = (["1"], ["1"], ["--since", "2h"], ["--since", "2h"], ["--all"], ["--all"])
    said = [run("deliveries", "replay", *one, DATABASE_URL=database_url).stdout for one in words]
    again = "Delivery 1 is waiting; only dead letters are sent again.\n"
    queued = [f"{number} queued again.\n" for number in (1, 0, 1, 0)]
    assert said == ["Queued again.\n", again, *queued]
    assert (listing("--dead"), [row["cause"] for row in listing("--waiting")]) == ([], [""] * 3)


def test_a_replay_of_a_reply_that_was_not_answered_says_that_it_may_arrive_twice(
    post: Post, run: Run, store: Store, database_url: str
) -> None:
    post(raw("k1", 1), raw("k2", 1))
    with store.begin() as tx:
        tx.conn.execute(text("UPDATE deliveries SET state = 'dead', lane = 'replies', mark = 'failed'"))
        tx.conn.execute(text("UPDATE deliveries SET mark = 'unsure' WHERE id = 2"))
    said = [run("deliveries", "replay", one, DATABASE_URL=database_url) for one in ("1", "2")]
    assert [one.exit_code for one in said] == [0, 0]
    assert ["may get it twice" in one.stdout for one in said] == [False, True]
