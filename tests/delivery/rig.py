"""Messages in, a worker in injected time, and what stands in Slack afterwards."""

from __future__ import annotations

import re
from typing import Any

from relay.delivery import failures
from relay.delivery.attempt import Attempt, Taking, carry_out, fetch, settle, take
from relay.delivery.handlers import HANDLERS
from relay.delivery.owner import this_process
from relay.delivery.steps import Call, Need, Step
from relay.delivery.worker import Worker
from relay.errors import DeliveryFailed
from relay.kommunicate.parse import parse_webhook
from relay.messages import ChatMessage
from relay.sandbox import SandboxServer
from relay.store.db.engine import Store
from relay.store.db.rows import Claim, Send
from relay.store.intake.webhooks import accept
from relay.store.operations.reports import Which, list_deliveries
from relay.store.queue.due import check_claimable
from relay.wiring import Relay, build_context, build_housekeeping
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
        self.housekeeping = build_housekeeping(self.relay, self.out)
        self.worker = Worker(self.out)
        self.chores()

    def chores(self) -> None:
        """What a process does each minute."""
        for chore in self.housekeeping.chores:
            chore()

    def assemble(self, config: dict[str, Any]) -> Relay:
        """The relay to work with."""
        return relay_with(self.store, self.server, **config)

    def write(self, *texts: str, group: str = "123456", **fields: Any) -> None:
        """What the webhook endpoint does: parse, decide, accept."""
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
                due = check_claimable(tx, lease=self.out.lease, limits=self.out.limits).wait
            left = until - self.clock.now()
            if left <= 0:
                return
            self.clock.advance(max(min(due if due is not None else left, left), 0.001))
            steps = 0

    def set_out(self) -> tuple[Claim, Send]:
        """Take, as a worker does, until there is only the call left to make."""
        (attempt,) = take(self.out, this_process(), Taking())
        while isinstance(attempt, Attempt) and isinstance(attempt.step, Need):
            attempt.step = fetch(self.out, attempt, attempt.step)
        assert isinstance(attempt, Attempt)
        assert isinstance(attempt.step, Call)
        return attempt.claim, attempt.step.send

    def succeed(self, claim: Claim, send: Send, answer: Any) -> None:
        """What the worker does whose call was answered."""
        self._go_on(claim, settle(self.out, claim, send, answer))

    def fail(self, claim: Claim, send: Send, error: DeliveryFailed) -> None:
        """What the worker does whose call has failed."""
        self._go_on(claim, failures.apply(self.out, claim, send, error, HANDLERS[send.kind].settled, elapsed=0.0))

    def _go_on(self, claim: Claim, step: Step | None) -> None:
        carry_out(self.out, Attempt(claim, step, Taking()))

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
            return [(row["state"], row["cause"]) for row in list_deliveries(tx, Which.WAITING, self.out.limits)][::-1]

    def dead(self) -> list[str]:
        """The causes of the dead letters."""
        with self.store.read() as tx:
            return [row["cause"] for row in list_deliveries(tx, Which.DEAD, self.out.limits)][::-1]
