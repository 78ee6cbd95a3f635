"""kill -9 at every named place of the way back: no reply reaches the customer twice, none is lost without a word.

A reply counts when Slack's event was answered 200. It reached the customer once, in order; or it did not, or nobody
knows, and then the agent's message says so. What the customer was sent never comes back into the thread.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from relay.sandbox import Sandbox, SandboxServer
from relay.sandbox.slack.board import Message
from relay.sandbox.slack.interactions import click
from relay.sandbox.slack.values import BOT_USER_ID
from relay.store.db.engine import Store, open_store
from relay.store.db.tables import lanes
from tests.databases import Lend
from tests.harness import environment, free_port, own_ports, timeline, wait_for, words
from tests.processes import HASTY, MortalRelay

PASSES = (1, 4, 9)
AT_ONCE = 4
MOST = 60  # replies until a failpoint that was not passed often enough is a mistake
CHANNEL, GROUP, SEND = "C0SUPPORT", "123456", "/rest/ws/message/v2/send"
PLACES = {
    "accept.before_commit": "none",
    "accept.after_commit": "none",
    "http.answered": "none",
    "claim.after_commit": "none",
    "reply_freeze.before_commit": "none",
    "reply_freeze.after_commit": "none",
    "reply_start.before_commit": "none",
    "reply_start.after_commit": "none",
    "kommunicate.sent": "none",
    "reply.answered": "none",
    "reply_settle.before_commit": "none",
    "reply_settle.after_commit": "none",
    "reply_failure.before_commit": "reset_after",
    "reply_failure.after_commit": "error",
    "reply_unanswered.before_commit": "reset_after",
    "reply_unanswered.after_commit": "reset_after",
    "mark.before_commit": "none",
    "mark.after_commit": "none",
    "take_over.before_commit": "none",
    "take_over.after_commit": "none",
    "click.before_commit": "none",
    "click.after_commit": "none",
    "click_refused.before_commit": "none",
    "click_refused.after_commit": "none",
    "hear.before_commit": "none",
    "hear.after_commit": "none",
    "card.before_commit": "none",
    "card.after_commit": "none",
}
RESOLVED = 2  # Kommunicate's status
SENT, FAILED, UNSURE = ["white_check_mark"], ["x"], ["grey_question"]
ECHOES = ("after", "before", "without_metadata", "off")
CONFIG = f"delivery: {HASTY}\nreplies: {{undo_seconds: 0.1}}\nchannels: {{123456: C0SUPPORT}}\n"


def replies(run: Run) -> None:
    """An agent writes in the thread."""
    run.write()


def a_bot_answers(run: Run) -> None:
    """A bot has the chat again, and an agent writes all the same."""
    run.use("release")
    if run.comes_to(lambda: "with" not in run.card()):
        run.server.sandbox.kommunicate.staff_writes(GROUP, "I am a bot", metadata={"KM_ANSWER_SOURCE": "faq"})
        if run.comes_to(lambda: "a bot answers" in run.card()):
            run.write()


def resolves(run: Run) -> None:
    """An agent resolves the chat, and its customer writes again."""
    run.use("resolve")
    if run.comes_to(lambda: "resolved" in run.card()):
        run.server.sandbox.kommunicate.customer_writes(GROUP, f"again {len(run.pressed)}", name="Jane")
        run.comes_to(lambda: "reopened" in run.card())


def is_refused(run: Run) -> None:
    """An agent who has too many chats wants this one."""
    run.server.sandbox.kommunicate.engaged.add("alex@sandbox.test")
    before = len(run.server.sandbox.slack.ephemerals)
    run.use("take_over")
    run.comes_to(lambda: len(run.server.sandbox.slack.ephemerals) > before)


ACTS: dict[str, Callable[[Run], None]] = {
    "take_over": a_bot_answers,
    "click": resolves,
    "hear": resolves,
    "card": resolves,
    "click_refused": is_refused,
}


@dataclass
class Run:
    """One conversation, one agent, and relays that die one after the other."""

    place: str
    echo: str
    store: Store
    cwd: Path
    server: SandboxServer
    port: int = field(default_factory=free_port)
    shown: list[str] = field(default_factory=list)
    written: list[Message] = field(default_factory=list)
    pressed: list[str] = field(default_factory=list)
    relay: MortalRelay | None = None

    def go(self) -> Run:
        """Die on each pass, then run on in peace until the agent sees what became of everything."""
        sandbox = self.server.sandbox
        sandbox.connect(f"http://127.0.0.1:{self.port}")
        sandbox.kommunicate.echo = self.echo
        with self._relay():
            sandbox.kommunicate.customer_writes(GROUP, "hello", name="Jane")
            assert wait_for(lambda: len(timeline(self.server)) == 2)
        for number in PASSES:
            self._until_it_dies(number)
        sandbox.faults.clear()
        with self._relay():
            assert sandbox.wait_idle()
            wait_for(lambda: self._at_rest() and self.all_told(), timeout=60)
            self.shown = [
                words(one) for one in timeline(self.server) if one["thread_ts"] and one["user"] == BOT_USER_ID
            ]
        return self

    def heard(self) -> list[str]:
        """The replies whose event was answered 200, in the order of writing."""
        answers = self.server.sandbox.slack.sender.outbox.sent
        return [one.text for one in self.written if any(a.accepted and one.ts.encode() in a.body for a in answers)]

    def reached(self) -> list[str]:
        """What the customer was sent."""
        lines = self.server.sandbox.kommunicate.conversation(GROUP).lines
        return [line.text for line in lines if line.source == 4]

    def mark(self, text: str) -> list[str]:
        """The marks on the agent's message."""
        return [name for one in self.written if one.text == text for name in one.reactions]

    def _until_it_dies(self, number: int) -> None:
        sandbox = self.server.sandbox
        with self._relay(RELAY_FAILPOINT=f"{self.place}:{number}"):
            for _ in range(MOST):
                if PLACES[self.place] != "none" and not sandbox.faults.listing():
                    sandbox.faults.add(SEND, PLACES[self.place], after=1, code="BUSY")
                ACTS.get(self.place.split(".")[0], replies)(self)
                if self.died():
                    return
            raise AssertionError(f"{self.place} was not passed {number} times")

    def died(self) -> bool:
        """True when the failpoint has ended the relay."""
        return self.relay is None or self.relay.died()

    def comes_to(self, condition: Callable[[], bool]) -> bool:
        """True when that comes about; a click that nobody was there to take is lost, and made again."""
        wait_for(lambda: self.died() or condition(), 5)
        return condition()

    def write(self) -> None:
        """An agent writes in the thread, and looks what becomes of it."""
        text = f"reply {len(self.written)}"
        self.written.append(self.server.sandbox.slack.human_writes(CHANNEL, text, thread_ts=self.root()["ts"]))
        assert wait_for(lambda: self.died() or self._told(self.written[-1]), 20)

    def use(self, action: str) -> None:
        """An agent uses a control of the card, if it has that now."""
        entries = json.dumps(self.root()["blocks"])
        by_menu = f'"value": "{action}"' in entries
        if by_menu or f'"action_id": "{action}"' in entries:
            self.pressed.append(action)
            click(self.server.sandbox.slack, CHANNEL, self.root()["ts"], "menu" if by_menu else action,
                  value=action if by_menu else None)  # fmt: skip

    def root(self) -> dict[str, Any]:
        """The only card."""
        (root,) = (one for one in timeline(self.server) if one["thread_ts"] is None)
        return root

    def card(self) -> str:
        """What the card says."""
        return words(self.root())

    def _at_rest(self) -> bool:
        """True when the relay has nothing more to do, so that what is told now stays so."""
        with self.store.read() as tx:
            return tx.conn.execute(select(lanes.c.due).where(lanes.c.due.is_not(None)).limit(1)).one_or_none() is None

    def _told(self, message: Message) -> bool:
        return any(mark in message.reactions for mark in ("white_check_mark", "x", "grey_question"))

    def all_told(self) -> bool:
        heard, kommunicate = set(self.heard()), self.server.sandbox.kommunicate.conversation(GROUP)
        agrees = ("resolved" in self.card()) == (kommunicate.status == RESOLVED)
        return agrees and all(self._told(one) for one in self.written if one.text in heard)

    @contextmanager
    def _relay(self, **more: str) -> Iterator[MortalRelay]:
        url = self.store.engine.url.render_as_string(hide_password=False)
        env = environment(self.server, url, RELAY_CONFIG_YAML=CONFIG, RELAY_ENV="test", **more)
        env |= {"PORT": str(self.port), "SLACK_SIGNING_SECRET": "sandbox-secret"}
        self.relay = MortalRelay(self.cwd, env)
        try:
            yield self.relay
        finally:
            self.relay.kill()


