"""A run of the benchmark: how much of what, with which resources; and rounds in which the subjects take turns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bench.speed.databases import Postgres
from bench.speed.machine import others_share, wait_for_calm
from bench.speed.records import Value
from bench.speed.slack import SlackStub
from bench.speed.subjects import Running, Subject

OTHERS = "others' share of the machine"
PEERS_ROUNDS = 3  # enough for peers, because no promise depends on them
Measure = Callable[[Subject, Running, SlackStub, float], Iterator[Value]]


@dataclass(frozen=True)
class Scene:
    """`kinds` of databases, `rounds`, `patience` in seconds for a calm machine, how many messages are `stored`.

    `quick`: half the time for each, without the peers that take long to start.
    """

    kinds: Sequence[str]
    rounds: int
    quick: bool
    patience: float
    stored: int
    messages: int
    slack: SlackStub
    postgres: Postgres | None
    folder: Path
    peers: Sequence[Subject]

    def cpu_seconds(self, run: Running) -> float:
        """CPU time of all our processes, so far."""
        servers = self.postgres.cpu_seconds() if self.postgres else 0.0
        return run.cpu_seconds() + self.slack.process.cpu_seconds() + servers

    def take_turns(self, part: str, measure: Measure, subjects: Sequence[Subject], seconds: float) -> Iterator[Value]:
        """Run each subject afresh in each round, one after the other, because a machine's speed drifts."""
        length = seconds / 2 if self.quick else seconds
        for number in range(1, self.rounds + 1):
            for subject in subjects:
                if subject in self.peers and number > PEERS_ROUNDS:
                    continue
                print(f"{part} {number}/{self.rounds}: {subject.name}", flush=True)
                wait_for_calm(self.patience)
                try:
                    for value in self._measured(part, measure, subject, length):
                        yield replace(value, round=number)
                except (TimeoutError, RuntimeError) as error:  # the others are measured all the same
                    print(f"  ! {subject.name}: {error}", flush=True)

    def _measured(self, part: str, measure: Measure, subject: Subject, seconds: float) -> Iterator[Value]:
        with subject.started(self.slack, self.postgres) as run:
            with others_share(partial(self.cpu_seconds, run)) as others:
                yield from measure(subject, run, self.slack, seconds)
            yield Value(f"{OTHERS}, {part}", subject.name, others[0], "%")
