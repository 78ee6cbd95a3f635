"""kill -9 from inside, at every named place, on its 1st, 4th and 9th pass; a parent starts the relay again.

What was answered 200 is visible once, in order, or is a dead letter with its cause. Where Slack's history cannot be
read, a message may be there twice, and then the second says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import select

from relay.failpoints import FAILPOINTS
from relay.sandbox import Sandbox, SandboxServer
from relay.store.db.engine import Store, open_store
from relay.store.db.tables import OPEN_DELIVERIES, deliveries
from relay.store.operations.reports import Which, list_deliveries
from tests.databases import Lend
from tests.harness import auth, environment, own_ports, raw, timeline, wait_for, words
from tests.processes import HASTY, MortalRelay
from tests.sampling import sampled
from tests.store.shelf import LIMITS

PASSES, ONE_PASS = (1, 4, 9), (4,)
ENGINES = ("sqlite", "postgres")
AT_ONCE = 4  # runs side by side: mostly they wait for leases to end
MOST = 200  # messages until a failpoint that was not passed often enough is a mistake
BURST = 4
POLL = 0.1  # seconds between questions to the database, which cost what the relays should have
GROUPS = ("801", "802", "803")
POST = "chat.postMessage"
# The way back has a test of its own.
ELSEWHERE = ("kommunicate", "private", "not_ready", "forget", "remind", "give_back", "file", "erase",
             "delete_file", "alert")  # fmt: skip  # tried in other files
PLACES = [name for name in FAILPOINTS if not name.startswith(ELSEWHERE)]
# `make test` dies once at each place, on the databases in turns (neither gets all that is before a commit);
# `make test-long` on each pass, on both.
DEATHS = [
    *((place, ENGINES[(number + number // 2) % 2], ONE_PASS) for number, place in enumerate(PLACES)),
    *(pytest.param(*death, PASSES, marks=pytest.mark.long) for death in product(PLACES, ENGINES)),
]
CHANNEL = {group: f"C0CRASH{group}" for group in GROUPS}
REPEATED = "may be repeated"
TEXT = re.compile(r"\bm\d+x\b")
CONFIG = f"delivery: {HASTY}\nretention: 1s\nchannels: {{801: C0CRASH801, 802: C0CRASH802, 803: C0CRASH803}}\n"


def calm(_: Run) -> None:
    """Slack takes everything."""


def unsure(run: Run) -> None:
    """Every other post arrives and is never confirmed."""
    run.fault("reset_after", after=1)


def absent(run: Run) -> None:
    """Every other post is lost on its way."""
    run.fault("reset_before", after=1)


def late(run: Run) -> None:
    """Every other post is never confirmed, and history shows it so late that it is sent once more."""
    run.server.sandbox.slack.history_lag = 0.5
    run.fault("reset_after", after=1)


def stray(run: Run) -> None:
    """Now and then somebody deletes a whole thread under the relay's hands."""
    if run.count % BURST == 1:
        channel = CHANNEL[run.group]
        for message in reversed([one for one in timeline(run.server) if one["channel"] == channel]):
            run.removed.update(TEXT.findall(words(message)))
            run.server.sandbox.slack.human_deletes(channel, message["ts"])


def picky(run: Run) -> None:
    """Now and then a post in a thread is refused as it is."""
    run.fault("error", channels=run.begun(), code="invalid_blocks")


def picky_with_batches(run: Run) -> None:
    """A post takes its time, so that a batch gathers behind it, and that is refused."""
    at_peace = run.begun() - run.troubled()
    run.fault("slow", channels=at_peace, seconds=0.1)
    for channel in at_peace:
        run.server.sandbox.faults.add(POST, "error", channel=channel, code="invalid_blocks")


def limited(run: Run) -> None:
    """Every other post comes too early."""
    run.fault("ratelimited", after=1, retry_after="0")


def busy(run: Run) -> None:
    """Every other post is not taken now."""
    run.fault("error", after=1, code="service_unavailable")


def particular(run: Run) -> None:
    """Now and then a thread is deleted, and the card of the next is refused in every form."""
    stray(run)
    if run.count % BURST == 1:
        run.fault("error", channels=[CHANNEL[run.group]], after=1, times=2, code="no_text")


