"""What agents do, and what is taken back, costs the same however much lies in the store: SQLite tells its plans.

On the paths of customers' messages `tests/store/test_plans.py` looks at both databases.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from relay.sandbox import SandboxServer
from relay.sandbox.slack.sharing import human_deletes_file
from relay.store.db.engine import Store, open_store
from relay.store.operations.replay import replay_all
from tests.harness import FakeClock
from tests.replies.desk import Desk
from tests.replies.test_withdrawn import say, withdraw
from tests.statements import noted

HISTORY = r"(deliveries|sends|send_parts|received|conversations|lanes)\w*"
THROUGH = re.compile(rf"SCAN {HISTORY}$|SEARCH {HISTORY}$|AUTOMATIC", re.MULTILINE)


@pytest.fixture
def desk(sqlite_database_url: str, server: SandboxServer, clock: FakeClock) -> Iterator[Desk]:
    store = open_store(sqlite_database_url, clock)
    yield Desk(store, server, clock, replies={"undo_seconds": 5})
    store.close()


@pytest.fixture
def through(desk: Desk) -> Iterator[list[str]]:
    """The plans that go through a whole table, with their statements."""
    found: list[str] = []

    def note(statement: str, values: Any, connection: Any) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE")):
            rows = connection.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
            plan = "\n".join(str(row[-1]) for row in rows)
            if THROUGH.search(plan):
                found.append(f"{statement}\n{plan}")

    with noted(desk.store.engine, note):
        yield found


def a_reply(desk: Desk) -> None:
    desk.says("r1 hello")
    desk.run(20)
    desk.carry()


def an_edit(desk: Desk) -> None:
    message = desk.agent("r1 helo")
    desk.carry()
    desk.sandbox.slack.human_edits("C0SUPPORT", message.ts, "r1 hello")
    desk.carry()
    desk.run(20)


def a_deleted_file(desk: Desk) -> None:
    file = desk.sandbox.slack.cabinet.put("bill.pdf")
    desk.agent("r1 hello", files=[file])
    desk.carry()
    desk.run(20)
    human_deletes_file(desk.sandbox.slack, file.id, user="U0ALEX")
    desk.carry()
    desk.run(20)


def a_click(desk: Desk) -> None:
    desk.use("resolve")
    desk.carry()
    desk.run(10)


def a_withdrawal(desk: Desk) -> None:
    say(desk, "that one", "5-k2", metadata={"AL_REPLY": "5-k1"})
    withdraw(desk, "5-k1")
    desk.run(10)


def a_replay(desk: Desk) -> None:
    desk.fault("error", times=None, code="invalid_blocks")
    say(desk, "words", "5-k3", seconds=30)
    desk.sandbox.faults.clear()
    with desk.store.begin() as tx:
        assert replay_all(tx) == 1
    desk.run(30)


def a_refusal(desk: Desk) -> None:
    desk.fault("error", "/rest/ws/message/v2/send", code="INVALID_PARAMETER")
    message = desk.agent("r1 hello")
    desk.carry()
    desk.run(20)
    desk.sandbox.slack.human_deletes("C0SUPPORT", message.ts)
    desk.carry()
    desk.run(20)


def a_question(desk: Desk) -> None:
    desk.fault("ratelimited", "chat.postEphemeral", retry_after="30")
    desk.says("(note) r1")
    desk.run(60)


STEPS = [a_reply, an_edit, a_deleted_file, a_click, a_withdrawal, a_replay, a_refusal, a_question]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_it_goes_through_no_table(desk: Desk, through: list[str], step: Callable[[Desk], None]) -> None:
    desk.customer("m1 hello")
    say(desk, "a question", "5-k1")
    step(desk)
    assert through == []


def test_what_goes_through_a_table_is_seen(desk: Desk, through: list[str]) -> None:
    store: Store = desk.store
    with store.read() as tx:
        tx.conn.exec_driver_sql("SELECT count(*) FROM received WHERE reason = ''")
    assert len(through) == 1
