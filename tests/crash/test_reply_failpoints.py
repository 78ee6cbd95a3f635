"""kill -9 at every named place of the way back: no reply reaches the customer twice, none is lost without a word.

A reply counts when Slack's event was answered 200. It reached the customer once, in order; or it did not, or nobody
knows, and then the agent's message says so. What the customer was sent never comes back into the thread.
"""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select

from relay.sandbox import Sandbox, SandboxServer
from relay.sandbox.slack.board import Message
from relay.sandbox.slack.interactions import click
from relay.sandbox.slack.values import BOT_USER_ID, SlackError
from relay.store.db.engine import Store, open_store
from relay.store.db.tables import lanes, people
from tests.databases import Lend
from tests.harness import environment, free_port, own_ports, timeline, wait_for, words
from tests.processes import HASTY, MortalRelay

PASSES, ONE_PASS = (1, 4, 9), (4,)
ENGINES = ("sqlite", "postgres")
AT_ONCE = 4
MOST = 60  # replies until a failpoint that was not passed often enough is a mistake
CHANNEL, GROUP, SEND = "C0SUPPORT", "123456", "/rest/ws/message/v2/send"
RESOLVED = 2  # Kommunicate's status
SEND_IT = "send_to_customer"
SAID = re.compile(r"(?:\(note\) )?reply \d+")  # what an agent wrote, as a line of its own
SENT, FAILED, UNSURE = ["white_check_mark"], ["x"], ["grey_question"]
ECHOES = ("after", "before", "without_metadata", "off")
CONFIG = f"delivery: {HASTY}\nreplies: {{undo_seconds: 0.1}}\nremind: {{after: 1s}}\nchannels: {{123456: C0SUPPORT}}\n"


def replies(run: Run) -> None:
    """An agent writes in the thread."""
    run.write()


def replies_are_lost(run: Run) -> None:
    """Every other call is never answered, and of those only each other one was done, so that its echo may be first."""
    run.fault(SEND, "reset_after" if len(run.written) % 4 else "reset_before")
    run.write()


def replies_are_put_off(run: Run) -> None:
    """Every other call is certainly not done."""
    run.fault(SEND, "error", code="BUSY")
    run.write()


def nobody_is_known(run: Run) -> None:
    """Every other time Slack does not tell who somebody is."""
    with run.store.begin() as tx:
        tx.conn.execute(delete(people))
    run.fault("users.info", "error", code="internal_error")
    run.write()


def a_bot_answers(run: Run) -> None:
    """A bot has the chat again, and an agent writes all the same."""
    run.use("release")
    if run.comes_to(lambda: "with" not in run.card()):
        run.server.sandbox.kommunicate.staff_writes(GROUP, "I am a bot", metadata={"KM_ANSWER_SOURCE": "faq"})
        if run.comes_to(lambda: "a bot answers" in run.card()):
            run.write()


def resolves(run: Run) -> None:
    """An agent resolves the chat, and its customer writes again.

    Once: of a second press, and words that come while it is on its way, each vendor has its own order.
    """
    run.comes_to(run.at_rest)
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


def is_asked(run: Run) -> None:
    """An agent writes what looks like a note, and then that it goes to the customer; another reply waits behind it."""
    run.write("(note) reply")
    run.write()


def is_kept(run: Run) -> None:
    """The same where Slack does not let its author be asked: it stays inside, and a line offers to send it."""
    run.fault("chat.postEphemeral", "error", code="user_not_in_channel")
    run.write("(note) reply")


def marks_are_refused(run: Run) -> None:
    """An agent writes a note, and its mark can never be put there."""
    reactions = "reactions.add"
    run.server.sandbox.faults.add(reactions, "error", code="too_many_reactions")
    before = run.called(reactions)
    run.server.sandbox.slack.human_writes(CHANNEL, "note: between us", thread_ts=run.root()["ts"])
    run.comes_to(lambda: run.called(reactions) > before)


