"""kill -9 at every place a file passes, on both ways: its words are there, and it is there once.

A customer sends a file, and an agent answers with one. What Slack was asked to show is shown once; the link in the
reply opens the whole file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from itertools import product
from pathlib import Path

import pytest
import requests

from relay.sandbox import SandboxServer
from relay.sandbox.slack.sharing import human_deletes_file, settle
from relay.sandbox.slack.values import Message
from relay.store.db.engine import Store, open_store
from tests.buckets import Bucket
from tests.harness import PATIENCE, environment, free_port, timeline, wait_for, words
from tests.processes import HASTY, MortalRelay
from tests.store.shelf import rows

GROUP, CHANNEL = "123456", "C0SUPPORT"
PLACES = ("file.fetched", "file.uploaded", "file.shared", "file.kept", "file.written", "file.swept")
# On the way of a customer's file, and of an agent's: how often a place is passed before it.
COMES = (("file.fetched", 1), ("file.uploaded", 1), ("file.shared", 1))
GOES = (("file.fetched", 1), ("file.kept", 1))
# Any step of either way, and of what comes before and after it.
STEPS = ("take.before_commit", "take.after_commit", "call.ready", "call.answered", "settle.before_commit",
         "settle.after_commit", "slack.sent")  # fmt: skip
ENGINES = ("sqlite", "postgres")
KINDS = ("folder", "bucket")  # of places other than the database
CASES = [
    *(("comes", place, number) for place, number in COMES),
    *(("goes", place, number) for place, number in GOES),
    *(
        pytest.param(way, place, number, marks=pytest.mark.long)
        for way, place, number in product(("comes", "goes"), STEPS, (2, 4))
    ),
]
KEPT = [
    *product(KINDS, ("file.written", "file.kept")),
    *(
        pytest.param(kind, place, marks=pytest.mark.long)
        for kind, place in product(KINDS, ("settle.before_commit", "settle.after_commit"))
    ),
]
CONTENT = b"%PDF-1.7\n" + bytes(range(256)) * 5000
CONFIG = f"delivery: {HASTY}\nreplies: {{undo_seconds: 0.1}}\nchannels: {{{GROUP}: {CHANNEL}}}\n"
DELETED = "One of its files was deleted: the customer can no longer open it"
LINK = re.compile(r"(http://\S+/files/\S+)")


class Town:
    """One conversation, and relays that die and are begun again."""

    def __init__(self, server: SandboxServer, store: Store, cwd: Path) -> None:
        self.server, self.store, self.cwd, self.port = server, store, cwd, free_port()
        self.more: dict[str, str] = {}  # in the environment of every relay

    @contextmanager
    def relay(self, **more: str) -> Iterator[MortalRelay]:
        url = self.store.engine.url.render_as_string(hide_password=False)
        env = environment(self.server, url, RELAY_CONFIG_YAML=CONFIG, RELAY_ENV="test", **self.more, **more)
        env |= {"PORT": str(self.port), "SLACK_SIGNING_SECRET": "sandbox-signing-secret"}
        relay = MortalRelay(self.cwd, env, {"relay.store.conversations.contents.LAST_LOOK": 1.0})
        try:
            yield relay
        finally:
            relay.kill()

    def begin(self) -> None:
        """A chat with a thread."""
        self.server.sandbox.connect(f"http://127.0.0.1:{self.port}")
        with self.relay() as relay:
            relay.wait_ready()
            self.server.sandbox.kommunicate.customer_writes(GROUP, "hello", name="Jane")
            assert wait_for(lambda: len(timeline(self.server)) == 2)
            assert self.server.sandbox.wait_idle()

    def comes(self) -> None:
        """A customer sends a file."""
        file = self.server.sandbox.kommunicate.files.public("bill.pdf", CONTENT)
        self.server.sandbox.kommunicate.customer_writes(GROUP, "here it is", name="Jane", file=file)

    def goes(self) -> Message:
        """An agent sends one."""
        file = self.server.sandbox.slack.cabinet.put("plan.pdf", content=CONTENT)
        root = next(one["ts"] for one in timeline(self.server) if one["thread_ts"] is None)
        return self.server.sandbox.slack.human_writes(CHANNEL, "see this", thread_ts=root, files=[file])

    def shown(self) -> list[bytes]:
        """What the thread shows of files by the relay."""
        settle(self.server.sandbox.slack)
        cabinet = self.server.sandbox.slack.cabinet.files
        posts = [one for one in timeline(self.server) if one["thread_ts"] and one.get("bot_id")]
        return [cabinet[file["id"]].content or b"" for one in posts for file in one.get("files", ())]

    def reached(self) -> list[str]:
        """What the customer was sent."""
        lines = self.server.sandbox.kommunicate.conversation(GROUP).lines
        return [line.text for line in lines if line.source == 4]

    def is_unsure(self) -> bool:
        """True when the agent reads that nobody knows whether it arrived: it died in the call."""
        return not self.reached() and any("May not have arrived" in line for line in self.said())

    def said(self) -> list[str]:
        """The thread's lines."""
        return [line for one in timeline(self.server) if one["thread_ts"] for line in words(one).splitlines()]


def is_ready(relay: MortalRelay) -> bool:
    """True when it takes webhooks."""
    with suppress(requests.RequestException):
        return requests.get(f"{relay.url}/readyz", timeout=1).status_code == 200
    return False