def refusing(run: Run) -> None:
    """Whatever is said in a thread is refused for good, in every form."""
    run.fault("error", channels=run.begun(), times=None, code="invalid_blocks")


TROUBLE: dict[str, Callable[[Run], None]] = {
    "slack": unsure,
    "confirm": unsure,
    "look": unsure,
    "looked": late,
    "copy": late,
    "copies": late,
    "resend": absent,
    "retry": busy,
    "gate": limited,
    "close_channel": particular,
    "stray": stray,
    "newthread": stray,
    "dissolve": picky_with_batches,
    "degrade": picky,
    "bury": refusing,
}

# What time brings about, not messages, comes sooner: otherwise hundreds are written until then.
PASSED_BY_TIME = {"prune": {"relay.delivery.worker.CHORES_EVERY": 0.1}}


@dataclass
class Run:
    """One database, one sandbox, and relays that die one after the other."""

    failpoint: str
    store: Store
    cwd: Path
    server: SandboxServer
    passes: tuple[int, ...]
    unreadable: bool = False
    accepted: dict[str, list[str]] = field(default_factory=lambda: {group: [] for group in GROUPS})
    count: int = 0
    owed: str | None = None
    shown: dict[str, list[str]] = field(default_factory=dict)
    dead: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)

    @property
    def group(self) -> str:
        """Who writes at present: several messages in a row, then the next."""
        return GROUPS[self.count // BURST % len(GROUPS)]

    def go(self) -> Run:
        """Die on each pass, then run on in peace until everything is told."""
        for group in GROUPS:
            self.server.sandbox.slack.add_channel(CHANNEL[group], f"crash-{group}")
        for number in self.passes:
            self._until_it_dies(number)
        self.server.sandbox.faults.clear()
        with self._relay() as (relay, url):
            if self.owed is not None:
                self._write(relay, url)
            wait_for(self._all_told, timeout=60, every=POLL)
        return self

    def fault(self, kind: str, channels: Collection[str] = tuple(CHANNEL.values()), **rule: Any) -> None:
        """One bad post to come in each channel, unless one is still to come there."""
        for channel in set(channels) - self.troubled():
            self.server.sandbox.faults.add(POST, kind, channel=channel, **rule)

    def troubled(self) -> set[str]:
        """The channels in which something is still to go wrong."""
        return {str(rule["channel"]) for rule in self.server.sandbox.faults.listing()}

    def begun(self) -> set[str]:
        """The channels in which a thread stands."""
        return {one["channel"] for one in timeline(self.server) if one["thread_ts"] is None}

    def expected(self) -> dict[str, list[str]]:
        """What must be shown, once and in this order."""
        gone = self.dead | self.removed
        return {group: [text for text in texts if text not in gone] for group, texts in self.accepted.items()}

    def once(self) -> dict[str, list[str]]:
        """What is shown, each text where it is shown first."""
        return {group: list(dict.fromkeys(texts)) for group, texts in self.shown.items()}

    def look(self) -> None:
        """See what is shown in each group's threads, in posting order, and what is a dead letter with a cause."""
        replies = [message for message in timeline(self.server) if message["thread_ts"]]
        self.shown = {
            group: [text for one in replies if one["channel"] == channel for text in TEXT.findall(words(one))]
            for group, channel in CHANNEL.items()
        }
        with self.store.read() as tx:
            self.dead = {row["key"] for row in list_deliveries(tx, Which.DEAD, LIMITS, limit=10_000) if row["cause"]}
        for texts in self.shown.values():
            texts[:] = [text for text in texts if text not in self.removed]  # seen, and not looked at again

    def _until_it_dies(self, number: int) -> None:
        with self._relay(RELAY_FAILPOINT=f"{self.failpoint}:{number}") as (relay, url):
            for _ in range(MOST):
                TROUBLE.get(self.failpoint.split(".")[0], calm)(self)
                self._write(relay, url)
                if self.count % BURST == 0:
                    assert wait_for(lambda: relay.died() or self._at_rest(), 30, every=POLL)
                if relay.died():
                    return
            raise AssertionError(f"{self.failpoint} was not passed {number} times")

    def _write(self, relay: MortalRelay, url: str) -> None:
        """One message of a customer who sends again what was not answered 200, also to the next relay."""
        if self.owed is None:
            self.count += 1
            self.owed = f"m{self.count}x"
        assert wait_for(lambda: relay.died() or self._taken(url), every=POLL)

    def _taken(self, url: str) -> bool:
        """True when the relay has answered for what is owed; perhaps it does not listen yet, or is dying."""
        assert self.owed is not None
        headers = {"Content-Type": "application/json", **auth()}
        with requests.Session() as session:
            session.trust_env = False  # reading through the environment, which pytest changes meanwhile, may fail
            try:
                response = session.post(url, data=raw(self.owed, self.group, self.owed), headers=headers, timeout=10)
            except requests.RequestException:
                return False
        assert response.status_code == 200
        self.accepted[self.group].append(self.owed)
        self.owed = None
        return True

    @contextmanager
    def _relay(self, **more: str) -> Iterator[tuple[MortalRelay, str]]:
        env = environment(
            self.server,
            self.store.engine.url.render_as_string(hide_password=False),
            RELAY_CONFIG_YAML=CONFIG,
            RELAY_ENV="test",
            **more,
        )
        relay = MortalRelay(self.cwd, env, PASSED_BY_TIME.get(self.failpoint.split(".")[0]))
        try:
            yield relay, f"http://127.0.0.1:{env['PORT']}/kommunicate/webhook"
        finally:
            relay.kill()

    def _at_rest(self) -> bool:
        a_waiting_one = select(deliveries.c.id).where(deliveries.c.state.in_(OPEN_DELIVERIES)).limit(1)
        with self.store.read() as tx:
            return tx.conn.execute(a_waiting_one).one_or_none() is None

    def _all_told(self) -> bool:
        if not self._at_rest():
            return False
        self.look()
        return self.once() == self.accepted if self.unreadable else self.shown == self.expected()


Runs = Mapping[tuple[str, str, tuple[int, ...]], "Future[Run]"]


@pytest.fixture(scope="module")
def runs(
    request: pytest.FixtureRequest, lend_database: Lend, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Runs]:
    """Every run that a test here asks for, several side by side, each with a database and a Slack of its own."""
    wanted = {
        tuple(item.callspec.params[name] for name in ("failpoint", "engine", "passes"))
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.path == Path(__file__) and "passes" in item.callspec.params
    }

    def one(failpoint: str, passes: tuple[int, ...], lent: AbstractContextManager[str]) -> Run:
        with own_ports(), lent as url, SandboxServer(Sandbox(pace=0)) as server, closing(open_store(url)) as store:
            return Run(failpoint, store, tmp_path_factory.mktemp("crash"), server, passes).go()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {
            (failpoint, engine, passes): pool.submit(one, failpoint, passes, lend_database(engine))
            for failpoint, engine, passes in sorted(wanted)
        }


@pytest.mark.parametrize(("failpoint", "engine", "passes"), DEATHS, ids=str)
def test_nothing_is_lost_doubled_or_reordered_wherever_it_dies(
    runs: Runs, failpoint: str, engine: str, passes: tuple[int, ...]
) -> None:
    run = runs[failpoint, engine, passes].result(timeout=900)
    assert run.shown == run.expected()
    assert run.dead or not failpoint.startswith("bury")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "failpoint",
    sampled(["call.ready", "slack.sent", "call.answered", "settle.before_commit"], "slack.sent", "call.answered"),
)
def test_where_history_cannot_be_read_it_may_be_there_twice_and_says_so(
    engine: str, failpoint: str, lend_database: Lend, tmp_path: Path
) -> None:
    with lend_database(engine) as url, SandboxServer(Sandbox(pace=0)) as server, closing(open_store(url)) as store:
        server.sandbox.scopes.difference_update({"channels:history", "groups:history"})
        run = Run(failpoint, store, tmp_path, server, PASSES, unreadable=True).go()
        roots = sum(one["thread_ts"] is None for one in timeline(server))
        marked = [text for one in timeline(server) if REPEATED in words(one) for text in TEXT.findall(words(one))]
    assert run.once() == run.accepted
    twice = [text for texts in run.shown.values() for text in set(texts) if texts.count(text) > 1]
    assert set(twice) <= set(marked)
    assert len(set(marked)) == len(marked)
    assert marked or roots > len(GROUPS), "nothing was sent a second time"