Runs = Mapping[tuple[str, str], "Future[Run]"]


@pytest.fixture(scope="module")
def runs(
    request: pytest.FixtureRequest, lend_database: Lend, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Runs]:
    """Every run that a test here asks for, several side by side; each place has another kind of echo in turn."""
    wanted = {
        (item.callspec.params["engine"], item.callspec.params["place"])
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.path == Path(__file__)
    }
    echoes = itertools.cycle(ECHOES)

    def one(place: str, echo: str, lent: AbstractContextManager[str]) -> Run:
        with own_ports(), lent as url, SandboxServer(Sandbox(pace=0)) as server, closing(open_store(url)) as store:
            return Run(place, echo, store, tmp_path_factory.mktemp("crash"), server).go()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {
            (engine, place): pool.submit(one, place, next(echoes), lend_database(engine))
            for engine, place in sorted(wanted)
        }


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
@pytest.mark.parametrize("place", PLACES)
def test_no_reply_is_doubled_or_lost_without_a_word_wherever_it_dies(runs: Runs, engine: str, place: str) -> None:
    run = runs[engine, place].result(timeout=900)
    reached, heard = run.reached(), run.heard()
    assert reached == [one.text for one in run.written if one.text in reached], "twice, or out of order"
    assert {text: run.mark(text) for text in heard if text in reached and run.mark(text) not in (SENT, UNSURE)} == {}
    assert {
        text: run.mark(text) for text in heard if text not in reached and run.mark(text) not in (FAILED, UNSURE)
    } == {}
    assert not any("reply" in line for line in run.shown), "an echo came back into the thread"
    assert run.all_told(), "the card says something else than Kommunicate"
    assert sum("taken this chat over" in line for line in run.shown) <= run.pressed.count("take_over")