Act = Callable[["Run"], None]
COMES_IN = ("accept.before_commit", "accept.after_commit", "http.answered", "take.before_commit")
GOES_OUT = (
    "take.after_commit",
    "call.ready",
    "kommunicate.sent",
    "call.answered",
    "settle.before_commit",
    "settle.after_commit",
)
CASES: tuple[tuple[str, Act], ...] = (
    *((place, replies) for place in COMES_IN),
    *((place, act) for place in GOES_OUT for act in (replies, resolves, a_bot_answers)),
    *((f"confirm.{side}_commit", replies_are_lost) for side in ("before", "after")),
    *((f"retry.{side}_commit", replies_are_put_off) for side in ("before", "after")),
    *((f"not_ready.{side}_commit", nobody_is_known) for side in ("before", "after")),
    *(
        (f"private{place}", act)
        for place in (".told", "_line.before_commit", "_line.after_commit")
        for act in (is_refused, is_asked, is_kept)
    ),
    *((f"forget.{side}_commit", marks_are_refused) for side in ("before", "after")),
)
PLACES = list(dict.fromkeys(place for place, _ in CASES))
# `make test` dies once at each place, with acts and databases in turns (neither gets all that is before a commit);
# `make test-long` on each pass, in every case.
DEATHS = [
    *(
        (place, acts[number % len(acts)], ENGINES[(number + number // 2) % 2], ONE_PASS)
        for number, place in enumerate(PLACES)
        if (acts := [act for there, act in CASES if there == place])
    ),
    *(
        pytest.param(*case, engine, PASSES, marks=pytest.mark.long)
        for case, engine in itertools.product(CASES, ENGINES)
    ),
]


@dataclass
class Run:
    """One conversation, one agent, and relays that die one after the other."""

    place: str
    act: Act
    echo: str
    store: Store
    cwd: Path
    server: SandboxServer
    passes: tuple[int, ...]
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
        with self._relay() as relay:
            relay.wait_ready()  # a webhook that nobody takes is repeated for two seconds only
            sandbox.kommunicate.customer_writes(GROUP, "hello", name="Jane")
            assert wait_for(lambda: len(timeline(self.server)) == 2)
        for number in self.passes:
            self._until_it_dies(number)
        sandbox.faults.clear()
        with self._relay():
            assert sandbox.wait_idle()
            wait_for(lambda: self.answer() and self.at_rest() and self.all_told(), timeout=60)
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
        with self._relay(RELAY_FAILPOINT=f"{self.place}:{number}"):
            for _ in range(MOST):
                self.act(self)
                if self.died():
                    return
            raise AssertionError(f"{self.place} was not passed {number} times")

    def fault(self, method: str, kind: str, **rule: Any) -> None:
        """The call after the next one goes wrong, unless that is still to come."""
        if not self.server.sandbox.faults.listing():
            self.server.sandbox.faults.add(method, kind, after=1, **rule)

    def called(self, method: str) -> int:
        """How often a method of Slack's has been called."""
        return sum(call["method"] == method for call in self.server.sandbox.calls)

    def died(self) -> bool:
        """True when the failpoint has ended the relay."""
        return self.relay is None or self.relay.died()

    def comes_to(self, condition: Callable[[], bool]) -> bool:
        """True when that comes about; a click that nobody was there to take is lost, and made again."""
        wait_for(lambda: self.died() or condition(), 5)
        return condition()

    def write(self, opening: str = "reply") -> None:
        """An agent writes in the thread, answers where they are asked about it, and looks what comes of it."""
        text = f"{opening} {len(self.written)}"
        self.written.append(self.server.sandbox.slack.human_writes(CHANNEL, text, thread_ts=self.root()["ts"]))
        assert wait_for(lambda: self.died() or (self.answer() and self._told(self.written[-1])), 20)

    def answer(self) -> bool:
        """The agent presses "Send to the customer" wherever they see it; True where there is no such button left."""
        slack = self.server.sandbox.slack
        posts = [one for one in timeline(self.server) if one["thread_ts"]]
        shown = [one for one in (*slack.ephemerals, *posts) if not one.get("gone") and SEND_IT in str(one["blocks"])]
        for one in shown:
            buttons = [
                each for block in one["blocks"] for each in block["elements"] if each.get("action_id") == SEND_IT
            ]
            for button in buttons:
                with suppress(SlackError):  # the line has changed since it was looked at
                    click(slack, CHANNEL, one["ts"], SEND_IT, value=button["value"])
        time.sleep(0.2 * bool(shown))  # a person looks what comes of it before they press again
        return not shown

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

    def status(self) -> int:
        """How the conversation stands in Kommunicate."""
        return self.server.sandbox.kommunicate.conversation(GROUP).status

    def at_rest(self) -> bool:
        """True when the relay has nothing more to do, so that what is told now stays so."""
        with self.store.read() as tx:
            return tx.conn.execute(select(lanes.c.due).where(lanes.c.due.is_not(None)).limit(1)).one_or_none() is None

    def _told(self, message: Message) -> bool:
        return any(mark in message.reactions for mark in ("white_check_mark", "x", "grey_question"))

    def all_told(self) -> bool:
        heard = set(self.heard())
        agrees = ("resolved" in self.card()) == (self.status() == RESOLVED)
        return agrees and all(self._told(one) for one in self.written if one.text in heard)

    @contextmanager
    def _relay(self, **more: str) -> Iterator[MortalRelay]:
        url = self.store.engine.url.render_as_string(hide_password=False)
        env = environment(self.server, url, RELAY_CONFIG_YAML=CONFIG, RELAY_ENV="test", **more)
        env |= {"PORT": str(self.port), "SLACK_SIGNING_SECRET": "sandbox-signing-secret"}
        self.relay = MortalRelay(self.cwd, env)
        try:
            yield self.relay
        finally:
            self.relay.kill()


Runs = Mapping[tuple[str, Act, str, tuple[int, ...]], "Future[Run]"]


@pytest.fixture(scope="module")
def runs(
    request: pytest.FixtureRequest, lend_database: Lend, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Runs]:
    """Every run that a test here asks for, several side by side; each place has another kind of echo in turn."""
    wanted = {
        tuple(item.callspec.params[name] for name in ("place", "act", "engine", "passes"))
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.path == Path(__file__)
    }
    echoes = itertools.cycle(ECHOES)

    def one(place: str, act: Act, passes: tuple[int, ...], echo: str, lent: AbstractContextManager[str]) -> Run:
        with own_ports(), lent as url, SandboxServer(Sandbox(pace=0)) as server, closing(open_store(url)) as store:
            return Run(place, act, echo, store, tmp_path_factory.mktemp("crash"), server, passes).go()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {
            (place, act, engine, passes): pool.submit(one, place, act, passes, next(echoes), lend_database(engine))
            for place, act, engine, passes in sorted(wanted, key=_by_name)
        }


def _by_name(death: tuple[str, Act, str, tuple[int, ...]]) -> tuple[str, str, str, tuple[int, ...]]:
    place, act, engine, passes = death
    return place, act.__name__, engine, passes


@pytest.mark.parametrize(
    ("place", "act", "engine", "passes"), DEATHS, ids=lambda part: getattr(part, "__name__", str(part))
)
def test_no_reply_is_doubled_or_lost_without_a_word_wherever_it_dies(
    runs: Runs, place: str, act: Act, engine: str, passes: tuple[int, ...]
) -> None:
    run = runs[place, act, engine, passes].result(timeout=900)
    reached, heard = run.reached(), run.heard()
    assert reached == [one.text for one in run.written if one.text in reached], "twice, or out of order"
    assert {text: run.mark(text) for text in heard if text in reached and run.mark(text) not in (SENT, UNSURE)} == {}
    assert {
        text: run.mark(text) for text in heard if text not in reached and run.mark(text) not in (FAILED, UNSURE)
    } == {}
    echoes = [line for post in run.shown for line in post.splitlines() if SAID.fullmatch(line.strip())]
    assert echoes == [], "an echo came back into the thread"
    assert run.all_told(), f"the card says {run.card()!r}, Kommunicate {run.status()}"
    assert sum("took over this chat" in line for line in run.shown) <= run.pressed.count("take_over")
