"""Empty, migrated databases, one for each run of a relay; the PostgreSQL ones are on one server."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from bench.speed.processes import cpu_of_tree
from relay.store.db.engine import open_store
from relay.store.db.schema import migrate
from tests.own_postgres import own_postgres

_TEMPLATE = "relay_template"


class Postgres:
    """A server with a migrated template."""

    def __init__(self, url: str, postmaster: int) -> None:
        self._url, self._postmaster = url, postmaster
        self._made = itertools.count(1)
        self._execute(f"CREATE DATABASE {_TEMPLATE}")
        with closing(open_store(self._address(_TEMPLATE))) as store:
            migrate(store)

    def new_database(self) -> str:
        """The URL of a new, empty database."""
        name = f"relay_{next(self._made)}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
        return self._address(name)

    def drop(self, url: str) -> None:
        """Drop a database, even if something is connected to it."""
        self._execute(f"DROP DATABASE {make_url(url).database} WITH (FORCE)")

    def cpu_seconds(self) -> float:
        """CPU time of the server and its children so far."""
        return cpu_of_tree(self._postmaster)

    def _address(self, name: str) -> str:
        return make_url(self._url).set(database=name).render_as_string(hide_password=False)

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self._url, autocommit=True) as admin:
            admin.execute(statement.encode())


@contextmanager
def postgres_server(folder: Path) -> Iterator[Postgres]:
    """Yield a server with its data in this folder."""
    place = folder / "postgres"
    place.mkdir()
    with own_postgres(place) as server:
        postmaster = int((place / "pg" / "postmaster.pid").read_text().split()[0])
        yield Postgres(server.url, postmaster)
