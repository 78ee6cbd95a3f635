"""PostgreSQL databases of tests: making one takes longer than most tests, so they are lent and emptied."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager

import psycopg
from sqlalchemy import make_url

from relay.store.db.engine import open_store
from relay.store.db.file_tables import metadata
from relay.store.db.schema import migrate, newest_revision

Lend = Callable[[str], AbstractContextManager[str]]

# What is left of a test that is over: its relays may have been killed in the middle of a transaction.
OTHERS = "pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
ENDED = f"SELECT pg_terminate_backend(pid, 5000) FROM {OTHERS}"
# A copy has its tables and indexes under the numbers they have in the template; what is made anew has others.
TABLES = "SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY oid"
REVISION = "SELECT version_num FROM alembic_version"
EMPTY = "; ".join(
    [
        "SET session_replication_role = replica",  # nothing refers to anything any more: not looked at row by row
        *(f"DELETE FROM {name}" for name in metadata.tables),
        *(
            f"ALTER SEQUENCE {name}_id_seq RESTART"
            for name in ("conversations", "received", "deliveries", "kept_files")
        ),
    ]
)


class Databases:
    """Migrated databases on one server; each is lent to one test at a time."""

    def __init__(self, url: str) -> None:
        self._server = url
        self._free: list[str] = []
        self._made = 0
        self._making = threading.Lock()
        self._execute("CREATE DATABASE relay_template")
        with closing(open_store(self._url("relay_template"))) as store:
            migrate(store)
        with psycopg.connect(self._url("relay_template")) as conn:
            self._template = conn.execute(TABLES).fetchall()

    @contextmanager
    def lend(self) -> Iterator[str]:
        """The url of an empty one, for a while; whoever changes its schema was the last to have it."""
        with self._making:
            name = self._free.pop() if self._free else self._make()
        yield self._url(name)
        if self._emptied(name):
            self._free.append(name)
        else:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _make(self) -> str:
        self._made += 1
        name = f"lent_{self._made}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE relay_template STRATEGY FILE_COPY")
        return name

    def _emptied(self, name: str) -> bool:
        """False when its schema is not the one it was lent with."""
        with psycopg.connect(self._url(name), autocommit=True) as conn:
            conn.execute(ENDED)
            as_made = conn.execute(TABLES).fetchall() == self._template
            intact = as_made and conn.execute(REVISION).fetchall() == [(newest_revision(),)]
            if intact:
                conn.execute(EMPTY)
        return intact

    def _url(self, name: str) -> str:
        return make_url(self._server).set(database=name).render_as_string(hide_password=False)

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self._server, autocommit=True) as conn:
            conn.execute(statement)
