"""`relay route`: what becomes of a message, rule by rule, and word for word what Slack would get."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import select

from relay.delivery.moving import BY_HAND
from relay.delivery.worker import Worker
from relay.messages import Decision
from relay.sandbox import SandboxServer
from relay.store.conversations import threads
from relay.store.db.engine import Store, open_store
from relay.store.db.rows import to_conversation
from relay.store.db.tables import conversations
from relay.web import create_app
from tests.cli.conftest import Run
from tests.harness import FakeClock, auth, body, context_with, drain, relay_with, timeline

CONFIG = """
channels: {5: C0FIVE}
routes:
  - {name: vip, when: {metadata.plan: gold, role: customer}, channel: C0VIP}
  - {name: german, when: {language: de}, channel: C0GENERAL}
default_channel: C0SUPPORT
kommunicate: {file_hosts: [files.sandbox.test]}
"""
GERMAN = {"KM_CHAT_CONTEXT": '{"kmUserLocale": "de-AT"}'}


@pytest.fixture
def route(run: Run, tmp_path: Path):
    """Its output for one body, as people see it or as JSON."""

    def command(*options: str, **fields: Any) -> str:
        (tmp_path / "body.json").write_text(json.dumps(body(**fields)))
        result = run("route", "body.json", *options, RELAY_CONFIG_YAML=CONFIG)
        assert result.exit_code == 0, result.output
        return result.stdout

    return command


def test_it_tells_rule_by_rule_why(route) -> None:
    said = route(metadata=GERMAN)
    assert 'no   channels: "123456" is not listed' in said
    assert "no   routes:vip: it has no metadata.plan, not gold" in said
    assert "yes  routes:german: language is de" in said
    assert "default_channel" not in said
    assert "It goes to C0GENERAL." in said


@pytest.mark.parametrize(
    ("fields", "rules"),
    [
        ({"group_id": 5}, [True]),
        ({"metadata": {"plan": "gold"}}, [False, True]),
        ({"metadata": {"plan": "gold"}, "from": "bot"}, [False, False, False, True]),
        ({}, [False, False, False, True]),
    ],
)
def test_it_stops_at_the_rule_that_decides(route, fields: dict[str, Any], rules: list[bool]) -> None:
    assert [rule["holds"] for rule in json.loads(route("--json", **fields))["rules"]] == rules


@pytest.mark.parametrize(
    "fields",
    [
        {"text": "My mug is broken"},
        {"text": "x" * 9000},
        {"text": "See https://example.com/a and <!channel>"},
        {"text": None, "file": {"name": "a.pdf", "url": "https://files.sandbox.test/a.pdf", "size": 9}},
    ],
)
def test_it_prints_what_slack_gets_to_the_letter(
    route, fields: dict[str, Any], sqlite_database_url: str, server: SandboxServer, clock: FakeClock
) -> None:
    """Beside it the same message goes the whole way."""
    planned = json.loads(route("--json", **fields))["posts"]
    with closing(open_store(sqlite_database_url, clock)) as store:
        config = {"default_channel": "C0SUPPORT", "attachments": "link"}
        client = create_app(relay_with(store, server, **config)).test_client()
        client.post("/kommunicate/webhook", json=body(**fields), headers=auth())
        drain(Worker(context_with(store, server, **config)), clock, seconds=30)
    posted = timeline(server)
    assert len(planned) == len(posted)
    assert [post["channel"] for post in planned] == [message["channel"] for message in posted]
    assert _said(planned[1:]) == _said(posted[1:])


def _said(posts: list[dict[str, Any]]) -> list[Any]:
    return [[block for block in post["blocks"] if block["type"] == "rich_text"] for post in posts]


def test_it_posts_nothing_and_calls_nobody(run: Run, tmp_path: Path, server: SandboxServer) -> None:
    (tmp_path / "body.json").write_text(json.dumps(body()))
    env = {
        "RELAY_CONFIG_YAML": CONFIG,
        "SLACK_BOT_TOKEN": "xoxb-sandbox",
        "SLACK_API_URL": server.slack_api_url,
        "KOMMUNICATE_API_KEY": "sandbox-key",
        "KOMMUNICATE_API_URL": server.kommunicate_api_url,
        "SLACK_SIGNING_SECRET": "secret-of-the-sandbox",
    }
    result = run("route", "body.json", **env)
    assert result.exit_code == 0
    assert "Read only" not in result.stdout
    assert not server.sandbox.calls
    assert not list(tmp_path.glob("*.db"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "The body would be refused: The body cannot be read"),
        (b"{}", "key is missing"),
        (json.dumps(body(metadata={"category": "HIDDEN"})).encode(), "The message would not be shown:"),
        (b" " * 262_145, "larger than 262,144 bytes"),
    ],
)
def test_what_would_not_be_shown_is_said(run: Run, tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "body.json").write_bytes(content)
    result = run("route", "body.json", RELAY_CONFIG_YAML=CONFIG)
    assert result.exit_code == 1
    assert said in result.stderr


@pytest.mark.parametrize("words", [(), ("body.json", "--last", "3"), ("--received", "x"), ("missing.json",)])
def test_it_asks_for_one_thing(run: Run, tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "body.json").write_text(json.dumps(body()))
    assert run("route", *words, RELAY_CONFIG_YAML=CONFIG).exit_code == 2


def test_what_came_is_asked_again(run: Run, store: Store, database_url: str) -> None:
    """By the file as it is now, whatever it said when they came."""
    client = create_app(relay_with(store)).test_client()
    for group in (5, 6):
        client.post("/kommunicate/webhook", json=body(f"k{group}", group), headers=auth())
    env = {"RELAY_CONFIG_YAML": CONFIG, "DATABASE_URL": database_url}
    rows = json.loads(run("route", "--last", "5", "--json", **env).stdout)
    assert [(row["group_id"], row["channel"]) for row in rows] == [("6", "C0SUPPORT"), ("5", "C0FIVE")]
    one = json.loads(run("route", "--received", str(rows[1]["id"]), "--json", **env).stdout)
    assert (one["rule"], one["facts"]["message"]) == ("channels", "Hello")
    assert run("route", "--received", "999", **env).exit_code == 1


def test_it_says_why_slack_gets_nothing_at_once(run: Run, tmp_path: Path) -> None:
    (tmp_path / "body.json").write_text(json.dumps(body()))
    result = run("route", "body.json", RELAY_CONFIG_YAML="default_channel: C0SUPPORT\nshow: handoff\n")
    assert "It goes to C0SUPPORT.\nSlack gets nothing right away, because of `show` or `batch`." in result.stdout


def test_what_is_hidden_in_slack_is_hidden_here(run: Run, tmp_path: Path) -> None:
    """In what routes can ask, in why they do not hold, and in the posts."""
    card = "4111 1111 1111 1111"
    (tmp_path / "body.json").write_text(json.dumps(body(text=f"my card {card}", metadata={"note": card})))
    config = CONFIG + "redact: [payment_card]\n"
    config = config.replace("role: customer}", "message: refund, metadata.note: x}")
    result = run("route", "body.json", RELAY_CONFIG_YAML=config)
    assert result.exit_code == 0
    assert card not in result.output
    assert "payment card hidden" in result.stdout


def test_half_a_character_is_written_out(route) -> None:
    """No terminal can be sent it."""
    assert '"note": "\\ud800"' in route(metadata={"note": "\ud800"})


FOLLOWED = CONFIG.replace("channel: C0VIP}", "channel: C0VIP, follow: true}")


def test_of_a_chat_that_moved_it_says_where_it_stays_and_why(
    run: Run, store: Store, server: SandboxServer, clock: FakeClock, database_url: str
) -> None:
    """By hand, or by a route; not of one that is where the rules say."""
    config = yaml.safe_load(FOLLOWED.replace("{5:", "{'5':"))
    relay = relay_with(store, server, **config)
    client, worker = create_app(relay).test_client(), Worker(context_with(store, server, **config))
    gold = {"metadata": {"plan": "gold"}}
    for key, group, more in (("k1", 6, {}), ("k2", 6, gold), ("k3", 7, {}), ("k4", 8, {})):
        client.post("/kommunicate/webhook", json=body(key, group, **more), headers=auth())
        drain(worker, clock, seconds=5)
    with store.begin() as tx:
        row = tx.conn.execute(select(conversations).where(conversations.c.group_id == "7")).one()
        threads.follow(tx, to_conversation(row), Decision("C0OPS", row.rule, f"{BY_HAND}alex"))
    env = {"RELAY_CONFIG_YAML": FOLLOWED, "DATABASE_URL": database_url}
    rows = {row["id"]: row for row in json.loads(run("route", "--last", "5", "--json", **env).stdout)}
    assert [(rows[key]["channel"], rows[key]["stays_in"]) for key in sorted(rows)] == [
        ("C0SUPPORT", "C0VIP"),
        ("C0VIP", None),
        ("C0SUPPORT", "C0OPS"),
        ("C0SUPPORT", None),
    ]
    table = " ".join(run("route", "--last", "5", **env).stdout.split())
    assert table.count("Its chat stays in") == 2
    said = "By the rules it goes to C0SUPPORT.\nIts chat stays in C0VIP: route vip has `follow`."
    assert said in run("route", "--received", "1", **env).stdout
    assert "Its chat stays in C0OPS: alex moved it there by hand." in run("route", "--received", "3", **env).stdout


def test_of_a_chat_from_before_an_edit_it_says_that_it_stays(run: Run, store: Store, database_url: str) -> None:
    client = create_app(relay_with(store, default_channel="C0GENERAL")).test_client()
    client.post("/kommunicate/webhook", json=body("k1", 6), headers=auth())
    env = {"RELAY_CONFIG_YAML": CONFIG, "DATABASE_URL": database_url}
    (row,) = json.loads(run("route", "--last", "5", "--json", **env).stdout)
    assert (row["channel"], row["stays_because"]) == (
        "C0SUPPORT",
        "Its chat stays in C0GENERAL: chats stay where they began.",
    )
