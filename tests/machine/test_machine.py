"""Any order of accepting, working, failing, crashing, pruning and replaying, against a model of what must hold.

The relay's own store and delivery run against the sandbox over HTTP, on an injected clock. The model is a list
per conversation: what was accepted, in order.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from contextlib import suppress

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import select

from relay.delivery.attempt import Taking, fetch, take
from relay.delivery.handlers import HANDLERS
from relay.delivery.steps import Call, Need
from relay.delivery.worker import Worker
from relay.errors import DeliveryFailed
from relay.kommunicate.parse import parse_webhook
from relay.messages import Decision
from relay.sandbox import SandboxServer
from relay.store.db.engine import Store
from relay.store.db.tables import deliveries, received
from relay.store.intake.webhooks import accept
from relay.store.operations.replay import replay_all
from relay.store.operations.retention import prune
from tests.harness import FakeClock, context_with, drain, raw, words

CONVERSATIONS = (1, 2, 3)
ACCIDENTS: tuple[tuple[str, dict[str, object]], ...] = (
    ("ratelimited", {"retry_after": "7"}),
    ("error", {"code": "internal_error"}),
    ("error", {"code": "service_unavailable"}),
    ("error", {"code": "never_heard_of"}),
    ("error", {"code": "invalid_blocks"}),
    ("error", {"code": "invalid_blocks", "times": 3}),
    ("error", {"code": "is_archived"}),
    ("reset_before", {}),
    ("reset_after", {}),
    ("truncated", {}),
    ("html", {"done": True}),
    ("status", {"done": False}),
)
REFUSALS = ("invalid_blocks", "never_heard_of")  # of the codes above
NUMBERS = itertools.count(1)


class Relay(RuleBasedStateMachine):
    """What a relay goes through; the three class attributes are set by the test."""

    store: Store
    clock: FakeClock
    server: SandboxServer

    def __init__(self) -> None:
        super().__init__()
        self.run = next(NUMBERS)
        self.first_message = len(self.server.sandbox.slack.messages)
        self.accepted: dict[int, list[str]] = defaultdict(list)
        self.replayed: set[str] = set()
        self.out = context_with(self.store, self.server)
        self.worker = Worker(self.out)
        for conversation in CONVERSATIONS:  # with threads open, accidents happen to words and not only to cards
            self.a_message_comes_in(conversation)
        drain(self.worker, self.clock, seconds=60, tick=1.0, until=self._is_settled)

    @rule(conversation=st.sampled_from(CONVERSATIONS))
    def a_message_comes_in(self, conversation: int) -> None:
        text = f"r{self.run}m{conversation}x{len(self.accepted[conversation])}e"
        assert self._accept(conversation, text) == "accepted"
        self.accepted[conversation].append(text)

    @precondition(lambda self: self.accepted)
    @rule(data=st.data())
    def a_message_comes_in_again(self, data: st.DataObject) -> None:
        conversation = data.draw(st.sampled_from(sorted(self.accepted)))
        assert self._accept(conversation, data.draw(st.sampled_from(self.accepted[conversation]))) == "duplicate"

    @rule(times=st.integers(1, 4))
    def the_worker_works(self, times: int) -> None:
        for _ in range(times):
            self.worker.run_once()

    @rule(conversation=st.sampled_from(CONVERSATIONS), accident=st.sampled_from(ACCIDENTS), works=st.integers(1, 3))
    def a_message_meets_an_accident(
        self, conversation: int, accident: tuple[str, dict[str, object]], works: int
    ) -> None:
        kind, parameters = accident
        self.server.sandbox.faults.add("chat.postMessage", kind, **parameters)
        self.a_message_comes_in(conversation)
        self.clock.advance(3)
        self.the_worker_works(works)

    @rule(method=st.sampled_from(["conversations.history", "conversations.replies"]))
    def a_look_fails(self, method: str) -> None:
        self.server.sandbox.faults.add(method, "error", code="internal_error")

    @rule(seconds=st.sampled_from([0.3, 1, 3, 12, 31, 70]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(conversation=st.sampled_from(CONVERSATIONS), died=st.sampled_from(["looking up", "taken", "posted"]))
    def a_worker_dies(self, conversation: int, died: str) -> None:
        """Right after one of its steps, with something to do; its lease has to end before anybody goes on."""
        self.a_message_comes_in(conversation)
        self.clock.advance(3)
        attempt = next(iter(take(self.out, "host|1|1|elsewhere", Taking())), None)
        while attempt is not None and isinstance(attempt.step, Need) and died != "looking up":
            attempt.step = fetch(self.out, attempt, attempt.step)
        if attempt is not None and isinstance(attempt.step, Call) and died == "posted":
            send = attempt.step.send
            with suppress(DeliveryFailed):
                HANDLERS[send.kind].call(self.out, attempt.claim, send)

    @rule()
    def old_words_are_pruned(self) -> None:
        with self.store.begin() as tx:
            prune(tx, 0.0)

    @rule()
    def dead_letters_are_replayed(self) -> None:
        dead = self._dead()
        self.replayed |= dead.keys()
        with self.store.begin() as tx:
            assert replay_all(tx) == len(dead)

    @invariant()
    def nothing_is_doubled(self) -> None:
        for texts in self._visible().values():
            assert len(set(texts)) == len(texts)

    @invariant()
    def nothing_is_reordered(self) -> None:
        for conversation, texts in self._visible().items():
            untouched = [text for text in texts if text not in self.replayed]
            assert untouched == [text for text in self.accepted[conversation] if text in set(untouched)]

    def teardown(self) -> None:
        """In the end everything is visible, or a dead letter because Slack refused it."""
        self.server.sandbox.faults.clear()
        drain(self.worker, self.clock, seconds=20_000, tick=20.0, until=self._is_settled)
        visible, dead = self._visible(), self._dead()
        for conversation, texts in self.accepted.items():
            assert set(visible[conversation]) == set(texts) - dead.keys(), conversation
        assert all(cause.endswith(REFUSALS) for cause in dead.values()), dead
        self.nothing_is_doubled()
        self.nothing_is_reordered()

    def _accept(self, conversation: int, text: str) -> str:
        body = raw(text, f"{self.run}-{conversation}", text)
        with self.store.begin() as tx:
            return accept(tx, parse_webhook(body), body, Decision("C0SUPPORT", "channels", "")).outcome

    def _visible(self) -> dict[int, list[str]]:
        found: dict[int, list[str]] = defaultdict(list)
        for message in self.server.sandbox.slack.messages[self.first_message :]:
            if message.thread_ts is not None and not message.deleted:
                for text in re.findall(
                    rf"\br{self.run}m\d+x\d+e\b", words({"blocks": message.blocks, "text": message.text})
                ):
                    found[int(text.partition("m")[2].partition("x")[0])].append(text)
        return found

    def _dead(self) -> dict[str, str]:
        """The keys of the dead letters, and their causes."""
        brought = deliveries.c.received_id == received.c.id
        dead = select(received.c.key, deliveries.c.cause).join(deliveries, brought).where(deliveries.c.state == "dead")
        with self.store.read() as tx:
            return {row.key: row.cause for row in tx.conn.execute(dead)}

    def _is_settled(self) -> bool:
        waiting = select(deliveries.c.id).where(
            deliveries.c.state.in_(("waiting", "sending", "unsure")) | deliveries.c.notice_due
        )
        with self.store.read() as tx:
            return tx.conn.execute(waiting.limit(1)).first() is None


def test_no_order_of_events_loses_doubles_or_reorders(store: Store, clock: FakeClock, server: SandboxServer) -> None:
    Relay.store, Relay.clock, Relay.server = store, clock, server
    checks = settings(
        max_examples=20,
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking would take minutes for a shorter story
        print_blob=True,
    )
    run_state_machine_as_test(Relay, settings=checks)
