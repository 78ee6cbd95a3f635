"""A worker that dies in the middle of a post, or is stopped beyond its lease: another takes its lanes over."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from relay.errors import Unsure
from relay.sandbox import SandboxServer
from relay.store.db.engine import Store, open_store
from relay.store.queue.lanes import Fenced
from relay.vocabulary import Lane
from tests.cli.conftest import start
from tests.delivery.rig import POST, Rig
from tests.harness import FakeClock, body, environment, timeline, wait_for, words
from tests.processes import RelayProcess
from tests.store.shelf import rows

__all__ = ["start"]

CALL = 1.0  # seconds a post in flight lasts at most; whoever holds it is killed or stopped before
LEASE = 2.0
LONG_LEASE = 120.0  # nobody waits for its end here
LAST_LOOK = 0.5
MARGIN = 5 * 1.0  # five times the second that a take-over may take beyond the lease
ARRIVED, LOST = "timeout_after", "timeout_before"  # Slack never answers, and has shown the post or has not


class Crew:
    """Relay processes on one database, and one conversation whose next post Slack never answers."""

    def __init__(self, start: Callable[..., RelayProcess], slack: SandboxServer, url: str, folder: Path) -> None:
        self._start, self._slack, self._url, self._folder = start, slack, url, folder
        self.store = open_store(url)
        self.processes: list[RelayProcess] = []

    def begin(self, *commands: str, lease: float, fault: str) -> None:
        """Start these processes, the first takes webhooks, and write m1, which is shown, and m2, which is held."""
        config = (
            f"default_channel: C0GENERAL\ndelivery: {{call_deadline: {CALL:g}s, lease: {lease:g}s, "
            f"confirm_after: [0.2s, {LAST_LOOK}s], posts_per_second: 100, burst: 100}}\n"
        )
        self.env = environment(self._slack, self._url, RELAY_CONFIG_YAML=config)
        self.processes = [self._start(*command.split(), env=self.env) for command in commands]
        self.processes[0].wait_ready()
        assert wait_for(lambda: all("started" in self.log(number) for number in range(len(commands))))
        self.write("m1")
        assert wait_for(lambda: self.told() == ["m1"])
        self._slack.sandbox.faults.add(POST, fault, seconds=60)
        self.write("m2")
        assert wait_for(lambda: any(call["fault"] == fault for call in self._slack.sandbox.calls))

    def restart(self) -> None:
        """The first process again."""
        self.processes[0] = self._start("serve", env=self.env)
        self.processes[0].wait_ready()

    def log(self, number: int) -> str:
        """What a process has said."""
        return (self._folder / f"{number}.log").read_text()

    def write(self, text: str) -> None:
        """The customer says something."""
        assert self.processes[0].post(body(text, text=text)).status_code == 200

    def holder(self) -> RelayProcess:
        """The process whose post is in flight."""
        (lane,) = [one for one in rows(self.store, "lanes") if one.kind == Lane.WORDS]
        assert [send.state for send in rows(self.store, "sends")].count("sending") == 1
        return next(one for one in self.processes if f"|{one.process.pid}|" in lane.lease_owner)

    def told(self) -> list[str]:
        """What stands in the only thread; no copy was ever there, not even for a moment."""
        assert not any(message.deleted for message in self._slack.sandbox.slack.messages)
        assert len(self._slack.sandbox.slack.roots("C0GENERAL")) <= 1
        replies = [message for message in timeline(self._slack) if message["thread_ts"]]
        return [found for reply in replies for found in re.findall(r"\bm\d\b", words(reply))]


@pytest.fixture
def crew(
    start: Callable[..., RelayProcess], live_server: Callable[..., SandboxServer], database_url: str, tmp_path: Path
) -> Iterator[Crew]:
    """Nothing runs yet."""
    crew = Crew(start, live_server(pace=0), database_url, tmp_path)
    yield crew
    crew.store.close()


@pytest.mark.parametrize("fault", [ARRIVED, LOST], ids=["arrived", "lost"])
def test_a_dead_workers_lane_is_taken_over_by_another(crew: Crew, fault: str) -> None:
    """On SQLite at once, whatever the lease; elsewhere within a second of its end. Its post is looked for first."""
    lease = LONG_LEASE if crew.store.on_sqlite else LEASE
    crew.begin("serve --no-worker", "worker", "worker", lease=lease, fault=fault)
    holder = crew.holder()
    holder.kill()
    crew.write("m3")
    to_wait = 0.0 if crew.store.on_sqlite else LEASE
    wait_for(lambda: "m3" in crew.told(), to_wait + LAST_LOOK + MARGIN)
    assert crew.told() == ["m1", "m2", "m3"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_on_sqlite_a_restart_goes_on_at_once(crew: Crew) -> None:
    """The lease of the process that was killed has minutes to go."""
    crew.begin("serve", lease=LONG_LEASE, fault=LOST)
    crew.holder().kill()
    crew.restart()
    crew.write("m3")
    wait_for(lambda: "m3" in crew.told(), LAST_LOOK + MARGIN)
    assert crew.told() == ["m1", "m2", "m3"]


def stands_still(pid: int) -> bool:
    """True once SIGSTOP has had its effect."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def test_a_worker_stopped_beyond_its_lease_does_no_damage_when_it_wakes(crew: Crew) -> None:
    """Another has shown its message meanwhile, once; awake, it works on as before."""
    crew.begin("serve --no-worker", "worker", "worker", lease=LEASE, fault=LOST)
    stopped = crew.holder()
    with crew.store.begin():  # so that it holds no lock of SQLite's: stopped with that, it would stop everybody
        stopped.process.send_signal(signal.SIGSTOP)
        assert wait_for(lambda: stands_still(stopped.process.pid))
    crew.write("m3")
    wait_for(lambda: "m3" in crew.told(), LEASE + LAST_LOOK + MARGIN)
    stopped.process.send_signal(signal.SIGCONT)
    assert wait_for(lambda: "lane.taken_over" in crew.log(crew.processes.index(stopped)))
    assert [one.stop() for one in crew.processes[1:] if one is not stopped] == [0]
    crew.write("m4")
    wait_for(lambda: "m4" in crew.told())
    assert crew.told() == ["m1", "m2", "m3", "m4"]


@pytest.mark.parametrize(("kind", "heard"), [("root", True), ("root", False), ("post", False)])
def test_what_a_stopped_worker_sends_when_it_wakes_is_deleted(
    store: Store, server: SandboxServer, clock: FakeClock, kind: str, heard: bool
) -> None:
    """Also when it had slept through the minute, and gave up waiting for the answer as it woke, before it had sent."""
    line = Rig(store, server, clock)
    if kind == "post":
        line.write("m0")
        line.run()
    line.write("m1")
    held, send = line.set_out()
    line.run(300)
    if not heard:
        with pytest.raises(Fenced):
            line.fail(held, send, Unsure())
        line.run(10)
    late = line.out.slack.post(send.channel, send.payload, thread_ts=send.thread_ts, send_id=send.id)
    if heard:
        with pytest.raises(Fenced):
            line.succeed(held, send, late)
    assert len(line.roots()) + line.told().count("m1") == 3
    line.run(120)
    assert (len(line.roots()), line.told().count("m1"), line.waiting()) == (1, 1, [])
