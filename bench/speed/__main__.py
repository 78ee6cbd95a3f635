"""How fast the relay is: measured beside its counterparts, round by round, against a Slack that answers at once.

    python -m bench.speed --database sqlite --only accept

Every subject is started afresh in every round, one after the other, because a machine's speed drifts: ratios are of the
same round. Prints the medians with their spread, then what is promised and whether it holds.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from bench.speed.databases import Postgres, postgres_server
from bench.speed.machine import others_share, wait_for_calm
from bench.speed.parts.accept import accept
from bench.speed.parts.pace import pace, rest
from bench.speed.promises import PROMISES
from bench.speed.records import Value, gathered, table, told, verdicts
from bench.speed.slack import SlackStub, slack_stub
from bench.speed.subjects import APART, EMPTY, NAIVE, RELAY, Running, Subject

Measure = Callable[[Subject, Running, SlackStub, float], Iterator[Value]]


def subjects_of(part: str, kinds: Sequence[str]) -> list[Subject]:
    """Who takes part."""
    relays = [RELAY[kind] for kind in kinds]
    if part == "accept":
        return [EMPTY, NAIVE, *relays]
    if part == "pace":
        return [EMPTY, NAIVE, *relays, *(APART[kind] for kind in kinds if kind == "postgres")]
    return [NAIVE, *relays]


PARTS: dict[str, tuple[Measure, float]] = {"accept": (accept, 4.0), "pace": (pace, 5.0), "rest": (rest, 6.0)}


def measured(
    part: str, subjects: Sequence[Subject], rounds: int, seconds: float, folder: Path, patience: float
) -> Iterator[Value]:
    """All rounds of a part."""
    measure = PARTS[part][0]
    with ExitStack() as stack:
        slack = stack.enter_context(slack_stub(folder))
        postgres: Postgres | None = None
        if any(one.database == "postgres" for one in subjects):
            postgres = stack.enter_context(postgres_server(folder))
        for number in range(1, rounds + 1):
            for subject in subjects:
                print(f"{part} {number}/{rounds}: {subject.name}", flush=True)
                wait_for_calm(patience)
                with subject.started(slack, postgres) as run:
                    with others_share(partial(used, run, slack, postgres)) as others:
                        yield from measure(subject, run, slack, seconds)
                    yield Value(f"others' use of the machine, {part}", subject.name, others[0], "%")


def used(run: Running, slack: SlackStub, postgres: Postgres | None) -> float:
    """Processor time of everything that takes part."""
    return run.cpu_seconds() + slack.process.cpu_seconds() + (postgres.cpu_seconds() if postgres else 0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=("sqlite", "postgres", "both"), default="both")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one round, shorter")
    parser.add_argument("--only", choices=tuple(PARTS), action="append")
    parser.add_argument("--patience", type=float, default=20.0, help="seconds to wait each time for a calm machine")
    parser.add_argument("--write", type=Path, help="a file for the figures as JSON")
    given = parser.parse_args()
    kinds = ("sqlite", "postgres") if given.database == "both" else (given.database,)
    values: list[Value] = []
    for part in given.only or PARTS:
        seconds = PARTS[part][1] / (2 if given.quick else 1)
        with tempfile.TemporaryDirectory(prefix="relay-bench-") as name:
            values += measured(
                part, subjects_of(part, kinds), 1 if given.quick else given.rounds, seconds, Path(name), given.patience
            )
    records = gathered(values)
    found = verdicts(records, PROMISES)
    print(f"\n{table(records)}\n\n{told(found)}")
    if given.write:
        given.write.write_text(json.dumps({"records": [one.as_json() for one in records], "promises": found}, indent=1))


if __name__ == "__main__":
    main()