@pytest.fixture
def town(live_server: Callable[..., SandboxServer], database_url: str, tmp_path: Path) -> Iterator[Town]:
    with closing(open_store(database_url)) as store:
        yield Town(live_server(), store, tmp_path)


@pytest.mark.parametrize(("way", "place", "number"), CASES)
def test_a_file_is_there_once_wherever_it_dies(town: Town, way: str, place: str, number: int) -> None:
    town.begin()
    with town.relay(RELAY_FAILPOINT=f"{place}:{number}") as relay:
        begun = wait_for(lambda: relay.died() or is_ready(relay)) and not relay.died()
        if begun:
            getattr(town, way)()
        assert wait_for(relay.died), f"{place} was not passed {number} times"
    with town.relay() as relay:
        relay.wait_ready()
        if not begun:  # it died of what was there before
            getattr(town, way)()
        if way == "comes":
            assert wait_for(lambda: len(town.shown()) == 1, 40), town.said()
        else:
            assert wait_for(lambda: len(town.reached()) == 1 or town.is_unsure(), 60), town.said()
        assert town.server.sandbox.wait_idle()
        for link in LINK.findall("\n".join(town.reached())):
            assert requests.get(link, timeout=10).content == CONTENT
    if way == "comes":
        assert town.shown() == [CONTENT]
        assert town.said().count("here it is") == 1
    assert len(town.reached()) == (way == "goes" and not town.is_unsure())
    assert len(LINK.findall("\n".join(town.reached()))) == len(town.reached())
    assert not any("could not be brought" in line for line in town.said())


@pytest.fixture
def keep(town: Town, s3: str) -> Callable[[str], Callable[[], int]]:
    """Keep agents' files in a place of a kind; returns what counts those that are there."""

    def keep(kind: str) -> Callable[[], int]:
        if kind == "bucket":
            bucket = Bucket(s3)
            town.more = bucket.environment
            return lambda: len(bucket.names())
        town.more = {"RELAY_FILES": "kept"}
        folder = town.cwd / "kept"
        return lambda: len(list(folder.iterdir())) if folder.exists() else 0

    return keep


@pytest.mark.parametrize(("kind", "place"), KEPT)
def test_a_file_is_kept_once_wherever_it_dies(
    town: Town, keep: Callable[[str], Callable[[], int]], kind: str, place: str
) -> None:
    holds = keep(kind)
    town.begin()
    with town.relay(RELAY_FAILPOINT=f"{place}:1") as relay:
        assert wait_for(lambda: relay.died() or is_ready(relay))
        town.goes()
        assert wait_for(relay.died), f"{place} was not passed"
    with town.relay() as relay:
        relay.wait_ready()
        assert wait_for(lambda: len(town.reached()) == 1 or town.is_unsure(), 60), town.said()
        assert town.server.sandbox.wait_idle()
        for link in LINK.findall("\n".join(town.reached())):
            assert requests.get(link, timeout=10).content == CONTENT
        assert wait_for(lambda: holds() == 1)
    assert len(rows(town.store, "file_contents")) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", ["file.swept"])
def test_nothing_is_left_of_a_file_that_was_taken_back_whatever_dies(
    town: Town, keep: Callable[[str], Callable[[], int]], kind: str, place: str
) -> None:
    holds = keep(kind)
    town.begin()
    with town.relay(RELAY_FAILPOINT=f"{place}:1") as relay:
        relay.wait_ready()
        message = town.goes()
        assert wait_for(lambda: len(town.reached()) == 1, 60), town.said()
        assert holds() == 1
        town.server.sandbox.slack.human_deletes(CHANNEL, message.ts)
        assert wait_for(relay.died), f"{place} was not passed"
    with town.relay() as relay:
        relay.wait_ready()
        assert wait_for(lambda: holds() == 0 and not rows(town.store, "file_contents"))


@pytest.mark.parametrize("place", ["accept.before_commit", "accept.after_commit", "http.answered"])
def test_a_deleted_file_ends_its_link_whatever_dies(town: Town, place: str) -> None:
    """Slack repeats an event until it is answered; the thread says it once."""
    town.server.sandbox.slack.sender.outbox.retry = (0.5,) * 60  # until a relay is there again
    town.begin()
    with town.relay() as relay:
        relay.wait_ready()
        message = town.goes()
        assert wait_for(lambda: len(town.reached()) == 1, 60), town.said()
        (link,) = LINK.findall(town.reached()[0])
        assert requests.get(link, timeout=10).content == CONTENT
        assert town.server.sandbox.wait_idle()
    with town.relay(RELAY_FAILPOINT=f"{place}:1") as relay:
        relay.wait_ready()
        human_deletes_file(town.server.sandbox.slack, message.files[0]["id"], user="U0ALEX")
        assert wait_for(relay.died), f"{place} was not passed"
    with town.relay() as relay:
        relay.wait_ready()
        assert town.server.sandbox.wait_idle(PATIENCE)
        assert requests.get(link, timeout=10).status_code == 404
        assert wait_for(lambda: any(DELETED in line for line in town.said())), town.said()
    assert len([line for line in town.said() if DELETED in line]) == 1
    assert len(town.reached()) == 1
