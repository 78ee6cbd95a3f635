"""A customer asks to be forgotten: nothing of theirs is left, and nothing of anybody else's is touched."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import func, select

from relay.delivery import patience
from relay.store.db import postgres
from relay.store.db.engine import Store, open_store
from relay.store.db.file_tables import file_pieces, metadata
from relay.store.db.tables import conversations
from tests.harness import timeline
from tests.purge.conftest import Purge, report
from tests.replies.desk import GROUP, Desk
from tests.store.shelf import everything_stored, rows

OTHER = "777"
PDF = b"%PDF-1.7\n" + b"jane-secret-paper " * 40_000
WORDS = ("jane-secret", "Jane Jones")


def chat(desk: Desk, group: str = GROUP, name: str = "Jane Jones", mark: str = "jane-secret") -> str:
    """A chat with words, a file, an agent's answer with a file, a note and a click; returns the customer's id."""
    kommunicate, content = desk.sandbox.kommunicate, PDF.replace(b"jane-secret", mark.encode())
    kommunicate.customer_writes(group, f"{mark}-question", name=name)
    desk.carry()
    desk.run(5)
    thread = str(desk.roots()[-1]["ts"])
    file = kommunicate.files.private(f"{mark}-bill.pdf", content)
    kommunicate.customer_writes(group, f"{mark}-file", file=file)
    desk.carry()
    desk.run(10)
    paper = desk.sandbox.slack.cabinet.put(f"{mark}-plan.pdf", content=content)
    desk.sandbox.slack.human_writes("C0SUPPORT", f"{mark}-answer", thread_ts=thread, files=[paper])
    desk.sandbox.slack.human_writes("C0SUPPORT", f"note: {mark}-note", thread_ts=thread)
    desk.carry()
    desk.run(30)
    desk.press(thread, "resolve")
    desk.carry()
    desk.run(10)
    kommunicate.customer_writes(group, f"{mark}-again", metadata={"category": "HIDDEN"})
    kommunicate.customer_writes(group, f"{mark}-and-again")
    desk.carry()
    desk.run(60)
    return kommunicate.conversation(group).customer.user_id


def of_slack(desk: Desk) -> str:
    """What people can see in Slack, of agents' own messages nothing."""
    shown = [one for one in timeline(desk.server) if one["bot_id"]]
    files = [one for one in desk.sandbox.slack.cabinet.files.values() if one.user == "U0RELAY" and not one.deleted]
    return json.dumps(shown) + "".join(f"{one.name} {one.content!r}" for one in files)


def everything(store: Store, *, but: str) -> dict[str, list[Any]]:
    """All rows that belong to other conversations than that of a group."""
    with store.read() as tx:
        (left_out,) = tx.conn.execute(select(conversations.c.id).where(conversations.c.group_id == but)).scalars()
    found = {}
    for name, table in metadata.tables.items():
        if name == "conversations":
            found[name] = [row for row in rows(store, table) if row.id != left_out]
        elif "conversation_id" in table.c:
            found[name] = [row for row in rows(store, table) if row.conversation_id not in (None, left_out)]
    return found


def test_nothing_of_a_customers_is_left_in_the_store(desk: Desk, purge: Purge) -> None:
    jane = chat(desk)
    assert all(word in everything_stored(desk.store) for word in WORDS)
    assert purge("--customer", jane, "--yes").exit_code == 0
    found = everything_stored(desk.store)
    assert [word for word in (*WORDS, jane) if word in found] == []
    with desk.store.read() as tx:
        assert tx.conn.execute(file_pieces.select()).all() == []


def test_what_could_not_go_along_is_not_named_any_more(desk: Desk, purge: Purge) -> None:
    """Why a file did not go says what it is called."""
    desk.customer("m1")
    desk.agent("see this", files=(desk.sandbox.slack.cabinet.put("jane-secret-plan", kind="canvas"),))
    desk.carry()
    desk.run(30)
    assert any("jane-secret-plan" in row.cause for row in rows(desk.store, "deliveries"))
    assert purge("--customer", f"customer-{GROUP}", "--yes").exit_code == 0
    assert "jane-secret" not in everything_stored(desk.store)


def test_nothing_of_the_relays_is_left_in_slack(desk: Desk, purge: Purge) -> None:
    jane = chat(desk)
    assert "jane-secret-question" in of_slack(desk)
    said = report(purge("--customer", jane, "--slack", "--yes", "--json"))
    assert "jane" not in of_slack(desk).lower()
    assert [one["text"] for one in timeline(desk.server)] == ["jane-secret-answer", "note: jane-secret-note"]
    assert (said["agents_messages"], said["files_deleted"], said["stays_in_slack"]) == (2, 1, [])
    assert said["posts_deleted"] == said["posts_in_slack"] > 3


def test_another_customers_chat_is_as_it_was(desk: Desk, purge: Purge) -> None:
    jane = chat(desk)
    chat(desk, OTHER, "Bob", "bobs-secret")
    before, shown = (
        everything(desk.store, but=GROUP),
        [one for one in timeline(desk.server) if "bobs-secret" in str(one)],
    )
    assert purge("--customer", jane, "--slack", "--yes").exit_code == 0
    assert everything(desk.store, but=GROUP) == before
    assert [one for one in timeline(desk.server) if "bobs-secret" in str(one)] == shown
    desk.run(120)
    assert everything(desk.store, but=GROUP) == before


def test_a_long_chat_has_its_time(postgres_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Erasing 130,000 messages took longer than anything that a relay does may take, and never ended."""
    monkeypatch.setattr(postgres, "BEGIN", postgres.BEGIN.replace("'5s'", "'200ms'"))
    monkeypatch.setattr(patience, "PAUSES", ())
    with closing(open_store(postgres_database_url, patience=None)) as store:
        patience.write_patiently(store, "erase", lambda tx: tx.conn.execute(select(func.pg_sleep(0.5))))
