"""Messages in, a worker in injected time, and what stands in Slack afterwards."""

from __future__ import annotations

import re
from typing import Any

from relay.delivery.handlers.messages import prepare
from relay.delivery.owner import this_process
from relay.delivery.worker import Worker
from relay.kommunicate.parse import parse_webhook
from relay.messages import ChatMessage
from relay.sandbox import SandboxServer
from relay.store.db.engine import Store
from relay.store.db.rows import Claim, Send
from relay.store.intake.webhooks import accept
from relay.store.operations.reports import list_deliveries
from relay.store.queue import lanes, sends
from relay.store.queue.claimable import check_claimable
from relay.wiring import Relay, build_context, do_chores
from tests.harness import FakeClock, raw, relay_with, timeline, words

AT_MOST = 80  # steps without a moment passing; more is a lane that is claimed for ever
# The deadline is in real seconds: short for tests that sit it out, and a hundred times what a busy machine takes.
QUICK = {"call_deadline": 1.5, "lease": 3, "confirm_after": [0.2, 0.5]}
POST = "chat.postMessage"


class Rig:
    """One worker; `restart` makes it another process's."""

    def __init__(self, store: Store, server: SandboxServer, clock: FakeClock, **config: Any) -> None:
        self.store, self.server, self.sandbox, self.clock = store, server, server.sandbox, clock
        self.restart(**config)

    def restart(self, **config: Any) -> None:
        """A new worker, with another configuration; it decides anew at its start, as a process does."""
        self.relay = self.assemble({"channels": {"123456": "C0SUPPORT"}, **config})
        self.out = build_context(self.relay)
        self.worker = Worker(self.out)
        self.chores()

    def chores(self) -> None:
        """What a process does each minute."""
        do_chores(self.relay, self.out)

    def assemble(self, config: dict[str, Any]) -> Relay:
        """The relay to work with."""
        return relay_with(self.store, self.server, **config)

    def write(self, *texts: str, group: str = "123456", **fields: Any) -> None:
        """What the web door does: parse, decide, accept."""
        for text in texts:
            body = raw(f"{group}-{text}", group, text, **fields)
            message = parse_webhook(body)
            assert isinstance(message, ChatMessage)
            with self.store.begin() as tx:
                accept(tx, message, body, self.relay.choose(message))

    def run(self, seconds: float = 0.0) -> None:
        """Work for so long in injected time, waiting where there is nothing to do."""
        until, steps = self.clock.now() + seconds, 0
        while True:
            steps += 1
            assert steps < AT_MOST, "a lane is claimed again and again"
            if self.worker.run_once():
                continue
            with self.store.read() as tx:
                due = check_claimable(tx, lease=self.out.lease, pace=self.out.pace).wait
            left = until - self.clock.now()
            if left <= 0:
                return
            self.clock.advance(max(min(due if due is not None else left, left), 0.001))
            steps = 0

    def set_out(self) -> tuple[Claim, Send]:
        """Claim, freeze and start, as a worker does, and nothing more."""
        with self.store.begin() as tx:
            held = lanes.claim(tx, this_process(), lease=self.out.lease, pace=self.out.pace)
        assert held is not None
        frozen = prepare(self.out, held)
        assert frozen is not None
        with self.store.begin() as tx:
            send = sends.start(tx, held, frozen, lease=self.out.lease, pace=self.out.pace)
        assert isinstance(send, Send)
        return held, send

    def fault(self, kind: str, method: str = POST, **rule: Any) -> None:
        """Script the sandbox."""
        self.sandbox.faults.add(method, kind, **rule)

    def roots(self) -> list[dict[str, Any]]:
        """What stands at the top of a channel."""
        return [message for message in timeline(self.server) if message["thread_ts"] is None]

    def told(self, *, mark: str = r"m\d+") -> list[str]:
        """The marks of all messages in threads, in order: `m1` of "m1 hello"."""
        replies = [message for message in timeline(self.server) if message["thread_ts"]]
        return [found for reply in replies for found in re.findall(mark, words(reply))]

    def shown(self) -> list[str]:
        """Everything in threads, post by post."""
        return [words(message) for message in timeline(self.server) if message["thread_ts"]]

    def times(self, method: str = POST, channel: str | None = None) -> list[float]:
        """When a method was called, in seconds since now was asked for the first time."""
        calls = self.sandbox.calls
        return [call["time"] for call in calls if call["method"] == method and channel in (None, call["channel"])]

    def waiting(self) -> list[tuple[str, str]]:
        """State and cause of what is not delivered."""
        with self.store.read() as tx:
            return [(row["state"], row["cause"]) for row in list_deliveries(tx, "waiting")][::-1]

    def dead(self) -> list[str]:
        """The causes of the dead letters."""
        with self.store.read() as tx:
            return [row["cause"] for row in list_deliveries(tx, "dead")][::-1]
