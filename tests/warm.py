"""One chat there and back, in the process that relays are forked from: what it compiled for that, they all have.

Imported there and nowhere else, before the first fork. A new process compiles some hundred statements, which takes
longer than the few messages that most tests send through it.
"""

from __future__ import annotations

import gc
import os
import tempfile
from contextlib import closing
from uuid import uuid4

import psycopg
import structlog
import yaml
from sqlalchemy import make_url

from relay.sandbox import Sandbox, SandboxServer
from relay.store.db.engine import open_store
from relay.store.db.schema import migrate
from tests import dialects
from tests.commands import every_command
from tests.harness import POSTGRES, FakeClock
from tests.processes import HASTY
from tests.replies.desk import Desk


def one_chat(database_url: str) -> None:
    """A customer writes, an agent replies and resolves, the customer comes back; then Slack is silent, and refuses."""
    clock = FakeClock()
    with closing(open_store(database_url, clock)) as store, SandboxServer(Sandbox(clock.now, pace=0)) as server:
        migrate(store)
        # These waits are exact in binary: rounded ones end a moment before or after what a clock like this is set to.
        desk = Desk(store, server, clock, delivery=yaml.safe_load(HASTY) | {"confirm_after": [0.25, 0.5]})
        desk.customer("m1 my mug is broken")
        desk.says("we are on it")
        desk.run(60)
        desk.use("resolve")
        desk.carry()
        desk.run(60)
        desk.customer("m2 and my other mug, too")
        for number, (kind, code) in enumerate([("reset_after", ""), ("reset_before", ""), ("error", "invalid_blocks")]):
            desk.fault(kind, code=code)
            desk.customer(f"m{3 + number} are you there?")
            desk.run(60)
        desk.chores()


def on_sqlite() -> None:
    with tempfile.TemporaryDirectory(prefix="relay-warm-") as folder:
        one_chat(f"sqlite:///{folder}/relay.db")


def on_postgres(url: str) -> None:
    """In a database of its own."""
    name = f"warm_{uuid4().hex[:12]}"
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name}")
        one_chat(make_url(url).set(database=name).render_as_string(hide_password=False))
        conn.execute(f"DROP DATABASE {name}")


list(every_command())  # read once here, and not by each of them
dialects.share()
structlog.configure(logger_factory=structlog.ReturnLoggerFactory())  # nobody reads of this chat
on_sqlite()
if POSTGRES in os.environ:
    on_postgres(os.environ[POSTGRES])
structlog.reset_defaults()
gc.freeze()  # nothing of this is garbage of theirs: looking at it would also copy it
