"""Measures whether the response time of an invalid link reveals why it is invalid: medians, in microseconds.

    python -m bench.links --requests 3000 --database both

Requests, in turns over one kept connection to a real `relay serve`, links that were made up, altered, expired,
withdrawn or deleted. A second group of made-up links shows the random variation: two kinds differ only if they differ
by more than those two groups.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import secrets
import statistics
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import update

from bench.files import CONFIG, Town
from bench.soak import database
from relay.sandbox import Sandbox, SandboxServer
from relay.store.conversations.kept_files import TOKEN_BYTES
from relay.store.db.engine import Store, open_store
from relay.store.db.file_tables import kept_files
from relay.vocabulary import KeptState
from tests.harness import environment, timeline, wait_for
from tests.processes import RelayProcess, spawned

EACH = 5  # files of a kind
MONTHS = 100 * 86400.0  # seconds
KINDS: Mapping[str, Mapping[str, Any] | None] = {
    "made up": None,
    "made up as well": None,
    "altered": None,
    "expired": {"created_at": time.time() - MONTHS},
    "taken back": {"state": KeptState.REVOKED.value},
    "deleted": {"state": KeptState.GONE.value, "name": "", "token": ""},
}


def made_up() -> str:
    """A link in the relay's form."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def keep_files(town: Town, store: Store) -> list[tuple[int, str]]:
    """Store files; returns their links by id."""
    slack, root = town.server.sandbox.slack, next(iter(timeline(town.server)))
    content = b"%PDF-1.7\n" + bytes(1000)
    papers = [slack.cabinet.put(f"paper-{number}.pdf", content=content) for number in range(len(KINDS) * EACH)]
    slack.human_writes(root["channel"], "see these", thread_ts=root["ts"], files=papers)

    def kept() -> list[tuple[int, str]]:
        with store.read() as tx:
            rows = tx.conn.execute(kept_files.select().where(kept_files.c.state == KeptState.KEPT.value)).all()
        return [(row.id, row.token) for row in rows]

    assert wait_for(lambda: len(kept()) == len(KINDS) * EACH, 120)
    return kept()


def links(store: Store, kept: list[tuple[int, str]]) -> dict[str, list[str]]:
    """Invalid links of each kind; the last files stay as they are."""
    found = {}
    for number, (kind, change) in enumerate(KINDS.items()):
        mine = kept[number * EACH : (number + 1) * EACH]
        if change is None:
            tokens = [token[:-2] + secrets.token_urlsafe(1) for _, token in mine]
            found[kind] = tokens if kind == "altered" else [made_up() for _ in mine]
            continue
        with store.begin() as tx:
            tx.conn.execute(update(kept_files).where(kept_files.c.id.in_([one for one, _ in mine])).values(**change))
        found[kind] = [token for _, token in mine]
    return found


def ask(port: int, found: Mapping[str, list[str]], requests: int) -> tuple[dict[str, list[float]], set[Any]]:
    """The seconds that each took, by kind, and every answer received."""
    took: dict[str, list[float]] = {kind: [] for kind in found}
    answers = set()
    with closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
        for _ in range(requests):
            for kind in random.sample(list(found), len(found)):
                path = f"/files/{random.choice(found[kind])}"
                begun = time.perf_counter()
                connection.request("GET", path)
                answer = connection.getresponse()
                content = answer.read()
                took[kind].append(time.perf_counter() - begun)
                headers = tuple(sorted((name, value) for name, value in answer.getheaders() if name != "Date"))
                answers.add((answer.status, content, headers))
    return took, answers


def measure(kind: str, requests: int) -> dict[str, Any]:
    """One run, which ends before the relay's chores run after a minute."""
    with (
        tempfile.TemporaryDirectory(prefix="relay-links-") as name,
        database(kind, Path(name)) as url,
        SandboxServer(Sandbox(pace=0)) as server,
        closing(open_store(url)) as store,
    ):
        server.sandbox.slack.add_channel("C0F0", "f-0")
        env = environment(server, url, RELAY_CONFIG_YAML=CONFIG, SLACK_SIGNING_SECRET="sandbox-signing-secret")
        relay = RelayProcess("serve", cwd=Path(name), env=env, start=spawned)
        try:
            relay.wait_ready()
            server.sandbox.connect(relay.url)
            town = Town(server, relay)
            town.say("hello", 0)
            assert wait_for(lambda: len(timeline(server)) == 2, 60)
            found = links(store, keep_files(town, store))
            ask(relay.port, found, 200)  # not measured: the first request
            took, answers = ask(relay.port, found, requests)
        finally:
            relay.kill()
    medians = {each: round(1e6 * statistics.median(seconds)) for each, seconds in took.items()}
    quarters = {
        each: [round(1e6 * at) for at in statistics.quantiles(seconds, n=4)[::2]] for each, seconds in took.items()
    }
    told = [(status, content.decode()) for status, content, _ in answers]
    return {
        "database": kind,
        "median": medians,
        "quartiles": quarters,
        "different answers": len(answers),
        "answer": told[0],
    }


def main() -> None:
    """Print one line of JSON per database."""
    parser = argparse.ArgumentParser(prog="python -m bench.links", description=__doc__)
    parser.add_argument("--requests", type=int, default=3000, help="of each kind")
    parser.add_argument("--database", choices=("sqlite", "postgres", "both"), default="both")
    options = parser.parse_args()
    for kind in ("sqlite", "postgres") if options.database == "both" else (options.database,):
        print(json.dumps(measure(kind, options.requests)))


if __name__ == "__main__":
    main()
