"""Measures how fast the relay is, compared with alternatives, round by round, against a Slack that answers at once.

    python -m bench.speed --database sqlite --only accept

A machine's speed drifts, so every subject is started afresh in every round, one after the other, and ratios compare
figures of the same round. Prints the medians with their spread, then each promise and whether it holds.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

from bench.speed.databases import postgres_server
from bench.speed.machine import TOO_MUCH
from bench.speed.parts.accept import accept
from bench.speed.parts.backlog import piled_up
from bench.speed.parts.claims import claims
from bench.speed.parts.growth import growth
from bench.speed.parts.loss import loss
from bench.speed.parts.memory import memory
from bench.speed.parts.pace import pace, rest
from bench.speed.picture import write
from bench.speed.promises import promises
from bench.speed.records import Record, Value, gathered, table, told, verdicts
from bench.speed.scene import OTHERS, Scene
from bench.speed.slack import slack_stub
from bench.speed.subjects import APART, EMPTY, HUEY, NAIVE, NODE_RED, PEERS, RELAY, Subject

LIGHT = (NODE_RED, HUEY)  # measured in full; of other peers only how much they accept and what they lose


def _relays(scene: Scene) -> list[Subject]:
    return [RELAY[kind] for kind in scene.kinds]


def _light(scene: Scene) -> list[Subject]:
    return [one for one in scene.peers if one in LIGHT]


def _accept(scene: Scene) -> Iterator[Value]:
    return scene.take_turns("accept", accept, [EMPTY, NAIVE, *scene.peers, *_relays(scene)], 3.0)


def _pace(scene: Scene) -> Iterator[Value]:
    apart = [APART[kind] for kind in scene.kinds if kind == "postgres"]
    return scene.take_turns("pace", pace, [EMPTY, NAIVE, *_light(scene), *_relays(scene), *apart], 4.0)


def _rest(scene: Scene) -> Iterator[Value]:
    return scene.take_turns("rest", rest, [NAIVE, *_light(scene), *_relays(scene)], 5.0)


def _loss(scene: Scene) -> Iterator[Value]:
    return loss(scene, [NAIVE, *scene.peers, *_relays(scene)])


def _backlog(scene: Scene) -> Iterator[Value]:
    return piled_up(scene, [] if scene.quick else [NAIVE, *(one for one in scene.peers if one is NODE_RED)])


PARTS: dict[str, Callable[[Scene], Iterator[Value]]] = {
    "accept": _accept,
    "pace": _pace,
    "rest": _rest,
    "growth": growth,
    "claims": claims,
    "memory": memory,
    "loss": _loss,
    "backlog": _backlog,
}


def taking_part(wanted: Sequence[str]) -> list[Subject]:
    """The wanted peers that can take part; prints why the others cannot."""
    found = []
    for one in PEERS:
        if wanted and not any(one.name.lower().startswith(name.lower()) for name in wanted):
            continue
        reason = one.missing()
        if reason:
            print(f"without {one.name}: {reason}", flush=True)
        else:
            found.append(one)
    return found


def run(given: argparse.Namespace, kinds: Sequence[str]) -> Iterator[Value]:
    """Yield everything that was asked for."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="relay-speed-")))
        slack = stack.enter_context(slack_stub(folder))
        postgres = stack.enter_context(postgres_server(folder)) if "postgres" in kinds else None
        peers = [] if given.no_peers else taking_part(given.peer or (["Node-RED"] if given.quick else []))
        scene = Scene(
            kinds, given.rounds, given.quick, given.patience, given.stored, given.messages,
            slack, postgres, folder, peers,
        )  # fmt: skip
        for part in given.only or [name for name in PARTS if not (given.quick and name == "backlog")]:
            yield from PARTS[part](scene)


def arguments() -> argparse.Namespace:
    """The command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=("sqlite", "postgres", "both"), default="both")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one short round, little stored, Node-RED the only peer")
    parser.add_argument("--only", choices=tuple(PARTS), action="append", help="a part; may be given several times")
    parser.add_argument("--peer", action="append", help="only peers whose name begins so; may be given several times")
    parser.add_argument("--no-peers", action="store_true", help="the relay, the naive one and the empty endpoint alone")
    parser.add_argument("--patience", type=float, default=10.0, help="seconds to wait each time for a calm machine")
    parser.add_argument("--stored", type=int, default=100_000, help="messages in the large database of `growth`")
    parser.add_argument("--messages", type=int, default=10_000, help="messages before memory is looked at")
    parser.add_argument("--write", type=Path, help="a folder for the figures as JSON and the picture")
    return parser.parse_args()


def how_calm(records: Sequence[Record]) -> str:
    """A sentence that says how reliable the figures are."""
    shares = [share for one in records if one.measure.startswith(OTHERS) for share in one.rounds]
    if not shares:
        return ""
    word = "measure again when it is calm" if statistics.median(shares) > TOO_MUCH else "calm enough"
    return (
        f"Others used {statistics.median(shares):.0f} % of the machine meanwhile, at most {max(shares):.0f} %: {word}."
    )


STOP = (signal.SIGINT, signal.SIGTERM)


def leave(*_: object) -> NoReturn:
    """End as after Ctrl+C: everything that was started is ended, and the figures so far are shown."""
    for number in STOP:
        signal.signal(number, signal.SIG_IGN)  # a second signal must not interrupt that
    raise KeyboardInterrupt


def main() -> None:
    for number in STOP:  # a shell that starts it in the background ignores SIGINT
        signal.signal(number, leave)
    given = arguments()
    if given.quick:
        given.rounds, given.stored, given.messages = 1, min(given.stored, 20_000), min(given.messages, 2_000)
    kinds = ("sqlite", "postgres") if given.database == "both" else (given.database,)
    values: list[Value] = []
    try:
        for value in run(given, kinds):
            values.append(value)  # noqa: PERF402 - values measured before an error are shown all the same
    finally:
        records = gathered(values)
        found = verdicts(records, promises(kinds, given.stored, given.messages))
        print(f"\n{table(records)}\n\n{told(found)}\n\n{how_calm(records)}")
        if given.write:
            write(given.write, records, found, given.rounds)


if __name__ == "__main__":
    main()
