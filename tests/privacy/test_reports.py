"""`relay deliveries show` of a refused body: without what the running relay hides, or the settings at hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from relay.cli.hiding import UNKNOWN
from relay.settings import Config
from relay.store.db.engine import Store, open_store
from relay.store.operations.hiding import known_rules, remember_rules
from relay.web import create_app
from relay.wiring import Relay
from tests.cli.conftest import Run, run
from tests.harness import auth, raw, settings
from tests.privacy.corpus import ALL
from tests.replies.desk import Desk

__all__ = ["run"]

CARD, MAIL = "4111 1111 1111 1111", "jane@example.com"
RULES = json.dumps([{"name": name} for name in ALL])


@pytest.fixture
def refused(store: Store) -> Callable[[bytes], None]:
    client = create_app(Relay(replace(settings(), config=Config(channels={"1": "C0X"})), store)).test_client()

    def send(body: bytes) -> None:
        sent = client.post("/kommunicate/webhook", data=body, headers={"Content-Type": "application/json", **auth()})
        assert sent.status_code == 422

    return send


@pytest.fixture
def post_one(store: Store) -> Callable[[bytes], None]:
    client = create_app(Relay(replace(settings(), config=Config(channels={"1": "C0X"})), store)).test_client()

    def send(body: bytes) -> None:
        client.post("/kommunicate/webhook", data=body, headers={"Content-Type": "application/json", **auth()})

    return send


def shown(run: Run, url: str, **env: str) -> str:
    body: str = json.loads(run("deliveries", "show", "r1", "--json", DATABASE_URL=url, **env).stdout)["body"]
    return body


def test_off_it_is_shown_as_it_came(refused: Callable[[bytes], None], run: Run, database_url: str) -> None:
    body = raw("k1", 1, f"{CARD}   {MAIL}", timeStamp="never")
    refused(body)
    assert shown(run, database_url) == body.decode()


def test_it_knows_what_the_running_relay_hides(
    refused: Callable[[bytes], None], run: Run, database_url: str, store: Store
) -> None:
    remember_rules(store, RULES)
    escaped = '{"\\u0034111 1111 1111 1111": "jane\\u0040example.com"}'
    nested = {"a": escaped, CARD: {"deep": [MAIL]}, "n": 4111111111111111}
    refused(raw("k1", 1, f"it is {CARD}", timeStamp="never", metadata=nested))
    told = shown(run, database_url)
    assert [piece for piece in ("4111", "jane@") if piece in told] == []
    read = json.loads(told)
    assert (read["message"], read["key"], read["groupId"]) == ("it is [payment card hidden]", "k1", 1)
    assert "[payment card hidden]" in read["metadata"]["n"]


def test_it_knows_what_the_settings_at_hand_hide(
    refused: Callable[[bytes], None], run: Run, database_url: str, tmp_path: Path
) -> None:
    """Also what a route alone hides: a refused body belongs to no chat."""
    route = "{name: r, when: {group_id: 9}, channel: C0Y, redact: [email]}"
    (tmp_path / "config.yaml").write_text(f"default_channel: C0X\nredact: [payment_card]\nroutes: [{route}]\n")
    refused(raw("k1", 1, f"{CARD} {MAIL}", timeStamp="never"))
    assert json.loads(shown(run, database_url))["message"] == "[payment card hidden] [e-mail address hidden]"


def test_what_cannot_be_told_is_not_shown(
    refused: Callable[[bytes], None], run: Run, database_url: str, store: Store
) -> None:
    """A later version may know rules that this one does not."""
    remember_rules(store, '[{"name": "faces"}]')
    refused(raw("k1", 1, CARD, timeStamp="never"))
    assert shown(run, database_url) == UNKNOWN


def test_the_relay_says_what_it_hides_and_when_it_no_longer_does(
    make_desk: Callable[..., Desk], database_url: str
) -> None:
    desk = make_desk(redact=ALL)
    with closing(open_store(database_url)) as store, store.read() as tx:
        assert json.loads(known_rules(tx)) == json.loads(RULES)
    desk.restart()
    with closing(open_store(database_url)) as store, store.read() as tx:
        assert known_rules(tx) == ""


@pytest.mark.parametrize("source", ["file", "database"])
def test_a_dry_run_shows_what_slack_would_get(
    post_one: Callable[[bytes], None], run: Run, database_url: str, tmp_path: Path, source: str
) -> None:
    body = raw("k1", 1, f"it is {CARD}", metadata={"mail": MAIL})
    (tmp_path / "body.json").write_bytes(body)
    post_one(body)
    route = '{name: a, when: {message: "nothing*"}, channel: C0Y}'
    config = f"routes: [{route}]\ndefault_channel: C0X\nredact: [payment_card, email]\n"
    words = ["body.json"] if source == "file" else ["--received", "1"]
    for flags in ([], ["--json"]):
        told = run("route", *words, *flags, DATABASE_URL=database_url, RELAY_CONFIG_YAML=config)
        assert told.exit_code == 0
        assert "[payment card hidden]" in told.stdout
        assert [piece for piece in ("4111 1111", "jane@") if piece in told.stdout] == []
