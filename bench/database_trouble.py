"""Stops, restarts, silences or demotes a PostgreSQL server, or suspends a relay in a transaction, under load.

    python -m bench.database_trouble --trouble restarts --behind pgbouncer

Ten customers write, each in a conversation and channel of its own, and repeat what was not answered 200. Prints how
long messages took to be accepted, and from then to appear in Slack, during the trouble and after it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from relay.sandbox import Sandbox, SandboxServer
from tests.harness import body, environment, timeline, wait_for, words
from tests.own_postgres import OwnPostgres, Proxy, own_postgres, pooled
from tests.processes import RelayProcess, spawned

GROUPS = range(7300, 7310)
SICK = 7399
EVERY = 0.5  # seconds between two messages of a customer
BEFORE, AFTER = 3.0, 8.0  # seconds of writing before the trouble, and after it is over
PATIENCE = 60.0
MARK = re.compile(r"\bm(\d+)x(\d+)\b")
CONFIG = "replies: {undo_seconds: 0}\ndelivery: {posts_per_second: 20, burst: 20}\nchannels:\n" + "".join(
    f"  {group}: C0D{group}\n" for group in (*GROUPS, SICK)
)
POST = "chat.postMessage"
HELD = (
    "SELECT group_id FROM lanes JOIN conversations ON conversations.id = conversation_id "
    "WHERE lanes.lease_owner LIKE %s AND lease_until IS NOT NULL"
)


@dataclass
class Town:
    """The customers, and what happened to their messages."""

    server: SandboxServer
    postgres: OwnPostgres
    proxy: Proxy | None
    begin: Callable[..., RelayProcess]
    relays: list[RelayProcess] = field(default_factory=list)
    accepted: dict[str, float] = field(default_factory=dict)
    tries: list[tuple[float, int, float]] = field(default_factory=list)  # when, with which status, after how long
    over: threading.Event = field(default_factory=threading.Event)
    healed: float = 0.0
    held: set[int] = field(default_factory=set)  # groups whose lanes a suspended relay holds until its lease ends
    figures: dict[str, float] = field(default_factory=dict)

    def write(self, group: int, web: RelayProcess) -> None:
        """One customer, until the end of the run."""
        for number in itertools.count():
            mark = f"m{group}x{number}"
            while not self._stored(web, mark, group):
                if self.over.wait(0.2):
                    return
            self.accepted[mark] = time.time()
            if self.over.wait(EVERY):
                return

    def _stored(self, web: RelayProcess, mark: str, group: int) -> bool:
        begun = time.monotonic()
        try:
            status = web.post(body(mark, group, mark, **{"from": f"customer-{group}"})).status_code
        except requests.RequestException:
            status = 0
        self.tries.append((begun, status, time.monotonic() - begun))
        return status == 200

    def shown(self) -> dict[str, list[float]]:
        """When each message appeared in its thread; several times if it was duplicated."""
        found: dict[str, list[float]] = {}
        for message in timeline(self.server):
            if message["thread_ts"]:
                for group, number in MARK.findall(words(message)):
                    found.setdefault(f"m{group}x{number}", []).append(float(message["ts"]))
        return found


def quiet(seconds: float) -> None:
    """Let time pass in which the others work."""
    threading.Event().wait(seconds)


def nothing(town: Town, seconds: float) -> None:
    """No trouble, for comparison."""
    quiet(seconds)


def stopped_worker(town: Town, seconds: float) -> None:
    """A worker is suspended in the transaction that closes the gate of all posts; another worker continues."""
    town.server.sandbox.faults.add("auth.test", "error", code="fatal_error", times=None)
    town.server.sandbox.faults.add(POST, "error", code="service_unavailable", channel=f"C0D{SICK}", times=None)
    stopping = town.begin("worker", RELAY_ENV="test", RELAY_FAILPOINT="gate.before_commit:1:stop")
    town.relays[1].stop()  # so that it is not the other worker that encounters it
    assert wait_for(lambda: _tries_sick(town) and _is_stopped(stopping.process.pid), PATIENCE, every=0.5), (
        "nobody was stopped"
    )
    town.server.sandbox.faults.clear()
    town.begin("worker")
    town.held = {int(group) for (group,) in town.postgres.ask(HELD, f"%|{stopping.process.pid}|%")}
    quiet(seconds)


def _tries_sick(town: Town) -> bool:
    """Send another message to the refused channel, until it is the second worker that takes one."""
    town.relays[0].post(body(f"sick-{time.time_ns()}", SICK, "hello"))
    return True


def _is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def frozen_server(town: Town, seconds: float) -> None:
    """The server and its children are suspended, and resume later."""
    with town.postgres.frozen():
        quiet(seconds)


def silent_connections(town: Town, seconds: float) -> None:
    """Existing connections carry nothing any more; new ones work."""
    assert town.proxy is not None
    town.proxy.swallow(new=False)
    town.healed = time.time()
    quiet(seconds)


def silent_network(town: Town, seconds: float) -> None:
    """No connection carries anything, and new ones are silent too, until the trouble is over."""
    assert town.proxy is not None
    town.proxy.swallow(new=True)
    quiet(seconds)
    town.proxy.pass_on()


def restarts(town: Town, seconds: float) -> None:
    """A restart every three seconds, as after power cuts."""
    for _ in range(round(seconds / 3)):
        town.postgres.restart()
        quiet(3)


def demoted(town: Town, seconds: float) -> None:
    """The server accepts no writes for a while, like one that has become a standby; then another does."""
    with town.postgres.standby():
        quiet(seconds)
        assert requests.get(f"{town.relays[0].url}/readyz", timeout=PATIENCE).status_code == 503


def stopping_meanwhile(town: Town, seconds: float) -> None:
    """SIGTERM while the server is suspended; then another relay continues."""
    with town.postgres.frozen():
        quiet(seconds)
        begun = time.monotonic()
        town.relays[1].stop()
        town.figures["stopped_after"] = round(time.monotonic() - begun, 2)
    town.begin("worker")


TROUBLE: Mapping[str, tuple[Callable[[Town, float], None], float]] = {
    "nothing": (nothing, 5.0),
    "stopped_worker": (stopped_worker, 60.0),
    "frozen_server": (frozen_server, 30.0),
    "silent_connections": (silent_connections, 15.0),
    "silent_network": (silent_network, 15.0),
    "restarts": (restarts, 30.0),
    "demoted": (demoted, 12.0),
    "stopping_meanwhile": (stopping_meanwhile, 3.0),
}
"""What goes wrong, and for how many seconds."""

BEHIND = ("nothing", "proxy", "pgbouncer")
NEEDS_PROXY = ("silent_connections", "silent_network")


@contextmanager
def _reached(server: OwnPostgres, folder: Path, behind: str) -> Iterator[tuple[str, Proxy | None]]:
    """Yield the relay's DATABASE_URL, and the proxy if any; behind PgBouncer, the relay's connections are lost."""
    if behind == "nothing":
        yield server.url, None
        return
    with pooled(server, folder) if behind == "pgbouncer" else nullcontext(server.socket) as target:
        proxy = Proxy(target)
        try:
            yield proxy.url(), proxy
        finally:
            proxy.close()


def in_trouble(folder: Path, trouble: str, behind: str = "nothing", *, seconds: float | None = None) -> dict[str, Any]:
    """Cause the trouble, for its usual time or for this many `seconds`; returns the figures, in seconds."""
    happens, usual = TROUBLE[trouble]
    seconds = usual if seconds is None else seconds
    behind = "proxy" if behind == "nothing" and trouble in NEEDS_PROXY else behind
    with own_postgres(folder) as postgres, _reached(postgres, folder, behind) as (url, proxy), _vendors() as server:
        env = environment(server, url, RELAY_CONFIG_YAML=CONFIG)
        relays: list[RelayProcess] = []

        def begin(*command: str, **more: str) -> RelayProcess:
            own = {**env, **more, "PORT": env["PORT"] if command[0] == "serve" else "0"}
            relays.append(RelayProcess(*command, cwd=folder, env=own, log=f"{len(relays)}.log", start=spawned))
            return relays[-1]

        town = Town(server, postgres, proxy, begin, relays)
        try:
            return _measured(town, lambda: happens(town, seconds)) | {"trouble": trouble, "behind": behind}
        finally:
            server.sandbox.core.closing.set()
            for relay in relays:
                relay.kill()


@contextmanager
def _vendors() -> Iterator[SandboxServer]:
    with SandboxServer(Sandbox(pace=0)) as server:
        for group in (*GROUPS, SICK):
            server.sandbox.slack.add_channel(f"C0D{group}", f"of-{group}")
        yield server


def _measured(town: Town, happen: Callable[[], None]) -> dict[str, Any]:
    web = town.begin("serve", "--no-worker")
    web.wait_ready()
    town.begin("worker")
    customers = [threading.Thread(target=town.write, args=(group, web)) for group in GROUPS]
    for each in customers:
        each.start()
    quiet(BEFORE)
    assert wait_for(lambda: len(town.shown()) > len(GROUPS), PATIENCE), "nothing works"
    town.tries.clear()
    begun = time.time()
    happen()
    healed = town.healed or time.time()
    quiet(AFTER)
    town.over.set()
    for each in customers:
        each.join()
    wait_for(lambda: town.shown().keys() >= town.accepted.keys(), PATIENCE)
    return _figures(town, begun, healed) | town.figures


def _figures(town: Town, begun: float, healed: float) -> dict[str, Any]:
    shown = town.shown()
    counted = [mark for mark, at in town.accepted.items() if at > begun - EVERY and mark in shown]
    lags = [shown[mark][0] - town.accepted[mark] for mark in counted if int(mark[1:].split("x")[0]) not in town.held]
    held = [shown[mark][0] - town.accepted[mark] for mark in counted if int(mark[1:].split("x")[0]) in town.held]
    order = [mark for mark, _ in sorted(shown.items(), key=lambda each: each[1][0])]
    first_post = min(at[0] for at in shown.values() if at[0] > healed)
    first_write = min(at for at in town.accepted.values() if at > healed)
    return {
        "answers": dict(Counter(status for _, status, _ in town.tries)),
        "accept_max": round(max(took for *_, took in town.tries), 2),
        "lag": {"p50": _at(lags, 50), "p99": _at(lags, 99), "max": round(max(lags), 2)},
        **({"held": {"conversations": len(town.held), "max": round(max(held), 2)}} if held else {}),
        "after": {"write": round(first_write - healed, 2), "post": round(first_post - healed, 2)},
        "accepted": len(town.accepted),
        "lost": len(town.accepted.keys() - shown.keys()),
        "doubled": sum(len(at) - 1 for at in shown.values()),
        "reordered": sum(_out_of_order([mark for mark in order if mark.startswith(f"m{group}x")]) for group in GROUPS),
    }


def _at(lags: list[float], percent: int) -> float:
    return round(statistics.quantiles(lags, n=100)[percent - 1], 2)


def _out_of_order(marks: list[str]) -> int:
    numbers = [int(mark.partition("x")[2]) for mark in marks]
    return sum(after < before for before, after in itertools.pairwise(numbers))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trouble", choices=(*TROUBLE, "all"), default="all")
    parser.add_argument("--behind", choices=BEHIND, default="nothing")
    given = parser.parse_args()
    for trouble in TROUBLE if given.trouble == "all" else (given.trouble,):
        with tempfile.TemporaryDirectory(prefix="relay-database-") as name:
            print(json.dumps(in_trouble(Path(name), trouble, given.behind)), flush=True)


if __name__ == "__main__":
    main()
