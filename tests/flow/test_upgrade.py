"""F18: what the last release left behind, with a backlog of every kind in it, is delivered: nothing is lost or doubled.

It stands in a database that is upgraded, or that had been upgraded when the last release was still writing into it.

`tests/samples/upgrade/0.1.0.json` holds its rows, and what stood in Slack then, as 0.1.0 left them when it was killed.
"""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import MetaData, Table, insert, text

from relay.sandbox.slack.values import Message
from relay.store.db.engine import Store
from relay.store.db.file_tables import metadata
from relay.store.db.schema import SchemaState, migrate, schema_state, upgrade
from relay.store.operations.replay import replay_one
from tests.harness import ROOT, FakeClock, timeline, words
from tests.replies.conftest import make_desk
from tests.replies.desk import Desk
from tests.store.shelf import rows

__all__ = ["make_desk"]

LEFT = json.loads((ROOT / "tests/samples/upgrade/0.1.0.json").read_text(encoding="utf-8"))
GROUPS = [row["group_id"] for row in LEFT["tables"]["conversations"]]
# All but what is dead, and what waits for a person.
SHOWN = [
    "m1001a",
    "m1001b",
    "m1001c",
    "m1002a",
    "m1003a",
    "m1003b",
    "m1004a",
    "m1004b",
    "m1005a",
    "m1005b",
    "m1006a",
    "m1007a",
    "m1007b",
    "m1008a",
    "m1009a",
    "m1010a",
    "m1012a",
    "m1013a",
    "m123456a",
]
TOLD = "\u26a0\u2705"  # what the lines begin with that tell people of trouble, and of its end
MARK = re.compile(r"\bm\d+[a-c]\b")


@pytest.fixture(params=[SchemaState.OLDER, SchemaState.CURRENT])
def found(request: pytest.FixtureRequest) -> SchemaState:
    """What schema the last release wrote into."""
    state: SchemaState = request.param
    return state


@pytest.fixture
def before(store: Store, clock: FakeClock, found: SchemaState) -> Store:
    """The database as the last release left it."""
    if found is SchemaState.OLDER:
        with store.begin_patiently() as conn:
            metadata.drop_all(conn)
            conn.execute(text("DROP TABLE alembic_version"))
        with store.begin_patiently() as conn:
            upgrade(conn, "0001")
    with store.begin_patiently() as conn:
        for name in (table.name for table in metadata.sorted_tables if table.name in LEFT["tables"]):
            table = Table(name, MetaData(), autoload_with=conn)  # as it is by now, of which it knew less
            for row in LEFT["tables"][name]:
                conn.execute(insert(table).values({column: stored(value) for column, value in row.items()}))
            if not store.on_sqlite and table.name in ("conversations", "received", "deliveries"):
                conn.execute(text(f"SELECT setval('{table.name}_id_seq', (SELECT max(id) FROM {table.name}))"))
    clock.time = LEFT["now"] + 60.0
    return store


def stored(value: Any) -> Any:
    return base64.b64decode(value["base64"]) if isinstance(value, dict) and value.keys() == {"base64"} else value


@pytest.fixture
def desk(before: Store, found: SchemaState, make_desk: Callable[..., Desk]) -> Desk:
    """The new version at work on it, with Slack as it was."""
    assert (migrate(before), schema_state(before)) == (found, SchemaState.CURRENT)
    desk = make_desk(replies={"undo_seconds": 5})
    for group in GROUPS:
        desk.sandbox.kommunicate.open_conversation(group, f"Jane {group}")
    for message in LEFT["slack"]:
        desk.sandbox.slack._keep(Message(**message))
    desk.sandbox.slack.channels["C0SUPPORT"].is_archived = True
    desk.mail.clear()
    return desk


def shown(desk: Desk) -> Counter[str]:
    """How often each message stands in a thread."""
    replies = [message for message in timeline(desk.server) if message["thread_ts"] and message["bot_id"]]
    return Counter(mark for reply in replies for mark in MARK.findall(words(reply)))


def reached(desk: Desk, group: str) -> list[str]:
    """What was sent to a customer since."""
    return [line.text for line in desk.sandbox.kommunicate.conversation(group).lines if line.source == 4]


def work(desk: Desk, seconds: float) -> None:
    """What a relay does for so long: its chores each minute, and its vendors' mail."""
    for _ in range(round(seconds / 60)):
        desk.run(60)
        desk.chores()
        desk.carry()


def test_a_backlog_of_the_last_release_is_delivered_once(desk: Desk) -> None:
    work(desk, 420)
    assert shown(desk) == Counter(SHOWN)
    cards = [root for root in desk.roots() if root["text"][0] not in TOLD]
    assert len(cards) == len(GROUPS)  # none stands twice
    assert reached(desk, "1010") == ["r1010 may still be undone"]
    # One had come back before its process died, one may have been sent: neither goes out again.
    assert (reached(desk, "1008"), reached(desk, "1009")) == ([], [])
    marks = desk.marks()
    assert marks["r1008 sent, and its process died"] == marks["r1010 may still be undone"] == ["sent"]
    assert marks["r1009 set out, and its process died"] == ["unsure"]


def test_what_waits_for_a_person_goes_on_when_they_have_acted(desk: Desk) -> None:
    work(desk, 180)
    assert [cause for _, cause in desk.waiting() if "archived" in cause]
    desk.sandbox.slack.channels["C0SUPPORT"].is_archived = False
    with desk.store.begin() as tx:
        (dead,) = rows(desk.store, "deliveries", state="dead", lane="words", about=None)
        replay_one(tx, dead.id)
    work(desk, 600)
    assert shown(desk) == Counter([*SHOWN, "m123456b", "m1012b"])
    assert desk.waiting() == []
    assert len(desk.dead()) == 1  # the reply that may have been sent
