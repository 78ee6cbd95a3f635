"""Measures whether cards delay messages: a thousand open chats whose customers write, with cards and without.

    python -m bench.cards --chats 1000 --rate 20 --seconds 60 --rounds 3 --database both

Prints the seconds from the commit to Slack for messages, p50 and p99, with the card lane and without, and their ratio.
Like the real one, the stand-in for Slack accepts fifty edits a minute and answers 429 to the rest. It runs in a process
of its own.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import tempfile
import threading
import time
from contextlib import closing
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

from sqlalchemy import func, select

from bench.soak import database
from relay.delivery.worker import AT_MOST, Worker
from relay.kommunicate.parse import parse_webhook
from relay.messages import ChatMessage
from relay.sandbox import Sandbox, SandboxServer
from relay.store.db.engine import open_store
from relay.store.db.schema import migrate
from relay.store.db.tables import OPEN_DELIVERIES, deliveries
from relay.store.intake.webhooks import accept
from relay.vocabulary import Lane
from relay.wiring import Relay, build_context
from tests.harness import raw, settings

EDITS = 50  # a minute
CHANNELS = 50


class Slack:
    """The sandbox in a process of its own, so that its cost does not count as the relay's."""

    def __init__(self) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._pipe, other = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(other,), daemon=True)
        self._process.start()
        self.slack_url, self.kommunicate_url = self._pipe.recv()

    def limit_edits(self) -> None:
        """From now on, accept a limited number of edits a minute, and answer 429 to the rest."""
        self._pipe.send("limit")

    def end(self) -> tuple[dict[str, float], int]:
        """When each message appeared in a thread, in seconds since 1970, and how many edits there were."""
        self._pipe.send("end")
        found: tuple[dict[str, float], int] = self._pipe.recv()
        self._process.join()
        return found


def measure(kind: str, chats: int, rate: float, seconds: float, *, cards: bool) -> dict[str, float]:
    """One run; returns how many seconds messages took."""
    with (
        tempfile.TemporaryDirectory(prefix="relay-cards-") as name,
        database(kind, Path(name)) as url,
        closing(open_store(url)) as store,
    ):
        migrate(store)
        slack = Slack()
        channels = {str(number): f"C0C{number % CHANNELS}" for number in range(chats)}
        config = settings(channels=channels, delivery={"posts_per_second": 1000, "burst": 1000})
        api = {"kommunicate_api_key": "sandbox-key", "kommunicate_api_url": slack.kommunicate_url}
        relay = Relay(replace(config, slack_api_url=slack.slack_url, **api), store)
        worker = Worker(build_context(relay), at_most={**AT_MOST, Lane.CARD: AT_MOST[Lane.CARD] if cards else 0})
        relay.on_accept = worker.wake
        worker.start()
        for number in range(chats):
            _take_in(relay, number, f"first-{number}")
        _wait_until(relay)
        slack.limit_edits()
        accepted, begun = {}, time.monotonic()
        for count in range(int(rate * seconds)):
            time.sleep(max(0.0, begun + count / rate - time.monotonic()))
            text = f"word-{count:06d}"
            accepted[text] = time.time()
            _take_in(relay, (count * 7919) % chats, text)
        _wait_until(relay)
        worker.stop(10)
        shown, edits = slack.end()
    took = [shown[text] - at for text, at in accepted.items()]
    return {"p50": statistics.median(took), "p99": statistics.quantiles(took, n=100)[98], "edits": edits}


def _serve(pipe: Connection) -> None:
    with SandboxServer(Sandbox(pace=0)) as server:
        for number in range(CHANNELS):
            server.sandbox.slack.add_channel(f"C0C{number}", f"c-{number}")
        pipe.send((server.slack_api_url, server.kommunicate_api_url))
        stop = threading.Event()
        while pipe.recv() == "limit":
            threading.Thread(target=_limit_edits, args=(server, stop), daemon=True).start()
        stop.set()
        posts = [one for one in server.sandbox.slack.messages if one.thread_ts]
        shown = {text: float(one.ts) for one in posts for text in _words(json.dumps(one.blocks))}
        edits = sum(call["method"] == "chat.update" and call["outcome"] == "ok" for call in server.sandbox.calls)
        pipe.send((shown, edits))


def _words(blocks: str) -> list[str]:
    return [blocks[at : at + 11] for at in range(len(blocks)) if blocks.startswith("word-", at)]


def _take_in(relay: Relay, chat: int, text: str) -> None:
    body = raw(f"{chat}-{text}", str(chat), text)
    message = parse_webhook(body)
    assert isinstance(message, ChatMessage)
    decision = relay.choose(message)
    relay.store.write("accept", lambda tx: accept(tx, message, body, decision))
    relay.on_accept()


def _wait_until(relay: Relay) -> None:
    """Wait until no customer's message is waiting."""
    open_words = (deliveries.c.lane == Lane.WORDS.value, deliveries.c.state.in_(OPEN_DELIVERIES))
    ends = time.monotonic() + 300
    while time.monotonic() < ends:
        with relay.store.read() as tx:
            if tx.conn.execute(select(func.count()).where(*open_words)).scalar_one() == 0:
                return
        time.sleep(0.5)
    raise TimeoutError("not everything was shown")


def _limit_edits(server: SandboxServer, stop: threading.Event) -> None:
    """Slack's limit for edits: any more are refused until the next minute."""
    while not stop.is_set():
        server.sandbox.faults.remove("chat.update")
        rule = {"after": EDITS // 6, "times": None, "retry_after": "10"}
        server.sandbox.faults.add("chat.update", "ratelimited", **rule)
        stop.wait(10.0)


def main() -> None:
    """Alternate the two kinds of rounds; print medians."""
    parser = argparse.ArgumentParser(prog="python -m bench.cards", description=__doc__)
    parser.add_argument("--chats", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=20.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--database", choices=("sqlite", "postgres", "both"), default="both")
    options = parser.parse_args()
    for kind in ("sqlite", "postgres") if options.database == "both" else (options.database,):
        rounds = [
            {cards: measure(kind, options.chats, options.rate, options.seconds, cards=cards) for cards in (False, True)}
            for _ in range(options.rounds)
        ]
        found = {
            f"{name}, {how} cards": round(statistics.median(one[cards][name] for one in rounds), 4)
            for name in ("p50", "p99", "edits")
            for cards, how in ((False, "without"), (True, "with"))
        }
        ratio = statistics.median(one[True]["p99"] / one[False]["p99"] for one in rounds)
        print(json.dumps({"database": kind, **found, "p99 ratio": round(ratio, 2)}))


if __name__ == "__main__":
    main()
