"""Whether cards hold up words: a thousand open chats whose customers write, with cards drawn and without.

    python -m bench.cards --chats 1000 --rate 20 --seconds 60 --rounds 3 --database both

Prints the seconds from the commit to Slack for words, p50 and p99, with the card lane and without, and their ratio.
Slack takes fifty edits a minute, as it does, and says 429 to the rest.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import threading
import time
from contextlib import closing
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


def measure(kind: str, chats: int, rate: float, seconds: float, *, cards: bool) -> dict[str, float]:
    """One run; the seconds that words took."""
    with (
        tempfile.TemporaryDirectory(prefix="relay-cards-") as name,
        database(kind, Path(name)) as url,
        closing(open_store(url)) as store,
        SandboxServer(Sandbox(pace=0)) as server,
    ):
        migrate(store)
        channels = {str(number): f"C0C{number % 50}" for number in range(chats)}
        for number in range(50):
            server.sandbox.slack.add_channel(f"C0C{number}", f"c-{number}")
        relay = Relay(settings(server, channels=channels, delivery={"posts_per_second": 1000, "burst": 1000}), store)
        worker = Worker(build_context(relay), at_most={**AT_MOST, Lane.CARD: AT_MOST[Lane.CARD] if cards else 0})
        relay.on_accept = worker.wake
        worker.start()
        for number in range(chats):
            _take_in(relay, number, f"first-{number}")
        _wait_until(relay)
        stop = threading.Event()
        threading.Thread(target=_limit_edits, args=(server, stop), daemon=True).start()
        accepted, begun = {}, time.monotonic()
        for count in range(int(rate * seconds)):
            time.sleep(max(0.0, begun + count / rate - time.monotonic()))
            text = f"word-{count:06d}"
            accepted[text] = time.time()
            _take_in(relay, (count * 7919) % chats, text)
        _wait_until(relay)
        stop.set()
        worker.stop(10)
        took = [
            float(message.ts) - accepted[text]
            for message in server.sandbox.slack.messages
            if message.thread_ts
            for text in _words(json.dumps(message.blocks))
        ]
        edits = sum(call["method"] == "chat.update" and call["outcome"] == "ok" for call in server.sandbox.calls)
    return {"p50": statistics.median(took), "p99": statistics.quantiles(took, n=100)[98], "edits": edits}


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
    """Nothing of what customers wrote waits any more."""
    open_words = (deliveries.c.lane == Lane.WORDS.value, deliveries.c.state.in_(OPEN_DELIVERIES))
    ends = time.monotonic() + 300
    while time.monotonic() < ends:
        with relay.store.read() as tx:
            if tx.conn.execute(select(func.count()).where(*open_words)).scalar_one() == 0:
                return
        time.sleep(0.5)
    raise TimeoutError("not everything was shown")


def _limit_edits(server: SandboxServer, stop: threading.Event) -> None:
    """Slack's limit for edits: what exceeds it is refused until the next minute's share."""
    while not stop.is_set():
        server.sandbox.faults.remove("chat.update")
        rule = {"after": EDITS // 6, "times": None, "retry_after": "10"}
        server.sandbox.faults.add("chat.update", "ratelimited", **rule)
        stop.wait(10.0)


def main() -> None:
    """Rounds in turns, medians."""
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
