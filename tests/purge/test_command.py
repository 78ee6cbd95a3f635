"""`relay purge`: what it asks, says and refuses."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from relay.cli import main
from relay.cli import purge as command
from relay.messages import Person, Role
from relay.store.conversations.people import remember_people
from relay.store.db.engine import Store
from relay.store.db.tables import received
from relay.store.intake.webhooks import reject
from tests.purge.conftest import Purge, report
from tests.purge.test_erasing import chat
from tests.replies.desk import GROUP, Desk
from tests.store.shelf import everything_stored, rows

JANE = f"customer-{GROUP}"
STRANGE = ["", " ", "%", "_", "customer-%", "x' OR '1'='1", 'x"; DROP TABLE received', "a\x00b", "\ud800", "\u202ex"]
STRANGE += ["9" * 400, "*", "null"]


def bodies(store: Store) -> int:
    with store.read() as tx:
        kept = select(func.count()).select_from(received).where(received.c.body.is_not(None))
        return int(tx.conn.execute(kept).scalar_one())


@pytest.mark.parametrize("customer", ["nobody", *STRANGE], ids=repr)
def test_an_unknown_or_hostile_id_erases_nothing(desk: Desk, purge: Purge, customer: str) -> None:
    desk.customer("m1")
    before = everything_stored(desk.store)
    result = purge("--customer", customer, "--yes")
    assert result.exit_code == 1
    assert result.stderr.startswith("There is no customer")
    assert "\u202e" not in result.stderr
    assert everything_stored(desk.store) == before


def test_an_id_with_quotes_and_percents_is_an_id(desk: Desk, purge: Purge) -> None:
    strange = "o'neil%_\"\\ jöe"
    desk.write("m1", message="jane-secret", **{"from": strange})
    desk.run(5)
    assert purge("--customer", strange, "--yes").exit_code == 0
    found = everything_stored(desk.store)
    assert "jane-secret" not in found
    assert strange not in found


def test_a_number_is_an_id_too(desk: Desk, purge: Purge) -> None:
    desk.write("m1", message="jane-secret", **{"from": 4711})
    desk.run(5)
    assert purge("--customer", "4711", "--yes").exit_code == 0
    assert "jane-secret" not in everything_stored(desk.store)


@pytest.mark.parametrize("who", ["bot", "agent-7"])
def test_the_team_is_nobodys_customer(desk: Desk, purge: Purge, who: str) -> None:
    """They write in everybody's chats."""
    with desk.store.begin() as tx:
        remember_people(tx, "default", [Person("agent-7", "Sam", Role.AGENT)])
    desk.write("m1", message="hello", **{"from": who})
    result = purge("--customer", who, "--yes")
    assert (result.exit_code, "nothing was erased" in result.stderr) == (1, True)
    assert bodies(desk.store) == 1


def test_a_dry_run_tells_and_changes_nothing(desk: Desk, purge: Purge) -> None:
    chat(desk)
    before = everything_stored(desk.store)
    result = purge("--customer", JANE, "--slack", "--dry-run", "--json")
    said = report(result)
    assert (said["dry_run"], said["conversations"], said["files"], said["names"]) == (True, 1, 1, 1)
    assert (said["posts_in_slack"] > 3, said["files_in_slack"], said["agents_messages"]) == (True, 1, 2)
    assert everything_stored(desk.store) == before


def test_it_asks_first(desk: Desk, purge: Purge) -> None:
    desk.customer("m1")
    refused = purge("--customer", JANE, input="n\n")
    assert (refused.exit_code, bodies(desk.store)) == (1, 1)
    assert "conversations: 1" in refused.stderr
    assert purge("--customer", JANE, input="y\n").exit_code == 0
    assert bodies(desk.store) == 0


def test_without_slack_it_says_what_stays_there(desk: Desk, purge: Purge) -> None:
    desk.customer("m1")
    assert report(purge("--customer", JANE, "--yes", "--json"))["left_in_slack"] == 2


def test_with_slack_it_needs_the_token(desk: Desk, purge: Purge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLACK_BOT_TOKEN")
    result = purge("--customer", JANE, "--slack", "--yes")
    assert (result.exit_code, "SLACK_BOT_TOKEN" in result.stderr) == (2, True)
    desk.customer("m1")
    assert purge("--customer", JANE, "--yes").exit_code == 0


@pytest.mark.parametrize(
    "words",
    [(), ("--customer", "x", "--older-than", "1d"), ("--older-than", "1d", "--slack"), ("--older-than", "soon")],
)
def test_it_says_what_it_wants_to_be_told(purge: Purge, words: tuple[str, ...]) -> None:
    assert purge(*words).exit_code == 2


def test_what_was_refused_or_ignored_goes_too(desk: Desk, purge: Purge) -> None:
    """In whatever field it says whose it is; also what is in one of the customer's chats, by whomever."""
    desk.customer("m1")
    theirs = (
        {"key": "r1", "from": JANE, "message": "jane-secret"},
        {"key": "r2", "groupId": int(GROUP), "message": "jane-secret"},
        {"key": "r3", "metadata": json.dumps({"userId": JANE}), "message": "jane-secret"},
    )
    with desk.store.begin() as tx:
        for one in theirs:
            reject(tx, "default", json.dumps(one).encode(), "invalid_body")
        reject(tx, "default", b'{"from": "somebody", "message": "else"}', "invalid_body")
    desk.webhook("bot", message="jane-secret of a bot", metadata={"category": "HIDDEN"})
    assert purge("--customer", JANE, "--yes").exit_code == 0
    found = everything_stored(desk.store)
    assert ("jane-secret" in found, "somebody" in found) == (False, True)


def test_what_is_older_goes_now(desk: Desk, purge: Purge) -> None:
    chat(desk)
    kept = bodies(desk.store)
    said = report(purge("--older-than", "7d", "--dry-run", "--json"))  # its own clock is years later
    assert (said["bodies"], said["names"] >= 1, bodies(desk.store)) == (kept, True, kept)
    assert purge("--older-than", "3650d", "--yes").exit_code == 0
    assert bodies(desk.store) == kept
    assert purge("--older-than", "7d", "--yes").exit_code == 0
    assert bodies(desk.store) == 0
    assert "jane-secret" not in everything_stored(desk.store)
    assert {row.state for row in rows(desk.store, "kept_files")} == {"deleted"}


def test_on_a_terminal_it_shows_how_far_it_is(
    desk: Desk, purge: Purge, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.customer("m1")

    class Terminal:
        def __init__(self, real: object) -> None:
            self._real = real

        def isatty(self) -> bool:
            return True

        def __getattr__(self, name: str) -> object:
            return getattr(self._real, name)

    monkeypatch.setattr(command, "sys", type("Sys", (), {"stderr": Terminal(sys.stderr)}))
    assert purge("--customer", JANE, "--slack", "--yes").exit_code == 0
    assert "Deleting in Slack" in capsys.readouterr().err


def test_an_empty_database_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "sqlite:///none.db")
    assert CliRunner().invoke(main, ["purge", "--customer", "x", "--yes"]).exit_code == 2
    assert not (tmp_path / "none.db").exists()
