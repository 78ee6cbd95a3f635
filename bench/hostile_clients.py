"""Measures how long good requests take while many clients drip or are refused.

    python -m bench.hostile_clients --kind drip --clients 2000 --seconds 120

`drip` starts requests, half of them with their headers and half within a body, sends a byte of each every few seconds,
and starts again whenever it is dropped. `refused` sends requests without a token as fast as they are answered.
Meanwhile, good webhooks are sent one after the other, each over a connection of its own, to the same `relay serve
--no-worker`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.harness import body
from tests.processes import RelayProcess, spawned
from tests.web.wire import JSON_HEADER, lone_environment, webhook

EVERY = 3.0  # seconds between two bytes
AGAIN = 0.1  # seconds until a dropped client connects again
HEAD = webhook(JSON_HEADER, "Content-Length: 100000")
IN_HEADERS, IN_BODY = HEAD[:-2] + b"X: ", HEAD
UNAUTHORIZED = HEAD.replace(b"100000", b"2").replace(b"Connection: close\r\n", b"") + b"{}"


@dataclass
class Clients:
    """Clients of one kind, in a thread of their own until `over`; `cut` counts how often one was dropped."""

    port: int
    count: int
    behave: Callable[[Clients, int], object]
    every: float = EVERY
    cut: int = 0
    answered: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Start them, and end them."""
        thread = threading.Thread(target=lambda: asyncio.run(self._all()), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.over.set()
            thread.join()

    async def _all(self) -> None:
        tasks = [asyncio.create_task(self._again_and_again(number)) for number in range(self.count)]
        while not self.over.is_set():
            await asyncio.sleep(0.1)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _again_and_again(self, number: int) -> None:
        while True:
            with suppress(OSError, asyncio.IncompleteReadError):
                await self.behave(self, number)  # type: ignore[misc]
            self.cut += 1
            await asyncio.sleep(AGAIN)


async def drip(clients: Clients, number: int) -> None:
    """Start a request and send a byte of it now and then."""
    reader, writer = await asyncio.open_connection("127.0.0.1", clients.port)
    try:
        writer.write(IN_HEADERS if number % 2 else IN_BODY)
        while not reader.at_eof():
            await asyncio.sleep(clients.every)
            writer.write(b"x")
            await writer.drain()
    finally:
        writer.close()


async def refused(clients: Clients, _number: int) -> None:
    """Send requests without a token, again and again on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", clients.port)
    try:
        while True:
            writer.write(UNAUTHORIZED)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 401"), head
            length = head.lower().partition(b"content-length:")[2]
            await reader.readexactly(int(length.split(b"\r\n")[0]))
            clients.answered += 1
    finally:
        writer.close()


KINDS = {"drip": drip, "refused": refused}


def good_requests(relay: RelayProcess, seconds: float) -> list[float]:
    """How long each good request took, one after the other."""
    taken: list[float] = []
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        begun = time.monotonic()
        answer = relay.post(body(f"good-{begun}"))
        assert answer.status_code == 200, answer.status_code
        taken.append(time.monotonic() - begun)
    return sorted(taken)


def measure(kind: str, count: int, seconds: float) -> dict[str, object]:
    """Run it; returns the figures, with times in seconds."""
    with tempfile.TemporaryDirectory(prefix="relay-clients-") as name:
        folder = Path(name)
        env = lone_environment(f"sqlite:///{folder}/relay.db")
        relay = RelayProcess("serve", "--no-worker", cwd=folder, env=env, start=spawned)
        try:
            relay.wait_ready()
            alone = good_requests(relay, 5.0)
            clients = Clients(relay.port, count, KINDS[kind])
            with clients.at_work():
                time.sleep(5.0)  # until all are connected
                taken = good_requests(relay, seconds)
            log = (folder / "relay.log").stat().st_size
        finally:
            relay.kill()
    return {
        "kind": kind,
        "clients": count,
        "seconds": seconds,
        "good_requests": len(taken),
        "good_s": _places(taken),
        "good_s_alone": _places(alone),
        "cut_off": clients.cut,
        "refused": clients.answered,
        "log_kb": round(log / 1000),
    }


def _places(taken: list[float]) -> dict[str, float]:
    places = {"p50": len(taken) // 2, "p99": len(taken) * 99 // 100, "max": len(taken) - 1}
    return {name: round(taken[place], 3) for name, place in places.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=sorted(KINDS), default="drip")
    parser.add_argument("--clients", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=120.0)
    given = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 2 * given.clients + 500), hard))
    print(json.dumps(measure(given.kind, given.clients, given.seconds)))


if __name__ == "__main__":
    main()
